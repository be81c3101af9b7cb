"""Seasons: boards, draws and their opening."""
