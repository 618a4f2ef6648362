"""What IBC's commands do to the Gateway, at a time that stands still."""

from dataclasses import replace
from pathlib import Path

import pytest

from ibgateway_simulator.gateway.existing_session import IbcLoginState
from ibgateway_simulator.gateway.ibc_commands import IbcCommands
from ibgateway_simulator.gateway.inputs import (
    GatewayInputs,
    RestartDue,
    RestartTimeSet,
    StopRequested,
)
from simulator_fakes.clock import HeldClock
from simulator_fakes.login_flow import START, WrittenLog, settings_in


class CommandRun:
    """Commands in a folder of the test's own, at 17:00:00 UTC."""

    def __init__(self, folder: Path, state: IbcLoginState) -> None:
        clock = HeldClock(START)
        self.log = WrittenLog(clock)
        self.inputs = GatewayInputs()
        self.commands = IbcCommands(
            replace(settings_in(folder), restart_seconds=0),
            self.log,
            inputs=self.inputs,
            state=lambda: state,
            now=clock.now,
        )


@pytest.mark.parametrize("verb", ["RESTART", "PAUSE"])
async def test_a_restart_is_set_to_the_next_minute_and_comes(tmp_path: Path, verb: str) -> None:
    run = CommandRun(tmp_path, IbcLoginState.LOGGED_IN)
    assert run.commands.act(verb) == [f"OK {verb} in progress", f"OK {verb} at 05:01 PM"]
    assert run.log.lines()[-1] == "Setting auto-restart time to 05:01 PM"
    assert await run.inputs.next() == RestartTimeSet("05:01 PM")
    assert await run.inputs.next() == RestartDue()
    assert (tmp_path / "PAUSEx").exists() is (verb == "PAUSE")


async def test_before_the_login_no_restart_time_is_kept(tmp_path: Path) -> None:
    run = CommandRun(tmp_path, IbcLoginState.LOGGING_IN)
    run.commands.act("RESTART")
    assert await run.inputs.next() == RestartDue()


async def test_stop_is_left_to_the_process(tmp_path: Path) -> None:
    run = CommandRun(tmp_path, IbcLoginState.LOGGED_IN)
    assert run.commands.act("STOP") == ["OK Shutting down: STOP command"]
    assert await run.inputs.next() == StopRequested()


@pytest.mark.parametrize(
    ("verb", "answer"),
    [
        ("ENABLEAPI", ["ERROR ENABLEAPI is not valid for the IB Gateway"]),
        ("RECONNECTDATA", ["OK "]),
        ("RECONNECTACCOUNT", ["OK "]),
        ("BOGUS", []),
    ],
)
def test_other_commands_are_only_answered(tmp_path: Path, verb: str, answer: list[str]) -> None:
    assert CommandRun(tmp_path, IbcLoginState.LOGGED_IN).commands.act(verb) == answer
