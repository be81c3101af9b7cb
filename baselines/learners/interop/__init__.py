"""The community as other learning libraries want it: small actions, normalised observations."""
