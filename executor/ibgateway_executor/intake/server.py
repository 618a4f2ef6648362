"""The HTTP API on its port."""

import contextlib
import logging
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from ibgateway_runtime.errors import SettingsError

logger = logging.getLogger(__name__)


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
        logger.info("taking orders on %s port %d", bind, listener.getsockname()[1])
        await _Server(config).serve(sockets=[listener])


def _listening(bind: str, port: int) -> socket.socket:
    """Opened here, because uvicorn ends the process where it can't.

    What it accepts inherits TCP_NODELAY: asyncio sets it only on sockets that it makes itself, and
    without it each answer on a kept connection waits 40 ms for the client's delayed acknowledgement.
    """
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    try:
        listener = socket.create_server((bind, port), family=family)
    except OSError as problem:
        raise SettingsError(f"port {port} can't be opened: {problem.strerror}") from problem
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
