"""Market data of a user's own: a table read, checked, put on the year's grid and kept."""
