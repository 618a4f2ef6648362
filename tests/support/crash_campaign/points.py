"""Inside the executor's process: points that are counted, and what happens at one of them.

A point is a commit of the ledger, a write to a socket, or an await of the executor's own code; before and after it
count apart. Nothing of the product knows: sqlite3, asyncio's transports and the tracing of lines are wrapped
from outside. SIGUSR1 arms: points before that are not counted.
"""

import asyncio
import dis
import os
import signal
import socket
import sqlite3
import struct
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, Final

import psycopg

PACKAGE: Final = "ibgateway_executor"
SUBMIT_PATH: Final = (
    *("dispatch", "ledger", "broker", "orders", "intake", "gate.py", "wakeup.py"),
    *("rebalance", "rebalance_runs"),
)
LEFT_OUT: Final = (
    *("housekeeping.py", "engine.py", "threads.py"),
    *("postgres_database.py", "session.py", "fence.py"),
)
"""Their steps are the timers' and the plumbing's; what they do for an order is seen where it is asked for."""
KILL: Final = "kill"
CUT: Final = "cut"

Tracer = Callable[[FrameType, str, Any], Any]


@dataclass(frozen=True)
class PointPlan:
    """`target` is kind, place and occurrence of the point at which `act` happens; none: points are only written down."""

    gateway_port: int
    trace: str = ""
    act: str = KILL
    target: tuple[str, str, int] | None = None


class CrashPoints:
    """Counts points of this process, and dies or cuts the gateway's connection at one."""

    def __init__(self, plan: PointPlan) -> None:
        self._plan = plan
        self._armed = False
        self._seen: Counter[tuple[str, str]] = Counter()
        self._gateway: list[socket.socket] = []
        self._trace = (
            os.open(plan.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND) if plan.trace else -1
        )

    def install(self) -> None:
        """Wrap what is wrapped; SIGUSR1 begins the count."""
        _wrap_commits(self)
        _wrap_postgres_commits(self)
        _wrap_writes(self, self._plan.gateway_port)
        signal.signal(signal.SIGUSR1, self._arm)

    def reach(self, kind: str, place: str) -> None:
        """A point was reached, in whatever thread."""
        if not self._armed:
            return
        self._seen[kind, place] += 1
        number = self._seen[kind, place]
        if self._trace >= 0:
            os.write(self._trace, f"{kind}\t{place}\t{number}\n".encode())
        if (kind, place, number) == self._plan.target:
            self._act()

    def gateway_seen(self, plain: socket.socket) -> None:
        """A connection to the gateway, the newest last."""
        if plain not in self._gateway:
            self._gateway.append(plain)

    def _arm(self, *_: object) -> None:
        self._armed = True
        sys.settrace(await_tracer(self.reach))

    def _act(self) -> None:
        if self._trace >= 0:
            os.write(self._trace, b"acted\n")
        if self._plan.act == KILL:
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal takes a moment, and nothing may happen meanwhile
        for plain in self._gateway[-1:]:
            with_reset(plain)


def with_reset(plain: socket.socket) -> None:
    """Cut a connection: the peer sees a reset, nothing more is read or written."""
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has gone already


def await_tracer(reach: Callable[[str, str], None]) -> Tracer:
    """A tracer that reaches a point at each line with an await in the executor's submit path."""
    lines: dict[CodeType, frozenset[int]] = {}

    def local(frame: FrameType, event: str, _: Any) -> Tracer:
        if event == "line" and frame.f_lineno in lines[frame.f_code]:
            reach("await", f"{where(frame)}:{frame.f_lineno}")
        return local

    def entered(frame: FrameType, event: str, _: Any) -> Tracer | None:
        code = frame.f_code
        if code not in lines:
            lines[code] = awaiting_lines(code) if on_submit_path(code.co_filename) else frozenset()
        return local if event == "call" and lines[code] else None

    return entered


def awaiting_lines(code: CodeType) -> frozenset[int]:
    """The lines of a coroutine that await something."""
    if not code.co_flags & (CO_COROUTINE | CO_ASYNC_GENERATOR):
        return frozenset()
    found, line = set(), code.co_firstlineno
    for step in dis.get_instructions(code):
        line = step.starts_line or line
        if step.opname in ("GET_AWAITABLE", "GET_ANEXT", "BEFORE_ASYNC_WITH"):
            found.add(line)
    return frozenset(found)


def on_submit_path(filename: str) -> bool:
    """Whether a file is one of those that take an order from its request to the broker and back."""
    parts = Path(filename).parts
    if PACKAGE not in parts or parts[-1] in LEFT_OUT:
        return False
    return parts[parts.index(PACKAGE) + 1] in SUBMIT_PATH


def where(frame: FrameType | None) -> str:
    """The nearest place on the submit path that this frame was called from, `library` where there is none."""
    while frame is not None:
        if on_submit_path(frame.f_code.co_filename):
            parts = Path(frame.f_code.co_filename).parts
            inside = "/".join(parts[parts.index(PACKAGE) + 1 :])
            return f"{inside}:{frame.f_code.co_name}"
        frame = frame.f_back
    return "library"


def _wrap_commits(points: CrashPoints) -> None:
    class CountedConnection(sqlite3.Connection):
        def execute(self, sql: str, *parameters: Any) -> sqlite3.Cursor:
            if sql != "COMMIT":
                return super().execute(sql, *parameters)
            place = where(sys._getframe(1))
            points.reach("before commit", place)
            done = super().execute(sql, *parameters)
            points.reach("after commit", place)
            return done

        def commit(self) -> None:
            counted = self.in_transaction
            place = where(sys._getframe(1)) if counted else ""
            if counted:
                points.reach("before commit", place)
            super().commit()
            if counted:
                points.reach("after commit", place)

    plain = sqlite3.connect

    def connect(database: Any, *arguments: Any, **options: Any) -> Any:
        if "mode=ro" in str(database):
            return plain(database, *arguments, **options)
        return plain(database, *arguments, factory=CountedConnection, **options)

    driver: Any = sqlite3
    driver.connect = driver.dbapi2.connect = connect


def _wrap_postgres_commits(points: CrashPoints) -> None:
    plain = psycopg.Connection.commit

    def commit(self: psycopg.Connection[Any]) -> None:
        reads = "reader" in (self.info.parameter_status("application_name") or "")
        place = where(sys._getframe(1))
        if not reads:
            points.reach("before commit", place)
        plain(self)
        if not reads:
            points.reach("after commit", place)

    driver: Any = psycopg.Connection
    driver.commit = commit


def _wrap_writes(points: CrashPoints, gateway_port: int) -> None:
    transport: Any = asyncio.selector_events._SelectorSocketTransport  # type: ignore[attr-defined]
    plain = transport.write

    def write(self: Any, data: bytes) -> None:
        peer = self.get_extra_info("peername")
        to_gateway = bool(peer) and peer[1] == gateway_port
        if to_gateway:
            points.gateway_seen(self.get_extra_info("socket")._sock)
        place = f"{'gateway' if to_gateway else 'http'} {where(sys._getframe(1))}"
        points.reach("before write", place)
        plain(self, data)
        points.reach("after write", place)

    transport.write = write
