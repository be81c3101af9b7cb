"""Trained elsewhere, played here: a policy of a library as one file, `export(policy, ...)`."""

from baselines.learners.export.door import export

__all__ = ["export"]
