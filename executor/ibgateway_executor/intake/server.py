"""The HTTP API on its port."""

import contextlib
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the handlers as they are."""
        yield


async def serve(app: FastAPI, *, bind: str, port: int) -> None:
    """Serve until cancelled."""
    config = uvicorn.Config(
        app,
        host=bind,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    await _Server(config).serve()
