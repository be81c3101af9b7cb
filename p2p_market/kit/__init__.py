"""What tracks would else write alike: each takes of it what fits, and says the rest itself."""
