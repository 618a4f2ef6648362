"""A process that is told to stop: no start by token comes after it, and none is waited for."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.log.wrapper_state import WrapperStage, WrapperState
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.process.ibc_command import send
from ibgateway_agent.sentinel.process.stop import ProcessStop
from ibgateway_agent.sentinel.settings import environment
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.login import Login, LoginState
from ibgateway_api.settings import SentinelSettings
from sentinel_fakes.time import SteppedTime


@asynccontextmanager
async def driver() -> AsyncIterator[tuple[int, asyncio.Event]]:
    """A command server that takes every command; the event says that one came."""
    told = asyncio.Event()

    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"OK\n")
        await writer.drain()
        writer.close()
        told.set()

    server = await asyncio.start_server(take, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], told


def running(folder: Path, state: LoginState) -> GatewayState:
    paths = {"SETTINGS": "settings.json", "RUN_DIR": "", "STATE_DIR": ""}
    at = environment({f"SENTINEL_{name}": str(folder / path) for name, path in paths.items()})
    login = Login(state, datetime(2026, 11, 25, 15, 0, tzinfo=UTC), running=True)
    wrapper = WrapperState(WrapperStage.RUNNING, start="7")
    return GatewayState(at, SentinelSettings(), LoginFold(login), wrapper)


async def appears(path: Path) -> None:
    for _ in range(1000):
        if await asyncio.to_thread(path.exists):
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{path.name} does not appear")


@pytest.mark.parametrize("state", [LoginState.TOKEN_EXPIRED, LoginState.LOGGED_IN])
async def test_the_tokens_file_is_gone_before_the_driver_is_told(
    tmp_path: Path, state: LoginState
) -> None:
    async with driver() as (port, told):
        stop = ProcessStop(
            running(tmp_path, state), PermitFile(tmp_path), partial(send, port), SteppedTime().clock
        )
        stop.begin("the next attempt")
        await appears(tmp_path / "drop-token")
        assert (tmp_path / "drop-token").read_text() == "7"
        assert not told.is_set()
        (tmp_path / "drop-token").unlink()
        await asyncio.wait_for(told.wait(), 10)
        await stop.close()


async def test_a_wrapper_that_removes_nothing_is_not_waited_for(tmp_path: Path) -> None:
    time = SteppedTime()
    state = running(tmp_path, LoginState.TOKEN_EXPIRED)
    async with driver() as (port, told):
        stop = ProcessStop(state, PermitFile(tmp_path), partial(send, port), time.clock)
        stop.begin("the next attempt")
        await appears(tmp_path / "drop-token")
        time.monotonic += 2.0
        await asyncio.wait_for(told.wait(), 10)
        await stop.close()


async def test_a_nightly_shutdown_that_hangs_keeps_its_token(tmp_path: Path) -> None:
    state = running(tmp_path, LoginState.RESTARTING)
    async with driver() as (port, told):
        stop = ProcessStop(state, PermitFile(tmp_path), partial(send, port), SteppedTime().clock)
        stop.begin("the next attempt")
        await asyncio.wait_for(told.wait(), 10)
        assert not (tmp_path / "drop-token").exists()
        await stop.close()


async def test_a_start_during_a_clean_stop_is_ended_at_once(tmp_path: Path) -> None:
    """The clock stands still: nothing here waits for a clean stop's whole time."""
    state = running(tmp_path, LoginState.RESTARTING)
    async with driver() as (port, told):
        stop = ProcessStop(state, PermitFile(tmp_path), partial(send, port), SteppedTime().clock)
        stop.begin("the next attempt")
        await asyncio.wait_for(told.wait(), 10)
        assert not (tmp_path / "stop").exists()
        stop.hurry()
        await appears(tmp_path / "stop")
        stop.give_up()
        await asyncio.sleep(0)
        assert stop.busy
        await stop.close()
