"""Track `community`: prosumers who trade with their neighbours, with the grid as fallback."""
