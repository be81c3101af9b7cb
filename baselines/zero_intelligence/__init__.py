"""Zero-intelligence traders."""
