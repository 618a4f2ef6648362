"""What IBC says and does about the dialog of the second factor."""

from pathlib import Path

import pytest

from ibgateway_simulator.gateway.inputs import AutofillDue, ExitDue
from ibgateway_simulator.gateway.protocols import ExitProcess
from simulator_fakes.login_flow import ACCOUNT, FlowRun

PUSH = {"type": "push_sent", "push": 1, "seconds": 180}
OPENED = "detected dialog entitled: Second Factor Authentication; event=Opened"
CLOSED = "detected dialog entitled: Second Factor Authentication; event=Closed"
INITIATED = "Second Factor Authentication initiated"
MISSED = "Re-login after second factor authentication timeout not required"


def _said(run: FlowRun) -> list[str]:
    """What IBC printed but for the focus."""
    focus = ("event=Activated", "event=Focused", "event=Lost focus", "event=Deactivated")
    return [line for line in run.lines() if not line.endswith(focus)]


async def test_the_push_of_a_login_by_hand_after_a_missed_one_is_only_a_window(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive(PUSH)
    await run.flow.receive({"type": "push_missed"})
    run.lines()
    await run.flow.clicked("paperuser", "typed by a person")
    await run.flow.receive(PUSH)
    await run.flow.receive({"type": "push_approved"})
    await run.flow.receive(ACCOUNT)
    assert _said(run) == [
        "detected frame entitled: Authenticating...; event=Opened",
        OPENED,
        CLOSED,
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_the_first_push_of_a_login_by_hand_is_announced(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "rejected", "dialog": "unrecognized"})
    run.lines()
    await run.flow.clicked("paperuser", "typed by a person")
    await run.flow.receive(PUSH)
    assert _said(run)[-2:] == [OPENED, INITIATED]


async def test_ibcs_own_second_attempt_announces_its_push_again(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ReloginAfterSecondFactorAuthenticationTimeout="yes")
    await run.log_in()
    await run.flow.receive(PUSH)
    await run.flow.receive({"type": "push_missed"})
    assert run.delayed == [(5.0, AutofillDue())]
    await run.flow.autofill_again()
    await run.flow.clicked("paperuser", "pw")
    run.lines()
    await run.flow.receive(PUSH)
    assert _said(run) == [OPENED, INITIATED]


async def test_a_push_answered_long_after_ibcs_attempt_passes_for_a_missed_one(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "rejected", "dialog": "unrecognized"})
    run.clock.advance(200)
    await run.flow.clicked("paperuser", "typed by a person")
    await run.flow.receive(PUSH)
    run.lines()
    await run.flow.receive({"type": "push_approved"})
    await run.flow.receive(ACCOUNT)
    assert _said(run) == [
        CLOSED,
        "Duration since login: 200 seconds",
        MISSED,
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_a_login_that_stalls_after_its_push_ends_the_process_with_87(
    tmp_path: Path,
) -> None:
    run = FlowRun(
        tmp_path,
        ReloginAfterSecondFactorAuthenticationTimeout="yes",
        SecondFactorAuthenticationExitInterval="6",
    )
    await run.log_in()
    await run.flow.receive(PUSH)
    run.lines()
    await run.flow.receive({"type": "push_approved"})
    assert _said(run)[-1] == "If login has not completed, IBC will exit in 6 seconds"
    assert run.delayed == [(6, ExitDue())]
    with pytest.raises(ExitProcess) as end:
        run.flow.stalled()
    assert end.value.code == 87
    assert run.lines()[1:] == [
        "IBC closing because login has not completed after Second Factor Authentication",
        "!" * 79,
        "Exiting after error with exit code=1111",
    ]


async def test_a_login_that_completes_in_time_goes_on(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ReloginAfterSecondFactorAuthenticationTimeout="yes")
    await run.log_in()
    await run.flow.receive(PUSH)
    await run.flow.receive({"type": "push_approved"})
    await run.flow.receive(ACCOUNT)
    run.lines()
    run.flow.stalled()
    assert run.lines() == []


async def test_a_push_during_a_relogin_is_announced_and_counted_from_the_press(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive(PUSH)
    await run.flow.receive({"type": "push_approved"})
    await run.flow.receive(ACCOUNT)
    run.clock.advance(4000)
    await run.flow.receive({"type": "kicked", "style": "relogin"})
    run.clock.advance(1)
    await run.flow.receive(PUSH)
    run.clock.advance(181)
    run.lines()
    await run.flow.receive({"type": "push_missed"})
    assert _said(run) == [
        CLOSED,
        "Duration since login: 182 seconds",
        MISSED,
        "detected frame entitled: Connecting to server...; event=Closed",
    ]


async def test_a_person_chooses_the_device_where_ibc_was_told_none(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "devices", "devices": ["Phone", "Card"]})
    assert _said(run) == [
        OPENED,
        "!" * 79,
        "You should specify the required second factor device using the SecondFactorDevice "
        "setting in config.ini",
        "!" * 79,
    ]
    assert run.did[-1] == "dialog Second Factor Authentication ['Phone', 'Card']"
    await run.flow.button("Second Factor Authentication", "Card")
    assert run.posted[-1] == {"type": "device", "device": "Card"}
