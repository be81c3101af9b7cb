"""Data sets, read-only; `docs/data.md` says what they are and where they come from."""

from p2p_market.data.dataset import DataSet, Donor, FeederData, load, verify
from p2p_market.data.splits import donor_pools

__all__ = ["DataSet", "Donor", "FeederData", "donor_pools", "load", "verify"]
