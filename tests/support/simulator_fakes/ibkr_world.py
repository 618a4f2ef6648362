"""IBKR's side over real sockets: its control API, gateways that log in by hand, raw API clients."""

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings
from ibgateway_simulator.tws import stream, wire

PATIENCE = 20
ORDER = (
    "3|{}|265598|AAPL|STK||0.0|||SMART||USD|AAPL|||| {}|10|MKT|0|0|DAY||||0|{}|1|0|0|0|0|0|0|0"
).replace(" ", "")
ENVIRON = {
    "SIMULATOR_IBKR_PORT": "0",
    "SIMULATOR_BROKER_PORT": "0",
    "SIMULATOR_LOGIN_SECONDS": "0",
}


@dataclass(frozen=True)
class TwsClient:
    """A raw API client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, words: str) -> None:
        """Send a message whose fields stand between bars."""
        self.writer.write(wire.frame(tuple(words.split("|"))))

    def order(self, order_id: int, action: str = "BUY", ref: str = "") -> None:
        """placeOrder: ten AAPL at the market."""
        fields = ORDER.format(order_id, action, ref).split("|") + [""] * 60
        self.writer.write(wire.frame(tuple(fields)))

    async def next(self) -> list[str]:
        """The next message."""
        async with asyncio.timeout(PATIENCE):
            return list(wire.split(await stream.read_body(self.reader)))

    async def until(self, *start: str) -> list[str]:
        """The next message that starts so."""
        while True:
            fields = await self.next()
            if tuple(fields[: len(start)]) == start:
                return fields

    async def error(self, code: int) -> list[str]:
        """The next error with this code."""
        while True:
            fields = await self.next()
            if fields[0] == "4" and fields[3] == str(code):
                return fields

    async def end(self) -> None:
        """Read until the server closes; it must."""
        try:
            while True:
                await self.next()
        except (asyncio.IncompleteReadError, ConnectionError):
            return


class IbkrWorld:
    """IBKR, its control API and as many gateways as a test logs in."""

    def __init__(self, ibkr: Running, http: aiohttp.ClientSession) -> None:
        self.ibkr = ibkr
        self.session = ""
        self._http = http
        self._url = f"http://127.0.0.1:{ibkr.port}"
        self._sockets: list[aiohttp.ClientWebSocketResponse] = []
        self._clients: list[TwsClient] = []

    @property
    def socket(self) -> aiohttp.ClientWebSocketResponse:
        """The line of the gateway that came last."""
        return self._sockets[-1]

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A request to the control API that must succeed: its answer."""
        async with self._http.request(method, self._url + path, json=body) as answer:
            document = await answer.json()
            assert answer.status == 200, document
            return document

    async def status(self, method: str, path: str, body: Any = None) -> int:
        """A request to the control API: its status."""
        async with self._http.request(method, self._url + path, json=body) as answer:
            return answer.status

    async def gateway(self, name: str = "g1") -> aiohttp.ClientWebSocketResponse:
        """Connect a gateway."""
        socket = await self._http.ws_connect(f"{self._url}/gateway/session?gateway={name}")
        self._sockets.append(socket)
        return socket

    async def message(self, kind: str) -> dict[str, Any]:
        """The gateway's next message of this type."""
        async with asyncio.timeout(PATIENCE):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message["type"] == kind:
                    return message

    async def event(self, kind: str) -> dict[str, Any]:
        """The first event of this kind, from the beginning."""
        after = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                for event in await self.call("GET", f"/v1/events?after={after}&wait=5"):
                    after = event["seq"]
                    if event["kind"] == kind:
                        return dict(event)

    async def frame(self, first: str) -> None:
        """Wait until a message that begins with this field has come from an API client."""
        async with asyncio.timeout(PATIENCE):
            while not await self.call("GET", f"/v1/frames?direction=in&message={first}"):
                pass

    async def ask(self, **changes: Any) -> None:
        """Ask for a full login, but for the changes."""
        login = {"user": "paperuser", "password": "paperpassword", "mode": "paper", "kind": "full"}
        await self.socket.send_json({"type": "login", **login, **changes})

    async def login(self, name: str = "g1", **changes: Any) -> dict[str, Any]:
        """Log a gateway in with an approved push."""
        await self.gateway(name)
        await self.ask(**changes)
        await self.message("push_sent")
        await self.call("POST", "/v1/pushes/latest/approve")
        message = await self.message("logged_in")
        self.session = message["session"]
        return message

    async def tws(self, client_id: int = 17, *, start: bool = True) -> TwsClient:
        """Connect an API client to the session."""
        client = await self.offered(b"v157..178")
        assert (await client.next())[0] == "178"
        if start:
            client.send(f"71|2|{client_id}|")
            await client.until("4", "2", "-1", "2158")
        return client

    async def offered(self, offer: bytes) -> TwsClient:
        """Connect an API client that asks for a range of server versions, and nothing more."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ibkr.broker_port)
        writer.write(json.dumps({"session": self.session}).encode() + b"\n")
        writer.write(wire.PREFIX + wire.framed(offer))
        client = TwsClient(reader, writer)
        self._clients.append(client)
        return client

    async def close(self) -> None:
        """End every client and gateway."""
        for client in self._clients:
            client.writer.transport.abort()
        for socket in self._sockets:
            await socket.close()


def utc_now() -> dt.datetime:
    """The time as it is."""
    return dt.datetime.now(dt.UTC)


@contextlib.asynccontextmanager
async def ibkr_world(now: Callable[[], dt.datetime] = utc_now) -> AsyncIterator[IbkrWorld]:
    """IBKR's side for the time of the block."""
    settings = ibkr_settings(ENVIRON)
    async with running(settings, now=now) as ibkr, aiohttp.ClientSession() as http:
        made = IbkrWorld(ibkr, http)
        yield made
        await made.close()
