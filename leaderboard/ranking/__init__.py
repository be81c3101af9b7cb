"""Tables of a season and their exports."""
