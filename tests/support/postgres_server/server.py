"""Starts, kills and restarts a cluster, as a user who is not root, because PostgreSQL refuses root."""

import contextlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from host_processes import free_port

PROGRAMS: Final = Path("/usr/lib/postgresql")
"""Where Debian keeps them, by version."""
USER: Final = "ledger"
SETTINGS: Final = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "40",
}


class PostgresServer:
    """One cluster in a folder. `password` is that of its only user, with signs that a URL has to escape."""

    def __init__(self, folder: Path, port: int) -> None:
        self._folder = folder
        self._data = folder / "data"
        self.port = port
        self.password = f"canary/{secrets.token_hex(8)}@canary{secrets.token_hex(8)}"

    def make(self) -> None:
        """A new cluster on the disk."""
        words = self._folder / "password"
        words.write_text(self.password, encoding="utf-8")
        if owner := _owner():
            for path in (self._folder, words):
                shutil.chown(path, owner)
        self._run(
            *("initdb", "-D", str(self._data), "-U", USER, "-A", "scram-sha-256"),
            *(f"--pwfile={words}", "-E", "UTF8", "--locale=C.UTF-8"),
        )

    def start(self) -> None:
        """Run it, and wait until it takes connections."""
        given = {**SETTINGS, "port": str(self.port), "unix_socket_directories": str(self._folder)}
        options = " ".join(f"-c {name}={value}" for name, value in given.items())
        log = self._folder / "log"
        self._run("pg_ctl", "-D", str(self._data), "-w", "-o", options, "-l", str(log), "start")

    @property
    def data(self) -> Path:
        """The cluster's folder."""
        return self._data

    def kill(self) -> None:
        """kill -9 of all its processes."""
        kill_server(self._data)

    def running(self) -> bool:
        """Whether it takes connections."""
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def stop(self) -> None:
        """End it at once, sessions and all; nothing where it does not run."""
        if (self._data / "postmaster.pid").exists():
            self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def url(self, database: str) -> str:
        """As it stands in the Secret."""
        word = quote(self.password, safe="")
        return f"postgresql://{USER}:{word}@127.0.0.1:{self.port}/{database}"

    def database(self, name: str) -> str:
        """The URL of a new database."""
        self.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        return self.url(name)

    def execute(self, statement: Any, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run a statement of the test's own; its rows."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def _run(self, program: str, *arguments: str) -> None:
        """The server goes on after pg_ctl, with its output in its log."""
        with tempfile.TemporaryFile() as told:
            done = subprocess.run(
                [str(_program(program)), *arguments],
                stdout=told,
                stderr=told,
                stdin=subprocess.DEVNULL,
                cwd=self._folder,
                user=_owner(),
                group=_owner() and pwd.getpwnam(str(_owner())).pw_gid,
                extra_groups=[] if _owner() else None,
                env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
                check=False,
            )
            told.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program}: {told.read().decode(errors='replace')}")


def kill_server(data: Path) -> None:
    """kill -9 of all processes of the cluster in this folder; nothing where it does not run."""
    try:
        first = (data / "postmaster.pid").read_text(encoding="utf-8").split()[0]
        server = psutil.Process(int(first))
        if not server.name().startswith("postgres"):
            return  # it was killed before, and another program has its number
        server.suspend()  # or it would have one more child than were counted
        processes = [server, *server.children(recursive=True)]
    except (FileNotFoundError, psutil.NoSuchProcess):
        return
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(processes, timeout=30)


def _owner() -> str | None:
    """Who runs it where this is root."""
    return "nobody" if os.geteuid() == 0 else None


def _program(name: str) -> Path:
    found = sorted(PROGRAMS.glob(f"*/bin/{name}"), key=lambda path: int(path.parts[-3]))
    if not found:
        raise RuntimeError(f"there is no {name} below {PROGRAMS}: run tests/install-debian.sh")
    return found[-1]


@contextlib.contextmanager
def started() -> Iterator[PostgresServer]:
    """A new cluster that runs until the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="ibgateway-postgres-"))
    try:
        server = PostgresServer(folder, free_port())
        server.make()
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
