"""MAPPO and IPPO with RLlib."""
