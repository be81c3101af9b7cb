"""Track `battery`: one or more large batteries in day-ahead, intraday and two reserve markets."""
