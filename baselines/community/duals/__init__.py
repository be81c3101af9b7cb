"""What the optima of training weeks teach: prices at the hub."""
