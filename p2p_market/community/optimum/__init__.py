"""The optimum's side of the track: its bound by prices, and where cost is lost."""
