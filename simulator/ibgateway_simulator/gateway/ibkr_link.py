"""The gateway's line to IBKR: a WebSocket that reconnects, messages in, messages out.

Without SIMULATOR_IBKR_URL an IBKR of its own runs in the process, so that the image also works
alone; its control API is then on the default ports of loopback.
"""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping
from urllib.parse import urlsplit

import aiohttp

from ibgateway_simulator.gateway.inputs import GatewayInput, LineChanged, NoticeReceived
from ibgateway_simulator.gateway.settings import GatewaySettings
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage
from ibgateway_simulator.ibkr.server import running
from ibgateway_simulator.ibkr.settings import ibkr_settings

RETRY_SECONDS = 0.5


class IbkrLink:
    """Where IBKR is and the messages to it."""

    def __init__(self, url: str, broker_port: int, name: str) -> None:
        self.host = urlsplit(url).hostname or "127.0.0.1"
        self.broker_port = broker_port
        self._url = f"{url}/gateway/session?gateway={name}"
        self._outbox: asyncio.Queue[GatewayMessage] = asyncio.Queue()

    def post(self, message: GatewayMessage) -> None:
        """Queue a message; it is sent when the line is up."""
        self._outbox.put_nowait(message)

    async def run(self, put: Callable[[GatewayInput], None]) -> None:
        """Keep the line up for ever; `put` takes IBKR's messages, and loss and return of the line."""
        async with aiohttp.ClientSession() as http:
            while True:
                with contextlib.suppress(aiohttp.ClientError, OSError, TimeoutError):
                    await self._talk(http, put)
                await asyncio.sleep(RETRY_SECONDS)

    async def _talk(self, http: aiohttp.ClientSession, put: Callable[[GatewayInput], None]) -> None:
        async with http.ws_connect(self._url, heartbeat=15) as socket:
            put(LineChanged(up=True))
            sender = asyncio.create_task(self._send(socket))
            try:
                async for message in socket:
                    if message.type == aiohttp.WSMsgType.TEXT:
                        put(NoticeReceived(json.loads(message.data)))
            finally:
                sender.cancel()
                put(LineChanged(up=False))

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        while True:
            await socket.send_json(await self._outbox.get())


@contextlib.asynccontextmanager
async def connected(
    settings: GatewaySettings, environ: Mapping[str, str]
) -> AsyncIterator[IbkrLink]:
    """A line to the configured IBKR, or to one that runs here with the settings in `environ`."""
    if settings.ibkr_url:
        yield IbkrLink(settings.ibkr_url, settings.broker_port, settings.name)
        return
    async with running(ibkr_settings(environ)) as here:
        yield IbkrLink(f"http://127.0.0.1:{here.port}", here.broker_port, settings.name)
