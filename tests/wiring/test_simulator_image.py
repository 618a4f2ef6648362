"""The simulator's image as processes on this machine: scripts, X, VNC, socat, window, log.

Each test has a home folder, a display and ports of its own; everything listens on loopback.
"""

import asyncio
import contextlib
import importlib.util
import json
import os
import random
import re
import shutil
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings

ROOT = Path(__file__).parents[2]
TOOLS = ("Xvfb", "x11vnc", "socat", "xdotool", "envsubst")
PATIENCE = 60
pytestmark = pytest.mark.timeout(240)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def free_display() -> str:
    taken = {path.name for path in Path("/tmp/.X11-unix").glob("X*")}
    return next(f":{n}" for n in random.sample(range(200, 900), 100) if f"X{n}" not in taken)


def arguments_of_group(group: int) -> str:
    """Arguments and environment of every process in a group but its leader's environment."""
    seen = ""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                files = ["cmdline"] if int(folder.name) == group else ["cmdline", "environ"]
                seen += "".join((folder / name).read_text("utf-8", "replace") for name in files)
    return seen


def make_socket_folder() -> None:
    """Where X servers put their sockets; a machine without X has none."""
    folder = Path("/tmp/.X11-unix")
    if not folder.exists():
        folder.mkdir()
        folder.chmod(0o1777)


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


class Gateway:
    """One gateway container's worth of processes, in a group of their own."""

    def __init__(self, home: Path, ibkr: Running, http: aiohttp.ClientSession) -> None:
        self.home = home
        self.ibkr = ibkr
        self.http = http
        self.paper, self.socat, self.vnc, self.commands = (free_port() for _ in range(4))
        self.display = free_display()
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
        """End every process of the groups started here."""
        for group in self._groups:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        if self.process is not None:
            await self.process.wait()


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Gateway]:
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.fail(f"missing on this machine: {', '.join(missing)}; run tests/install-debian.sh")
    if importlib.util.find_spec("_tkinter") is None:
        pytest.fail(f"{sys.executable} has no tkinter; install python3-tk for it")
    make_socket_folder()
    environ = {"SIMULATOR_IBKR_PORT": "0", "SIMULATOR_BROKER_PORT": "0"}
    async with running(ibkr_settings(environ)) as ibkr, aiohttp.ClientSession() as http:
        made = Gateway(tmp_path / "home", ibkr, http)
        try:
            yield made
        finally:
            await made.stop()


async def test_a_container_starts_logs_in_and_opens_its_api(gateway: Gateway) -> None:
    await gateway.start(VNC_SERVER_PASSWORD="secret12", AUTO_RESTART_TIME="11:45 PM")
    await gateway.said("Second Factor Authentication initiated")
    assert await gateway.handshake(gateway.socat) == b""
    with pytest.raises(ConnectionRefusedError):
        await gateway.handshake(gateway.paper)
    await gateway.approve()
    await gateway.said("Configuration tasks completed")
    assert await gateway.handshake(gateway.paper) != b""
    assert (await gateway.handshake(gateway.socat))[4:7] == b"178"

    script = [
        line for line in gateway.lines if line.startswith((".>", "> ", "auto")) or line == "*" * 73
    ]
    assert script[:3] == ["*" * 73, ".> Starting IBC/IB gateway", "*" * 73]
    assert script[3].startswith("> Running start up scripts on ")
    assert [line for line in script[5:] if not line.startswith((".>\t", ".> Settings dir"))] == [
        ".> Starting Xvfb server",
        ".> SSH tunnel disabled",
        ".> Usign default Java heap size 768m.",
        f".> Waiting for Xvfb socket on {gateway.display}...",
        ".> Xvfb socket ready!",
        ".> Starting VNC server",
        f".> API_PORT set to: {gateway.paper}",
        f".> SOCAT_PORT set to: {gateway.socat}",
        ".> Appling settings to IBC's config.ini",
        f".> Creating directory: {gateway.home}/tws_settings",
        f".> Setting timezone in {gateway.home}/tws_settings/jts.ini",
        ".> Starting Port Forwarding.",
        ".> Starting socat",
        ".> Starting IBC in paper mode, with params:",
        "autorestart file not found: full authentication will be required",
    ]
    (attempt,) = await gateway.call("GET", "/v1/logins")
    assert (attempt["kind"], attempt["result"]) == ("full", "logged-in")


