"""What is drawn at reset: load, PV, prices, vehicles, faults."""
