"""DQN for generators: which of the 20 prices to bid."""
