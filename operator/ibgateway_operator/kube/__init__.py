"""The API server: the only client of it, and what is kept of its objects."""
