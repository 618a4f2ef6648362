"""A PostgreSQL of one's own: Debian's programs, on a loopback port, with its data in a folder of its own."""

from postgres_server.server import PostgresServer, kill_server, started

__all__ = ["PostgresServer", "kill_server", "started"]
