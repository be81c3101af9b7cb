"""Model predictive control: the optimum's program, solved again and again on forecasts."""
