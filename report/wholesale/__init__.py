"""The track `wholesale` in pictures: six views of a play, for the page and for the dashboard."""
