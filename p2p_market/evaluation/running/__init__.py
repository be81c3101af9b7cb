"""Parts of a run, side by side and resumed."""
