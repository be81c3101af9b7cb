"""Policies: loaded by name, asked, watched."""
