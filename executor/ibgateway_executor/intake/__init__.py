"""Requests of clients: the HTTP API, its documents, what is accepted."""
