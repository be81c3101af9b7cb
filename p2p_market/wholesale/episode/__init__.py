"""What is drawn at reset: load, wind, sun, outages and what agents may expect of them."""
