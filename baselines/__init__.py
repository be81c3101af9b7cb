"""Baselines: one folder per policy; they import p2p_market, never the other way."""
