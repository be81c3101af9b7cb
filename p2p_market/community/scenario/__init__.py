"""Scenario files: read, checked, and built into arrays."""
