"""The pages of a season: plain HTML that needs no script, no server and nothing from outside."""
