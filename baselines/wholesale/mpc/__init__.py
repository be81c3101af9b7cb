"""A planner that solves the program of the day ahead in every hour, on forecasts."""
