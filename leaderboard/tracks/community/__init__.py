"""What the track `community` brings for the leaderboard."""
