"""What PPO adds for batteries."""
