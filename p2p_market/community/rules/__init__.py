"""Rules: bidders that need no solver and no training."""
