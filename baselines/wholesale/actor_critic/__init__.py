"""Actor and critic for storages: what a stored MWh is worth, and limit orders around it."""
