"""The simulator's image: STOP, RESTART, PAUSE and SIGTERM."""

import re
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from simulator_fakes.container import GatewayContainer, gateway_container

pytestmark = pytest.mark.timeout(240)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[GatewayContainer]:
    async with gateway_container(tmp_path) as made:
        yield made


async def test_stop_logs_out_and_ends_with_0(gateway: GatewayContainer) -> None:
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


async def test_stop_while_a_push_waits_ends_at_once(gateway: GatewayContainer) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    await gateway.command("STOP")
    assert await gateway.ended() == 0
    assert gateway.ibc()[-1] == "Login has not completed: exiting immediately"
    (push,) = await gateway.call("GET", "/v1/pushes")
    assert push["state"] == "waiting"


async def test_restart_comes_back_with_the_token_and_no_push(gateway: GatewayContainer) -> None:
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


async def test_pause_ends_and_the_next_start_needs_no_push(gateway: GatewayContainer) -> None:
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


async def test_nothing_of_a_stopped_container_is_left(gateway: GatewayContainer) -> None:
    await gateway.start()
    await gateway.said("Second Factor Authentication initiated")
    number = gateway.display.removeprefix(":")
    left = [Path(f"/tmp/.X{number}-lock"), Path(f"/tmp/.X11-unix/X{number}")]
    assert [path.exists() for path in left] == [True, True]
    await gateway.stop()
    assert [path.exists() for path in left] == [False, False]
    with pytest.raises(ConnectionRefusedError):
        await gateway.handshake(gateway.socat)


async def test_after_stop_a_token_file_that_stayed_starts_it_again(
    gateway: GatewayContainer,
) -> None:
    await gateway.call("PATCH", "/v1/login-rules", {"dead_token_file": "stays"})
    await gateway.start()
    await gateway.approve()
    await gateway.call("POST", "/v1/users/paperuser/expire-token")
    await gateway.call("POST", "/v1/users/paperuser/restart")
    await gateway.said("The security tokens associated with your login credentials")
    await gateway.command("STOP")
    await gateway.said("The security tokens associated with your login credentials", times=2)
    assert gateway.lines.count("IBC returned exit status 0") == 2
    kinds = [attempt["kind"] for attempt in await gateway.call("GET", "/v1/logins")]
    assert kinds == ["full", "token", "token"]


async def test_without_x_it_spins_for_as_long_as_there_is_a_token_file(
    gateway: GatewayContainer,
) -> None:
    await gateway.call("PATCH", "/v1/login-rules", {"dead_token_file": "stays"})
    await gateway.start()
    await gateway.approve()
    await gateway.call("POST", "/v1/users/paperuser/expire-token")
    await gateway.call("POST", "/v1/users/paperuser/restart")
    await gateway.said("The security tokens associated with your login credentials")
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    await gateway.said("IBC returned exit status 76", times=3)
    assert len(await gateway.call("GET", "/v1/logins")) == 2


@pytest.mark.parametrize("code", [1, 143, 255])
async def test_sigterm_ends_it_with_the_code_that_was_chosen(
    gateway: GatewayContainer, code: int
) -> None:
    await gateway.start(SIMULATOR_TERM_CODE=str(code))
    await gateway.said("Second Factor Authentication initiated")
    assert gateway.process is not None
    gateway.process.send_signal(signal.SIGTERM)
    assert await gateway.ended() == code


async def test_sigterm_stops_x_first_and_is_no_clean_logout(gateway: GatewayContainer) -> None:
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


async def test_two_token_files_are_both_deleted_with_a_warning(gateway: GatewayContainer) -> None:
    folders = [gateway.home / "tws_settings" / name for name in ("aaaa", "bbbb")]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "autorestart").write_text("token")
    await gateway.start()
    await gateway.said("Starting session")
    assert (
        "WARNING: More than one autorestart file was found. IBC can't determine which is"
        in gateway.lines
    )
    assert [(folder / "autorestart").exists() for folder in folders] == [False, False]
