"""Zero Intelligence Plus."""
