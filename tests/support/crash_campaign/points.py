"""Inside the executor's process: points that are counted, and what happens at one of them.

A point is a commit of the ledger, a write to a socket, or an await of the executor's own code; before and after it
count apart. Nothing of the product knows: sqlite3, asyncio's transports and the tracing of lines are wrapped
from outside. SIGUSR1 arms: points before that are not counted.
"""

import asyncio
import json
import os
import signal
import socket
import sqlite3
import struct
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import psycopg

from crash_campaign.mutants import MUTANTS
from crash_campaign.submit_path import await_tracer, where
from postgres_server import kill_server

KILL: Final = "kill"
CUT: Final = "cut"
DATABASE: Final = "database"
HELD_SECONDS: Final = 0.3
"""So long a commit is held back before the process dies in front of it: whoever does not wait for it shows himself."""


@dataclass(frozen=True)
class PointPlan:
    """Files and figures for one life.

    When the process is armed it reads in `target` the kind, place and occurrence of the point at which `act` happens; an
    empty file: points are only written down, in `trace`. Each commit takes `slow_commit` seconds longer, `database` is the
    folder of the PostgreSQL that `act` may kill, `mutant` the name of a defect that is put in. `armed` is from birth.
    """

    gateway_port: int
    trace: str
    target: str
    act: str = KILL
    slow_commit: float = 0.0
    database: str = ""
    mutant: str = ""
    armed: bool = False


class CrashPoints:
    """Counts points of this process, and dies or cuts the gateway's connection at one."""

    def __init__(self, plan: PointPlan) -> None:
        self._plan = plan
        self._armed = False
        self._target: tuple[str, str, int] | None = None
        self._seen: Counter[tuple[str, str]] = Counter()
        self._gateway: list[socket.socket] = []
        self._trace = os.open(plan.trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def install(self) -> None:
        """Wrap what is wrapped; SIGUSR1 begins the count."""
        if self._plan.mutant:
            MUTANTS[self._plan.mutant]()
        _wrap_commits(self)
        _wrap_postgres_commits(self)
        _wrap_writes(self, self._plan.gateway_port)
        signal.signal(signal.SIGUSR1, self._arm)
        if self._plan.armed:
            self._arm()

    def reach(self, kind: str, place: str) -> None:
        """A point was reached, in whatever thread."""
        if kind == "before commit" and self._plan.slow_commit:
            time.sleep(self._plan.slow_commit)
        if not self._armed:
            return
        self._seen[kind, place] += 1
        number = self._seen[kind, place]
        self._write(f"{kind}\t{place}\t{number}")
        if (kind, place, number) == self._target:
            self._act(kind)

    def gateway_seen(self, plain: socket.socket) -> None:
        """A connection to the gateway, the newest last."""
        if plain not in self._gateway:
            self._gateway.append(plain)

    def _arm(self, *_: object) -> None:
        """Again for each point of a life that goes on after it."""
        told = json.loads(Path(self._plan.target).read_text(encoding="utf-8") or "null")
        self._target = tuple(told) if told else None
        self._seen.clear()
        self._armed = True
        self._write("armed")
        sys.settrace(await_tracer(self.reach))

    def _act(self, kind: str) -> None:
        self._target = None
        if kind == "before commit":
            time.sleep(HELD_SECONDS)
        if self._plan.act == KILL:
            self._write("acted")
            os.kill(os.getpid(), signal.SIGKILL)
            time.sleep(60)  # the signal takes a moment, and nothing may happen meanwhile
        elif self._plan.act == DATABASE:
            kill_server(Path(self._plan.database))
        else:
            for plain in self._gateway[-1:]:
                with_reset(plain)
        self._write("acted")

    def _write(self, words: str) -> None:
        os.write(self._trace, f"{words}\n".encode())


def with_reset(plain: socket.socket) -> None:
    """Cut a connection: the peer sees a reset, nothing more is read or written."""
    try:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        plain.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it has gone already


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
