"""What the track `community` has on the page: its figures, and why a policy loses."""
