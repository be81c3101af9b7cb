"""A DQN with several objectives for the operator: stability, cost, environment."""
