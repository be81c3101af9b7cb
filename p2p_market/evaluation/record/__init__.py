"""Records of runs: written, read, replayed, cited."""
