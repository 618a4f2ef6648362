"""What IBC does about a login that comes to nothing: a missed push, a wrong password, a dead token."""

from pathlib import Path

import pytest

from ibgateway_simulator.gateway.inputs import AutofillDue
from ibgateway_simulator.gateway.protocols import ExitProcess
from ibgateway_simulator.gateway.settings import user_folder
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
        "Duration since login: 0 seconds",
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


async def test_with_relogin_a_lock_is_waited_out_and_the_login_tried_again(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ReloginAfterSecondFactorAuthenticationTimeout="yes")
    await run.log_in()
    await run.flow.receive({"type": "locked", "seconds": 12.9})
    assert [line for line in run.lines() if "Will" in line or "OK" in line or "Login;" in line] == [
        "detected dialog entitled: Login; event=Opened",
        "detected dialog entitled: Login; event=Activated",
        "detected dialog entitled: Login; event=Focused",
        "Will re-login at 2026-11-20 17:00:15:123; login number: 2",
        "Click button: OK",
        "detected dialog entitled: Login; event=Lost focus",
        "detected dialog entitled: Login; event=Deactivated",
        "detected dialog entitled: Login; event=Closed",
    ]
    assert run.delayed == [(15.0, AutofillDue())]


async def test_the_text_of_a_login_error_is_a_line_without_a_time(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "login_error"})
    assert end.value.code == 0
    lines = run.printed()
    at = next(n for n, line in enumerate(lines) if line.endswith("IBC: Login error message:"))
    assert lines[at + 1] == (
        "Login failed - Soft token=0 received instead of expected permanent for "
        "ndc1.ibllc.com:4001 (SSL)"
    )
    assert lines[at + 2].endswith("IBC: Cold restart in progress")
    assert (tmp_path / "COLDRESTARTx").exists()


async def test_a_rejected_relogin_leaves_its_dialog_on_screen(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.logged_in()
    await run.flow.receive({"type": "kicked", "style": "relogin"})
    run.lines()
    await run.flow.receive({"type": "rejected", "dialog": "unrecognized"})
    lines = run.lines()
    assert "detected frame entitled: Connecting to server...; event=Closed" in lines
    assert lines[-1] == "detected dialog entitled: Unrecognized Username or Password; event=Opened"


@pytest.mark.parametrize(("stays", "left"), [(False, False), (True, True)])
async def test_the_file_of_a_dead_token_is_deleted_or_stays(
    tmp_path: Path, stays: bool, left: bool
) -> None:
    folder = user_folder(tmp_path, "paperuser")
    folder.mkdir()
    (folder / "autorestart").write_text("t0")
    run = FlowRun(tmp_path, restart=folder.name)
    await run.flow.begin()
    await run.flow.receive({"type": "token_expired", "dialog": "dialog", "file_stays": stays})
    assert (folder / "autorestart").exists() is left


@pytest.mark.parametrize(
    ("dialog", "line", "starts_over"),
    [
        ("dialog", "The security tokens associated with your login credentials", False),
        ("connection-failed", "Connection to server failed: The security tokens", True),
        ("login-error", "", True),
        ("silent", "", False),
    ],
)
async def test_a_dead_token_meets_one_of_these_dialogs(
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
