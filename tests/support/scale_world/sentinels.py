"""Every sentinel, console and executor of a run behind three listeners: the dialled address says whose it is.

They speak just enough HTTP for the operator's client, without a framework: a thousand long poll
heartbeats a second must cost the run little beside what they cost the operator.
"""

import asyncio
import itertools
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ibgateway_api.names import PORT_EXECUTOR, PORT_NOVNC_ADMIN, PORT_SENTINEL, Key

SLICES: Final = 20
"""A second's heartbeats are spread over this many moments."""
_CONSOLE: Final = b'{"enforced": true}'
_EXECUTOR: Final = b'{"open": true, "unacknowledged": 0}'


def now_text() -> str:
    """The time as Kubernetes writes it."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Login:
    """What one gateway's sentinel says; `asked_at` is the wall time of the first question, 0 before."""

    key: Key
    sequence: int = 1
    state: str = "LoggedIn"
    since: str = field(default_factory=now_text)
    asked_at: float = 0.0
    polls: "set[Connection]" = field(default_factory=set)
    body: bytes = b""

    def __post_init__(self) -> None:
        self._render()

    def turn(self) -> str:
        """Log out or in again, and tell everybody who listens; gives the status the gate should take."""
        self.state = "ConnectionLost" if self.state == "LoggedIn" else "LoggedIn"
        self.since, self.sequence = now_text(), self.sequence + 1
        self._render()
        for connection in list(self.polls):
            connection.finish()
        return "True" if self.state == "LoggedIn" else "False"

    def _render(self) -> None:
        report = {
            "boot": "b1",
            "sequence": self.sequence,
            "at": now_text(),
            "state": self.state,
            "since": self.since,
            "accounts": ["DU1234567"],
            "fullAuthTime": _STARTED,
            "attemptsToday": 1,
        }
        self.body = json.dumps(report).encode()


_STARTED: Final = now_text()


class Sentinels:
    """The logins by gateway and by pod address, and the heartbeats of everybody who listens."""

    def __init__(self) -> None:
        self.logins: dict[Key, Login] = {}
        self.by_address: dict[str, Login] = {}
        self._slices: list[set[Connection]] = [set() for _ in range(SLICES)]
        self._next: Iterator[int] = itertools.cycle(range(SLICES))

    async def serve(self) -> None:
        """Listen on the ports of sentinels, consoles and executors; then beat for ever."""
        loop = asyncio.get_running_loop()
        for port in (PORT_SENTINEL, PORT_NOVNC_ADMIN, PORT_EXECUTOR):
            await loop.create_server(lambda: Connection(self), "0.0.0.0", port, backlog=4096)  # noqa: S104
        await self._beat()

    async def _beat(self) -> None:
        at = time.monotonic()
        for turn in itertools.count():
            for connection in list(self._slices[turn % SLICES]):
                connection.beat()
            await asyncio.sleep(max(at + turn / SLICES - time.monotonic(), 0))

    def login(self, key: Key, address: str) -> None:
        """A gateway's pod has this address from now on."""
        self.by_address[address] = self.logins.setdefault(key, Login(key))

    def forget_questions(self) -> None:
        """Count anew who has been asked."""
        for login in self.logins.values():
            login.asked_at = 0.0

    def asked(self, login: Login) -> None:
        """Somebody asks."""
        login.asked_at = login.asked_at or time.time()

    def hold(self, connection: "Connection") -> "set[Connection]":
        """A long poll that waits; gives the slice it beats in."""
        held = self._slices[next(self._next)]
        held.add(connection)
        return held


class Connection(asyncio.Protocol):
    """One connection of the operator."""

    def __init__(self, world: Sentinels) -> None:
        self._world = world
        self._buffer = b""
        self._login: Login | None = None
        self._held: set[Connection] | None = None
        self._left = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The dialled address and port tell whom it is for."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._address, self._port = transport.get_extra_info("sockname")[:2]

    def connection_lost(self, exc: Exception | None) -> None:
        """The operator went, or asks no more."""
        self._release()

    def data_received(self, data: bytes) -> None:
        """Whole requests are answered; a body is read and ignored."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            length = _content_length(head)
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            self._handle(head.split(b" ", 2)[1].decode())

    def _handle(self, path: str) -> None:
        if self._port != PORT_SENTINEL:
            return self._answer(_CONSOLE if self._port == PORT_NOVNC_ADMIN else _EXECUTOR)
        login = self._world.by_address.get(self._address)
        if login is None:
            return self._answer(b"{}", b"503 Service Unavailable")
        self._login = login
        self._world.asked(login)
        if "?" not in path:
            return self._answer(login.body + b"\n")
        query = dict(pair.split("=") for pair in path.partition("?")[2].split("&"))
        self._poll(login, after=int(query["after"]), wait=int(float(query["wait"])))
        return None

    def _poll(self, login: Login, *, after: int, wait: int) -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"1\r\n\n\r\n"
        )
        if login.sequence > after:
            return self.finish()
        self._left = wait
        self._held = self._world.hold(self)
        login.polls.add(self)
        return None

    def beat(self) -> None:
        """The empty line of each second; the report at the end of the wait."""
        self._left -= 1
        if self._left <= 0:
            self.finish()
        else:
            self._transport.write(b"1\r\n\n\r\n")

    def finish(self) -> None:
        """The report ends the answer."""
        assert self._login is not None
        self._release()
        body = self._login.body + b"\n"
        self._transport.write(b"%x\r\n" % len(body) + body + b"\r\n0\r\n\r\n")

    def _answer(self, body: bytes, status: bytes = b"200 OK") -> None:
        head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\n"
        self._transport.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def _release(self) -> None:
        if self._held is not None:
            self._held.discard(self)
            self._held = None
        if self._login is not None:
            self._login.polls.discard(self)


def _content_length(head: bytes) -> int:
    lines = (line.lower() for line in head.split(b"\r\n")[1:])
    found = (line.partition(b":")[2] for line in lines if line.startswith(b"content-length:"))
    return int(next(found, b"0"))
