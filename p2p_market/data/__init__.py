"""Embedded real data, read-only; what it is and where it comes from stands in `docs/data.md`."""

from p2p_market.data.dataset import DataSet, Donor, FeederData, load, verify

__all__ = ["DataSet", "Donor", "FeederData", "load", "verify"]
