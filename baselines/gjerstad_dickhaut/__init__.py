"""Traders that believe as Gjerstad and Dickhaut have it."""
