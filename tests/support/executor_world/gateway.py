"""A gateway that logs in without a window: the simulator's session, behind a port like socat's.

The port accepts at any time and closes at once while nobody is logged in, as the image's does.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import aiohttp

from ibgateway_simulator.gateway.relay import Relay
from tcp_pipes import PipedPort


class WindowlessGateway:
    """`login` and `logout`; `port` is what the executor dials."""

    def __init__(self, session: aiohttp.ClientSession, ibkr_url: str, broker_port: int) -> None:
        self._session = session
        self._url = f"{ibkr_url}/gateway/session?gateway=world"
        self._relay = Relay("127.0.0.1", broker_port, 0)
        self._socket: aiohttp.ClientWebSocketResponse | None = None
        self._front = PipedPort(self._accept)
        self._logged_in = False
        self.accepted = 0
        """Connections since the start."""
        self._listening: asyncio.Task[None] | None = None

    @property
    def port(self) -> int:
        """Where it listens, logged in or not."""
        return self._front.port

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["WindowlessGateway"]:
        """Listen until the block ends."""
        async with self._front.listening():
            try:
                yield self
            finally:
                await self.logout()

    async def login(self) -> None:
        """Log in and open the API behind the port."""
        self._socket = await self._session.ws_connect(self._url)
        await self._socket.send_json(
            {
                "type": "login",
                "user": "paperuser",
                "password": "paperpassword",
                "mode": "paper",
                "kind": "full",
            }
        )
        while True:
            message = await self._socket.receive_json()
            assert message["type"] in ("logged_in", "link"), message
            if message["type"] == "logged_in":
                await self._relay.open(message["session"])
                self._logged_in = True
                self._listening = asyncio.create_task(_listen(self._socket))
                return

    async def logout(self) -> None:
        """End the session: every API connection is reset."""
        self._logged_in = False
        self._relay.close()
        if self._listening is not None:
            self._listening.cancel()
            self._listening = None
        if self._socket is not None:
            await self._socket.close()
            self._socket = None

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if not self._logged_in:
            writer.close()
            return
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self._relay.port)
        except OSError:
            writer.close()
            return
        self._front.carry(reader, back)
        self._front.carry(there, writer)


async def _listen(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Read what IBKR tells: its pings are answered only while somebody reads."""
    async for _ in socket:
        pass
