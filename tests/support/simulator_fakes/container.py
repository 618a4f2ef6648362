"""The simulator's image as processes on this machine: scripts, X, VNC, socat, window, log.

Each container has a home folder, a display and ports of its own; everything listens on loopback.
"""

import asyncio
import contextlib
import importlib.util
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from host_processes import end_group, forget_display, free_display, free_port
from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings

ROOT = Path(__file__).parents[3]
TOOLS = ("Xvfb", "x11vnc", "socat", "xdotool", "envsubst")
PATIENCE = 60


def make_socket_folder() -> None:
    """Where X servers put their sockets; a machine without X has none."""
    folder = Path("/tmp/.X11-unix")
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o1777)


class GatewayContainer:
    """One gateway container's worth of processes, in a group of their own."""

    def __init__(self, home: Path, ibkr: Running, http: aiohttp.ClientSession) -> None:
        self.home = home
        self.ibkr = ibkr
        self.http = http
        self.paper, self.socat, self.vnc, self.commands = (free_port() for _ in range(4))
        self._display = free_display()
        self.process: asyncio.subprocess.Process | None = None
        self._log = home / "container.log"
        self._groups: list[int] = []
        shutil.copytree(ROOT / "simulator" / "image", home, dirs_exist_ok=True)
        scripts = home / "init-scripts" / "start"
        scripts.mkdir(parents=True)
        (scripts / "10-ibc.sh").write_text(
            f"sed -i 's/^CommandServerPort=.*/CommandServerPort={self.commands}/; "
            's/^BindAddress=.*/BindAddress=127.0.0.1/\' "$IBC_INI_TMPL"\n'
        )

    @property
    def display(self) -> str:
        """The X display, as DISPLAY names it."""
        return f":{self._display}"

    async def start(self, **environ: str) -> None:
        given = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.home),
            "TZ": "Etc/UTC",
            "PYTHONPATH": str(ROOT / "simulator"),
            "SIMULATOR_PYTHON": sys.executable,
            "SIMULATOR_IBKR_URL": f"http://127.0.0.1:{self.ibkr.port}",
            "SIMULATOR_BROKER_PORT": str(self.ibkr.broker_port),
            "SIMULATOR_DISPLAY": self.display,
            "SIMULATOR_PAPER_PORT": str(self.paper),
            "SIMULATOR_PAPER_SOCAT_PORT": str(self.socat),
            "SIMULATOR_VNC_PORT": str(self.vnc),
            "SIMULATOR_VNC_BIND": "127.0.0.1",
            "SIMULATOR_SOCAT_BIND": "127.0.0.1",
            "SIMULATOR_RESTART_SECONDS": "1",
            "START_SCRIPTS": "init-scripts/start",
            "TWS_SETTINGS_PATH": str(self.home / "tws_settings"),
            "TWS_USERID": "paperuser",
            "TWS_PASSWORD_FILE": str(self.home / "password"),
            "READ_ONLY_API": "no",
        }
        (self.home / "password").write_text("paperpassword\n")
        # A file, not a pipe: X and socat outlive run.sh and would keep a pipe open.
        output = self._log.open("wb")
        self.process = await asyncio.create_subprocess_exec(
            str(self.home / "scripts" / "run.sh"),
            cwd=self.home,
            env={**given, **environ},
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
        )
        self._groups.append(self.process.pid)
        output.close()

    @property
    def lines(self) -> list[str]:
        """What the container has printed since its last start."""
        return self._log.read_text("utf-8", "replace").splitlines()

    async def said(self, text: str, *, times: int = 1) -> None:
        """Wait until a line contains the text this many times."""
        try:
            async with asyncio.timeout(PATIENCE):
                while sum(text in line for line in self.lines) < times:  # noqa: ASYNC110 -- a file
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"never said {text!r}:\n" + "\n".join(self.lines[-40:]))

    def ibc(self) -> list[str]:
        """IBC's messages without time stamps."""
        stamp = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3} IBC: ")
        return [stamp.sub("", line) for line in self.lines if stamp.match(line)]

    async def ended(self) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), PATIENCE)

    async def command(self, *words: str) -> str:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.commands)
        writer.write("".join(f"{word}\n" for word in words).encode())
        writer.write_eof()
        answer = await asyncio.wait_for(reader.read(), PATIENCE)
        writer.close()
        return answer.decode()

    async def handshake(self, port: int) -> bytes:
        """The first bytes of a TWS server, empty when the connection is closed without any."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        offer = b"v157..178"
        try:
            writer.write(b"API\0" + len(offer).to_bytes(4, "big") + offer)
            return await asyncio.wait_for(reader.read(12), PATIENCE)
        except ConnectionError:
            return b""
        finally:
            writer.close()

    async def xdotool(self, *words: str) -> None:
        tool = await asyncio.create_subprocess_exec(
            "xdotool", *words, env={**os.environ, "DISPLAY": self.display}
        )
        assert await tool.wait() == 0

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.ibkr.port}{path}"
        async with self.http.request(method, url, json=body) as answer:
            document = await answer.json()
            assert answer.status == 200, document
            return document

    async def approve(self) -> None:
        await self.said("Second Factor Authentication initiated")
        await self.call("POST", "/v1/pushes/latest/approve")
        await self.said("IBC: Login has completed")

    async def stop(self) -> None:
        """Nothing is left of it: X and socat outlive run.sh, and hold the display and a port."""
        for group in self._groups:
            await asyncio.to_thread(end_group, group)
        self._groups.clear()
        if self.process is not None:
            await self.process.wait()
        forget_display(self._display)


@contextlib.asynccontextmanager
async def gateway_container(folder: Path) -> AsyncIterator[GatewayContainer]:
    """A container that is not started yet, beside a running IBKR; gone after the block."""
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"missing on this machine: {', '.join(missing)}; run tests/install-debian.sh")
    if importlib.util.find_spec("_tkinter") is None:
        pytest.fail(f"{sys.executable} has no tkinter; install python3-tk for it")
    make_socket_folder()
    environ = {"SIMULATOR_IBKR_PORT": "0", "SIMULATOR_BROKER_PORT": "0"}
    async with running(ibkr_settings(environ)) as ibkr, aiohttp.ClientSession() as http:
        made = GatewayContainer(folder / "home", ibkr, http)
        try:
            yield made
        finally:
            await made.stop()
