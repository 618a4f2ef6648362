"""A client of the login driver's command server: one command, one answer."""

import asyncio
from typing import Final

from ibgateway_agent.errors import DriverCommandError

TIMEOUT_SECONDS: Final = 10.0


async def send(port: int, command: str) -> str:
    """The first line of the answer; raises `DriverCommandError` unless it is an `OK`."""
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"{command}\n".encode())
                await writer.drain()
                answer = (await reader.readline()).decode("utf-8", "replace").strip()
            finally:
                writer.close()
    except (OSError, TimeoutError) as error:
        raise DriverCommandError(f"{command} was not taken: {error!r}") from error
    if not answer.startswith("OK"):
        raise DriverCommandError(f"{command} was refused: {answer!r}")
    return answer
