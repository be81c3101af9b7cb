"""What the toy might bring for the leaderboard."""

from leaderboard.tracks.card import BoardCard

CARD = BoardCard(zero="rest")
