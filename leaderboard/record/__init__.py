"""Records of entries: `result.json`, traces, checksums."""
