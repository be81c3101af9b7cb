"""The frozen background of the focal role: bots, and how they behave."""
