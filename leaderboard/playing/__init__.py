"""Entries at play."""
