"""How a snapshot is taken: sentinels, consoles, Secrets, the cache."""
