"""The executor as a process of its own, and its files."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any, Protocol

from executor_world.sentinel import AGENT_TOKEN
from host_processes import free_port
from ibgateway_api.settings import ExecutorSettings

CLIENT_TOKEN = "client-token-canary-77ab"


class RunningProcess(Protocol):
    """What a world asks of the executor's process, however it was begun."""

    @property
    def pid(self) -> int:
        """Its number."""

    @property
    def returncode(self) -> int | None:
        """None while it runs."""

    def send_signal(self, number: signal.Signals, /) -> None:
        """It may have ended meanwhile."""

    async def wait(self) -> int:
        """Its exit code."""


class ExecutorProcess:
    """Files in `folder`; started and killed as often as a test likes, on the same ledger."""

    def __init__(self, folder: Path) -> None:
        self.port, self.health_port = free_port(), free_port()
        self.log = folder / "executor.log"
        self.data = folder / "data"
        self._folder = folder
        self.database: Path | None = None
        self.backup = folder / "backup"
        self.process: RunningProcess | None = None
        self.environment: dict[str, str] = {}
        """Added to what the executor is started with."""
        (folder / "token").write_text(f"{CLIENT_TOKEN}\n")
        (folder / "agent-token").write_text(f"{AGENT_TOKEN}\n")

    def configure(self, **settings: Any) -> None:
        """Write the settings file; a running executor reads it again."""
        document = ExecutorSettings(namespace="trading", gateway="paper", **settings)
        fresh = self._folder / "settings.new"
        fresh.write_text(document.to_json())
        fresh.replace(self._folder / "settings.json")

    async def start(self, *program: str) -> None:
        """Start it; `program` replaces `-m ibgateway_executor` with a program of the test's."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                *(program or ("-m", "ibgateway_executor")),
                env=self.variables(),
                stdout=log,
                stderr=log,
            )

    def variables(self) -> dict[str, str]:
        """The environment that it is started with."""
        database = {"EXECUTOR_DATABASE_URL_FILE": str(self.database)} if self.database else {}
        return {
            **database,
            "PATH": os.environ["PATH"],
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PYTHONWARNINGS": "error::ResourceWarning",
            "EXECUTOR_SETTINGS": str(self._folder / "settings.json"),
            "EXECUTOR_TOKEN_FILE": str(self._folder / "token"),
            "EXECUTOR_AGENT_TOKEN_FILE": str(self._folder / "agent-token"),
            "EXECUTOR_DATA_DIR": str(self.data),
            "EXECUTOR_BACKUP_DIR": str(self.backup) if self.backup.is_dir() else "",
            "EXECUTOR_BIND": "127.0.0.1",
            "EXECUTOR_PORT": str(self.port),
            "EXECUTOR_HEALTH_PORT": str(self.health_port),
            **self.environment,
        }

    async def tool(self, *arguments: str) -> tuple[int, str]:
        """`python -m ibgateway_executor` with these words, beside it: exit code and log."""
        done = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ibgateway_executor", *arguments),
            env=self.variables(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        told, _ = await done.communicate()
        return done.returncode or 0, told.decode()

    async def ended(self) -> int:
        """Its exit code, once it has ended by itself."""
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), 60)

    async def kill(self, number: signal.Signals = signal.SIGKILL) -> int:
        """End it if it still runs."""
        if self.process is None:
            return 0
        if self.process.returncode is None:
            self.process.send_signal(number)
        return await self.ended()

    def stored_on_their_way(self) -> set[str]:
        """orderRefs that its ledger, once it is killed, has as sent and not acknowledged."""
        return {row[0] for row in self.stored("SELECT order_ref FROM jobs WHERE state = 'Sending'")}

    def stored(self, statement: str) -> list[Any]:
        """Rows of its ledger, once it is killed; read in a copy of it."""
        with tempfile.TemporaryDirectory() as folder:
            for file in self.data.glob("ledger.db*"):
                shutil.copy(file, folder)
            with contextlib.closing(sqlite3.connect(Path(folder) / "ledger.db")) as ledger:
                return ledger.execute(statement).fetchall()
