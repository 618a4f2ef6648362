"""IBC's lines for a login that goes well, in the order in which the real IBC prints them."""

from pathlib import Path

import pytest

from ibgateway_simulator.gateway.protocols import ExitProcess
from ibgateway_simulator.gateway.settings import user_folder
from simulator_fakes.login_flow import ACCOUNT, FlowRun

CONFIGURATION = "DU1234567 Trader Workstation Configuration (Simulated Trading)"


async def test_the_log_of_a_paper_login(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.flow.begin()
    assert run.lines() == [
        "detected frame entitled: IBKR Gateway; event=Opened",
        "Login dialog WINDOW_OPENED: LoginState is LOGGED_OUT",
        "trading mode from settings: tradingMode=paper",
        "Setting Trading mode = paper",
        "Setting user name",
        "Setting password",
        "Login attempt: 1",
        "trading mode from settings: tradingMode=paper",
        "Click button: Paper Log In",
        "detected frame entitled: IBKR Gateway; event=Activated",
        "detected frame entitled: IBKR Gateway; event=Focused",
    ]
    assert run.screen.clicks == 1
    await run.flow.clicked("paperuser", "pw")
    assert run.lines() == [
        "detected frame entitled: IBKR Gateway; event=Lost focus",
        "detected frame entitled: IBKR Gateway; event=Deactivated",
        "detected frame entitled: Loading...; event=Opened",
        "Found Gateway main window",
        "detected frame entitled: Loading...; event=Activated",
        "detected frame entitled: Loading...; event=Focused",
        "detected frame entitled: Authenticating...; event=Opened",
        "detected frame entitled: Loading...; event=Lost focus",
        "detected frame entitled: Loading...; event=Deactivated",
        "detected frame entitled: Authenticating...; event=Activated",
        "detected frame entitled: Authenticating...; event=Focused",
    ]
    await run.flow.receive(ACCOUNT)
    assert run.lines() == [
        "detected frame entitled: Starting application...; event=Lost focus",
        "detected frame entitled: Starting application...; event=Deactivated",
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]
    assert run.posted == [
        {
            "type": "login",
            "kind": "full",
            "user": "paperuser",
            "password": "pw",
            "mode": "paper",
            "read_only": True,
            "session": "",
        }
    ]
    assert "api open s1" in run.did


async def test_configuration_tasks_follow_the_login(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, ReadOnlyApi="no", AutoRestartTime="11:45 PM")
    await run.log_in()
    await run.flow.receive(ACCOUNT)
    assert run.lines()[3:] == [
        "Login has completed",
        f"detected dialog entitled: {CONFIGURATION}; event=Opened",
        "Got config dialog from future",
        "Setting ReadOnlyApi",
        "Read-Only API checkbox is now set to: false",
        "Setting Auto restart time",
        "Auto restart time set to 11:45 PM",
        f"detected dialog entitled: {CONFIGURATION}; event=Activated",
        f"detected dialog entitled: {CONFIGURATION}; event=Focused",
        "Configuration tasks completed",
        "Click button: OK",
        f"detected dialog entitled: {CONFIGURATION}; event=Lost focus",
        f"detected dialog entitled: {CONFIGURATION}; event=Deactivated",
        f"detected dialog entitled: {CONFIGURATION}; event=Closed",
    ]
    assert run.posted[0]["read_only"] is False


async def test_a_bad_restart_time_is_reported_between_exclamation_marks(
    tmp_path: Path,
) -> None:
    run = FlowRun(tmp_path, AutoRestartTime="23:45")
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive(ACCOUNT)
    lines = run.lines()
    at = lines.index("Setting Auto restart time")
    assert lines[at + 1 : at + 4] == [
        "!" * 79,
        "Auto restart time setting must be hh:mm AM or hh:mm PM, "
        'for example "09:30 AM" or "04:00 PM"',
        "!" * 79,
    ]


async def test_a_push_that_is_approved(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "push_sent", "push": 1, "seconds": 180})
    assert run.lines() == [
        "detected dialog entitled: Second Factor Authentication; event=Opened",
        "Second Factor Authentication initiated",
        "detected frame entitled: Authenticating...; event=Lost focus",
        "detected frame entitled: Authenticating...; event=Deactivated",
        "detected dialog entitled: Second Factor Authentication; event=Activated",
        "detected dialog entitled: Second Factor Authentication; event=Focused",
    ]
    await run.flow.receive({"type": "push_approved"})
    await run.flow.receive(ACCOUNT)
    assert run.lines() == [
        "detected dialog entitled: Second Factor Authentication; event=Lost focus",
        "detected dialog entitled: Second Factor Authentication; event=Deactivated",
        "detected dialog entitled: Second Factor Authentication; event=Closed",
        "Duration since login: 0 seconds",
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_a_start_with_a_token_types_nothing(tmp_path: Path) -> None:
    folder = user_folder(tmp_path, "paperuser")
    folder.mkdir()
    (folder / "autorestart").write_text("t0")
    run = FlowRun(tmp_path, restart=folder.name)
    await run.flow.begin()
    assert run.screen.clicks == 0
    assert run.posted[0]["kind"] == "token"
    assert run.posted[0]["token"] == "t0"
    await run.flow.receive(ACCOUNT)
    assert run.lines()[-1] == "Login has completed"


async def test_without_credentials_ibc_does_not_press_the_button(tmp_path: Path) -> None:
    run = FlowRun(tmp_path, IbPassword="")
    await run.flow.begin()
    assert run.lines()[-1] == "Setting password"
    assert run.screen.clicks == 0


async def test_the_nightly_restart_leaves_the_token(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.logged_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "auto_restart"})
    assert end.value.code == 0
    assert run.lines()[0] == "detected dialog entitled: Restart in progress; event=Opened"
    assert (user_folder(tmp_path, "paperuser") / "autorestart").read_text() == "t1"
    assert run.posted == [{"type": "logout"}]


async def test_the_time_since_the_login_is_told_in_started_seconds(tmp_path: Path) -> None:
    run = FlowRun(tmp_path)
    await run.log_in()
    await run.flow.receive({"type": "push_sent", "push": 1, "seconds": 180})
    run.clock.advance(37)
    await run.flow.receive({"type": "push_approved"})
    assert run.lines()[-1] == "Duration since login: 37 seconds"
