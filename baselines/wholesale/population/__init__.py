"""Who plays beside an agent in focus."""
