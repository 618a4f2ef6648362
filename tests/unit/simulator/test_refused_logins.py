"""What IBC does about a login that comes to nothing: a missed push, a wrong password, a dead token."""

from pathlib import Path

import pytest

from ibgateway_simulator.gateway.inputs import AutofillDue
from ibgateway_simulator.gateway.protocols import ExitProcess
from simulator_fakes.login_flow import FlowRun


async def test_a_missed_push_leaves_the_login_window_to_a_person(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "push_sent", "push": 1, "seconds": 180})
    run.lines()
    run.did.clear()
    await run.flow.receive({"type": "push_missed"})
    assert run.lines()[2:] == [
        "detected dialog entitled: Second Factor Authentication; event=Closed",
        "Duration since login: 1 seconds",
        "Re-login after second factor authentication timeout not required",
        "detected frame entitled: Authenticating...; event=Closed",
        "detected frame entitled: IBKR Gateway; event=Activated",
        "detected frame entitled: IBKR Gateway; event=Focused",
    ]
    assert run.did[-1] == "login window"
    assert run.delayed == []
    await run.flow.clicked("paperuser", "typed by a person")
    assert run.posted[-1]["password"] == "typed by a person"
    assert "Login attempt: 2" not in run.lines()


async def test_a_missed_push_with_relogin_is_tried_again_five_seconds_later(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path, ReloginAfterSecondFactorAuthenticationTimeout="yes")
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "push_missed"})
    assert "Re-login after second factor authentication timeout in 5 second" in run.lines()
    assert run.delayed == [(5.0, AutofillDue())]
    await run.flow.autofill_again()
    assert "Login attempt: 2" in run.lines()


async def test_an_unrecognized_password_stays_on_screen(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "rejected", "dialog": "unrecognized"})
    assert run.lines() == [
        "detected frame entitled: Authenticating...; event=Lost focus",
        "detected frame entitled: Authenticating...; event=Deactivated",
        "detected frame entitled: Authenticating...; event=Closed",
        "detected dialog entitled: Unrecognized Username or Password; event=Activated",
        "detected dialog entitled: Unrecognized Username or Password; event=Focused",
        "detected dialog entitled: Unrecognized Username or Password; event=Opened",
    ]
    await run.flow.button("Unrecognized Username or Password", "OK")
    assert run.did[-1] == "login window"


async def test_login_failed_starts_over(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "rejected", "dialog": "login-failed"})
    assert end.value.code == 0
    assert run.lines()[3:] == [
        "detected dialog entitled: Login failed; event=Opened",
        "Login failed",
        "Cold restart in progress",
        "Click button: OK",
        "Login has not completed: exiting immediately",
    ]
    assert (tmp_path / "COLDRESTARTx").exists()


async def test_a_lock_is_told_with_its_time(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "locked", "seconds": 287.4})
    assert (
        "Too many failed login attempts. Please wait 4 minutes & 47 seconds before attempting to "
        "re-login again."
    ) in run.lines()


@pytest.mark.parametrize(
    ("dialog", "line", "starts_over"),
    [
        ("dialog", "The security tokens associated with your login credentials", False),
        ("connection-failed", "Connection to server failed: The security tokens", True),
        ("silent", "", False),
    ],
)
async def test_a_dead_token_meets_one_of_three_dialogs(
    tmp_path: Path, dialog: str, line: str, starts_over: bool
) -> None:
    run = FlowRun(tmp_path, restart="none")
    await run.flow.begin()
    run.lines()
    ended = False
    try:
        await run.flow.receive({"type": "token_expired", "dialog": dialog})
    except ExitProcess:
        ended = True
    texts = [text for text in run.lines() if "security tokens" in text]
    assert ended is starts_over
    assert [text.startswith(line) for text in texts] == ([True] if line else [])
