"""Proximal policy optimisation over many communities at once (MAPPO and IPPO)."""
