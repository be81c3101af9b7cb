"""The signed, append-only ledger of a season."""
