"""Both ends of the scale: certificates and the reference table."""
