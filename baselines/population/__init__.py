"""The address at which published seasons look for their population."""
