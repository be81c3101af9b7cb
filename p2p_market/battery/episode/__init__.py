"""What is drawn at reset: the series of all markets, and the day-ahead position."""
