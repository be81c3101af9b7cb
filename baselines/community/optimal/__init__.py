"""The perfect-foresight optimum of the whole community."""