async def test_no_secret_reaches_log_arguments_or_environment(gateway: Gateway) -> None:
    secret = gateway.home / "vnc"
    secret.write_text("vncsecre\n")
    await gateway.start(VNC_SERVER_PASSWORD_FILE=str(secret))
    await gateway.approve()
    assert ".> Starting VNC server" in gateway.lines
    assert gateway.process is not None
    seen = "\n".join(gateway.lines) + arguments_of_group(gateway.process.pid)
    assert "ibgateway_simulator" in seen
    assert "paperpassword" not in seen
    assert "vncsecre" not in seen
    assert mode_of(gateway.home / "ibc" / "config.ini") == 0o600


async def test_vnc_asks_for_a_password(gateway: Gateway) -> None:
    await gateway.start(VNC_SERVER_PASSWORD="secret12")
    await gateway.said(f"PORT={gateway.vnc}")
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.vnc)
    assert (await asyncio.wait_for(reader.readexactly(12), PATIENCE)).startswith(b"RFB 003.")
    writer.write(b"RFB 003.008\n")
    count = (await asyncio.wait_for(reader.readexactly(1), PATIENCE))[0]
    kinds = await asyncio.wait_for(reader.readexactly(count), PATIENCE)
    assert 2 in kinds
    assert 1 not in kinds
    writer.close()


