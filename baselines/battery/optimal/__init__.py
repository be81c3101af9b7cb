"""The optimum with perfect foresight: a mixed-integer program over all batteries."""
