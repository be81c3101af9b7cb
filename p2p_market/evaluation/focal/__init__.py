"""One agent plays a policy while all others play on."""