async def test_without_a_vnc_password_there_is_no_vnc(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    assert ".> VNC server disabled" in gateway.lines
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", gateway.vnc)


async def test_a_person_logs_in_by_keyboard_and_mouse_after_a_wrong_password(
    gateway: Gateway,
) -> None:
    await gateway.start(TWS_PASSWORD_FILE="", TWS_PASSWORD="wrong")
    await gateway.said("entitled: Unrecognized Username or Password; event=Opened")
    await gateway.xdotool("mousemove", "512", "443", "click", "1")
    await gateway.said("Unrecognized Username or Password; event=Closed")
    await gateway.xdotool("mousemove", "560", "338", "click", "1", "type", "paperpassword")
    await gateway.xdotool("mousemove", "512", "390", "click", "1")
    await gateway.approve()
    assert gateway.ibc().count("Login attempt: 1") == 1
    assert "Login attempt: 2" not in gateway.ibc()
    results = [attempt["result"] for attempt in await gateway.call("GET", "/v1/logins")]
    assert results == ["wrong-password", "logged-in"]


async def test_a_missed_push_leaves_the_window_where_enter_logs_in(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    await gateway.call("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
    await gateway.said("Re-login after second factor authentication timeout not required")
    await gateway.said("entitled: IBKR Gateway; event=Focused", times=2)
    await gateway.xdotool("mousemove", "560", "338", "click", "1", "type", "paperpassword")
    await gateway.xdotool("key", "Return")
    await gateway.said("Second Factor Authentication initiated", times=2)
    await gateway.call("POST", "/v1/pushes/latest/approve")
    await gateway.said("IBC: Login has completed")
    pushes = await gateway.call("GET", "/v1/pushes")
    assert [push["state"] for push in pushes] == ["missed", "approved"]


async def test_stop_logs_out_and_ends_with_0(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.approve()
    assert await gateway.command("bogus", "ENABLEAPI", "RECONNECTDATA", "EXIT") == (
        "ERROR Command invalid\nERROR ENABLEAPI is not valid for the IB Gateway\nOK \n"
    )
    assert await gateway.command("STOP") == "OK Shutting down: STOP command\n"
    assert await gateway.ended() == 0
    await gateway.said("Gateway finished")
    lines = gateway.ibc()
    assert lines[lines.index("CommandServer received command: STOP") :] == [
        "CommandServer received command: STOP",
        "Closing command channel",
        "Login has completed: exiting via [File, Close] menu",
        "Getting main window",
        "Main window already found",
        "detected dialog entitled: IBKR Gateway; event=Opened",
        "Click button: Yes",
        "detected dialog entitled: IBKR Gateway; event=Closed",
        "detected dialog entitled: Shutdown progress; event=Opened",
        "CommandServer closing",
        "CommandServer is shutdown",
        "detected dialog entitled: Shutdown progress; event=Activated",
        "detected dialog entitled: Shutdown progress; event=Focused",
    ]
    assert "IBC returned exit status 0" in gateway.lines


async def test_stop_while_a_push_waits_ends_at_once(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    await gateway.command("STOP")
    assert await gateway.ended() == 0
    assert gateway.ibc()[-1] == "Login has not completed: exiting immediately"
    (push,) = await gateway.call("GET", "/v1/pushes")
    assert push["state"] == "waiting"


async def test_restart_comes_back_with_the_token_and_no_push(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.approve()
    assert re.fullmatch(
        r"OK RESTART in progress\nOK RESTART at \d\d:\d\d [AP]M\n", await gateway.command("RESTART")
    )
    await gateway.said("IBC: Re-starting session")
    await gateway.said("IBC: Login has completed", times=2)
    assert "IBC will restart shortly" in gateway.lines
    assert any(line.startswith("AUTORESTART_OPTION is -Drestart=") for line in gateway.lines)
    kinds = [attempt["kind"] for attempt in await gateway.call("GET", "/v1/logins")]
    assert kinds == ["full", "token"]
    assert len(await gateway.call("GET", "/v1/pushes")) == 1


async def test_pause_ends_and_the_next_start_needs_no_push(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.approve()
    await gateway.command("PAUSE")
    assert await gateway.ended() == 0
    await gateway.said("IBC is paused")
    await gateway.stop()
    await gateway.start(EXISTING_SESSION_DETECTED_ACTION="secondary")
    await gateway.said("authentication will not be required")
    await gateway.said("IBC: Login has completed")
    assert len(await gateway.call("GET", "/v1/pushes")) == 1


async def test_login_failed_starts_over_until_it_is_stopped(gateway: Gateway) -> None:
    await gateway.call("PATCH", "/v1/login-rules", {"rejection": "login-failed"})
    await gateway.start(TWS_PASSWORD_FILE="", TWS_PASSWORD="wrong")
    await gateway.said("IBC will cold-restart shortly", times=2)
    await gateway.said("IBC: Login attempt: 1", times=3)
    assert "IBC: Cold restart in progress" in "\n".join(gateway.lines)


async def test_sigterm_stops_x_first_and_is_no_clean_logout(gateway: Gateway) -> None:
    await gateway.start()
    await gateway.approve()
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    assert await gateway.ended() in (1, 143)
    await gateway.said("Gateway finished")
    said = [line for line in gateway.lines if line.startswith((".> 😘", ".> Stopping"))]
    assert said == [
        ".> 😘 Received SIGINT or SIGTERM. Shutting down IB Gateway.",
        ".> Stopping Xvfb.",
        ".> Stopping socat.",
        ".> Stopping IBC.",
    ]
    assert not any("exiting via [File, Close] menu" in line for line in gateway.lines)


async def test_a_secondary_session_yields_and_the_container_ends(gateway: Gateway) -> None:
    await gateway.start(EXISTING_SESSION_DETECTED_ACTION="secondary")
    await gateway.said("Second Factor Authentication initiated")
    await gateway.call("POST", "/v1/users/paperuser/kick")
    await gateway.call("POST", "/v1/pushes/latest/approve")
    assert await gateway.ended() == 0
    assert "End this session and let the other session proceed (scenario 2)" in gateway.ibc()


async def test_two_passwords_are_refused(gateway: Gateway) -> None:
    await gateway.start(TWS_PASSWORD="also")
    assert await gateway.ended() == 1
    await gateway.said("error: both TWS_PASSWORD and TWS_PASSWORD_FILE are set (but are exclusive)")


async def test_an_unknown_trading_mode_is_refused(gateway: Gateway) -> None:
    await gateway.start(TRADING_MODE="demo")
    assert await gateway.ended() == 1
    await gateway.said(".> Invalid TRADING_MODE: demo")


async def test_alone_the_image_brings_its_own_ibkr(gateway: Gateway) -> None:
    port, broker = free_port(), free_port()
    await gateway.start(
        SIMULATOR_IBKR_URL="", SIMULATOR_IBKR_PORT=str(port), SIMULATOR_BROKER_PORT=str(broker)
    )
    await gateway.said("Second Factor Authentication initiated")
    url = f"http://127.0.0.1:{port}/v1/pushes/latest/approve"
    async with gateway.http.post(url) as answer:
        assert json.loads(await answer.text())["state"] == "approved"
    await gateway.said("IBC: Login has completed")
    assert (await gateway.handshake(gateway.socat))[4:7] == b"178"
