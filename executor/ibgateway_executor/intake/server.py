"""The HTTP API on its port."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from ibgateway_runtime.errors import SettingsError


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield


async def serve(app: FastAPI, *, bind: str, port: int) -> None:
    """Serve until cancelled; SettingsError where the port can't be opened."""
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    with _listening(bind, port) as listener:
        await _Server(config).serve(sockets=[listener])


def _listening(bind: str, port: int) -> socket.socket:
    """Opened here, because uvicorn ends the process where it can't."""
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        return socket.create_server((bind, port), family=family)
    except OSError as problem:
        raise SettingsError(f"port {port} can't be opened: {problem.strerror}") from problem
