"""Track `wholesale`: a power system in five-minute steps, with frequency and voltage."""
