"""The simulator's image: what a container prints and opens, its secrets, VNC, and settings it refuses."""

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from host_processes import free_port
from simulator_fakes.container import PATIENCE, GatewayContainer, gateway_container

pytestmark = pytest.mark.timeout(240)


def arguments_of_group(group: int) -> str:
    """Arguments and environment of every process in a group but its leader's environment."""
    seen = ""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(folder.name)) == group:
                files = ["cmdline"] if int(folder.name) == group else ["cmdline", "environ"]
                seen += "".join((folder / name).read_text("utf-8", "replace") for name in files)
    return seen


def mode_of(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayContainer]:
    async with gateway_container(tmp_path) as made:
        yield made


async def test_a_container_starts_logs_in_and_opens_its_api(gateway: GatewayContainer) -> None:
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


async def test_no_secret_reaches_log_arguments_or_environment(gateway: GatewayContainer) -> None:
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


async def test_vnc_asks_for_a_password(gateway: GatewayContainer) -> None:
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


async def test_without_a_vnc_password_there_is_no_vnc(gateway: GatewayContainer) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    assert ".> VNC server disabled" in gateway.lines
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", gateway.vnc)


async def test_two_passwords_are_refused(gateway: GatewayContainer) -> None:
    await gateway.start(TWS_PASSWORD="also")
    assert await gateway.ended() == 1
    await gateway.said("error: both TWS_PASSWORD and TWS_PASSWORD_FILE are set (but are exclusive)")


async def test_an_unknown_trading_mode_is_refused(gateway: GatewayContainer) -> None:
    await gateway.start(TRADING_MODE="demo")
    assert await gateway.ended() == 1
    await gateway.said(".> Invalid TRADING_MODE: demo")


async def test_alone_the_image_brings_its_own_ibkr(gateway: GatewayContainer) -> None:
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
