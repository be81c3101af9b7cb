"""Rules without learning: the no-trade rule and truthful bids."""
