"""IBC's command server: who may speak, what it answers, what it prints."""

import asyncio
import datetime as dt
import io
import socket
from pathlib import Path

import pytest

from host_processes import free_port
from ibgateway_simulator.gateway.command_server import CommandServer
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import gateway_settings


def server(folder: Path, port: int, out: io.StringIO) -> CommandServer:
    ini = folder / "config.ini"
    ini.write_text(f"CommandServerPort={port}\nBindAddress=127.0.0.1\n")
    log = IbcLog(out, lambda: dt.datetime(2026, 11, 20, 17, tzinfo=dt.UTC))
    known = {"STOP": ["OK Shutting down: STOP command"]}
    return CommandServer(
        gateway_settings([str(ini)], {}), log, act=lambda verb: known.get(verb, [])
    )


def printed(out: io.StringIO) -> list[str]:
    return [line.partition("IBC: ")[2] or line for line in out.getvalue().splitlines()]


async def test_no_port_no_server(tmp_path: Path) -> None:
    out = io.StringIO()
    await server(tmp_path, 0, out).start()
    assert printed(out) == ["CommandServer is not started because the port is not configured"]


async def test_commands_are_answered_line_by_line(tmp_path: Path) -> None:
    out, port = io.StringIO(), free_port()
    commands = server(tmp_path, port, out)
    await commands.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"odd\nstop\nnever read\n")
    assert await asyncio.wait_for(reader.read(), 20) == (
        b"ERROR Command invalid\nOK Shutting down: STOP command\n"
    )
    writer.close()
    commands.close()
    assert printed(out) == [
        f"CommandServer is starting with port {port}",
        f"CommandServer listening on address: 127.0.0.1 port: {port}",
        "CommandServer started and is ready to accept commands",
        "CommandServer: ControlFrom setting = ",
        "CommandServer accepted connection from: /127.0.0.1",
        "CommandServer received command: odd",
        "!" * 79,
        "CommandServer: invalid command received: odd",
        "!" * 79,
        "CommandServer received command: stop",
        "Closing command channel",
        "CommandServer closing",
        "CommandServer is shutdown",
    ]


async def test_a_port_that_is_taken_is_reported(tmp_path: Path) -> None:
    out = io.StringIO()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        await server(tmp_path, port, out).start()
    assert "CommandServer failed to create socket" in out.getvalue()


@pytest.mark.parametrize(
    ("peer", "allowed", "expected"),
    [
        ("127.0.0.1", "", True),
        ("::1", "", True),
        ("10.0.0.7", "", False),
        ("10.0.0.7", "10.0.0.6, 10.0.0.7", True),
        ("10.0.0.8", "10.0.0.0/8", False),
    ],
)
def test_only_loopback_and_named_peers_may_speak(peer: str, allowed: str, expected: bool) -> None:
    assert CommandServer._may(peer, allowed) is expected
