"""What the track `battery` has on the page: its columns, and a week in four markets."""
