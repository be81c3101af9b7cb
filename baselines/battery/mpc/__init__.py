"""A planner that solves a linear program of the hours ahead in every step."""
