"""Serving an aiohttp application on a port for as long as it is needed."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from ibgateway_runtime.errors import SettingsError

STOP_SECONDS = 0.5
"""A quick end matters more than a slow client: long polls are cut."""


@contextlib.asynccontextmanager
async def served(
    app: web.Application, *, bind: str | None, port: int, stop_seconds: float = STOP_SECONDS
) -> AsyncIterator[None]:
    """Serve until the block ends; `bind` None or empty means every address.

    SettingsError where the port can't be opened. There is no access log.
    """
    runner = web.AppRunner(
        app,
        access_log=None,
        handle_signals=False,
        shutdown_timeout=stop_seconds,
        handler_cancellation=True,
    )
    await runner.setup()
    try:
        try:
            await web.TCPSite(runner, bind or None, port).start()
        except OSError as problem:
            raise SettingsError(f"port {port} can't be opened: {problem.strerror}") from problem
        yield
    finally:
        await runner.cleanup()
