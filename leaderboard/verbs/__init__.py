"""What the verbs of `p2p-market leaderboard` do."""
