"""Rules that need no library."""
