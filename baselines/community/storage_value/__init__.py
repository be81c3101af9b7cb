"""Trades by what stored energy is worth."""
