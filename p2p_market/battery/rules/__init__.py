"""Rules that need no extra."""
