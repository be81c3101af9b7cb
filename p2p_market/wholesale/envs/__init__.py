"""Environments of the track."""
