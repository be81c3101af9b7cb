"""Records checked again: replay and verification."""
