"""Scores and their intervals: short pure functions of cost arrays and a passed generator.

Definitions, sources and measured coverage: docs/theory.md, section Statistics.
"""
