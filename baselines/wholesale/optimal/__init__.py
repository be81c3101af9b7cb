"""The optimum with perfect foresight: a linear program of the whole power system."""
