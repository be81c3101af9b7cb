"""The linear program of an episode, what its prices prove, and how a plan is played."""
