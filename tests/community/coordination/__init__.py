"""Tests of agreements between members."""
