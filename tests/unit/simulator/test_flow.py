"""IBC's lines for each course of a login, in the order in which the real IBC prints them."""

import datetime as dt
import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ibgateway_simulator.gateway.flow import Flow
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import gateway_settings, user_folder
from ibgateway_simulator.gateway.titles import ExitProcess, FlowPorts

STAMP = re.compile(r"2026-11-20 17:00:00:123 IBC: ")
ACCOUNT = {"type": "logged_in", "session": "s1", "account": "DU1234567", "token": "t1"}
CONFIGURATION = "DU1234567 Trader Workstation Configuration (Simulated Trading)"


class Rig:
    """A Flow with its windows, its IBKR and its API port written down."""

    def __init__(self, folder: Path, *, restart: str = "", **options: str) -> None:
        given = {"IbLoginId": "paperuser", "IbPassword": "pw", "TradingMode": "paper"}
        ini = folder / "config.ini"
        ini.write_text("".join(f"{k}={v}\n" for k, v in {**given, **options}.items()))
        words = [str(ini), *([f"-Drestart={restart}"] if restart else [])]
        environ = {
            "TWS_SETTINGS_PATH": str(folder),
            "IBC_FLAGS": str(folder),
            "IBC_SESSION_ID": "x",
            "SIMULATOR_WINDOW_SECONDS": "0",
        }
        self.folder = folder
        self.out = io.StringIO()
        self.posted: list[dict[str, Any]] = []
        self.did: list[str] = []
        self.delayed: list[tuple[float, str]] = []
        self.clicks = 0
        now = dt.datetime(2026, 11, 20, 17, 0, 0, 123456, tzinfo=dt.UTC)
        log = IbcLog(self.out, lambda: now)
        outside = FlowPorts(self, self.posted.append, self, self._later)
        self.flow = Flow(gateway_settings(words, environ), log, outside)

    async def log_in(self) -> None:
        """Start and press the button; what is printed until then is dropped."""
        await self.flow.begin()
        await self.flow.clicked("paperuser", "pw")
        self.lines()

    def lines(self) -> list[str]:
        """What was printed since the last call, without time stamps."""
        printed = self.out.getvalue().splitlines()
        self.out.seek(0)
        self.out.truncate()
        return [STAMP.sub("", line) for line in printed]

    async def logged_in(self) -> None:
        await self.flow.begin()
        await self.flow.clicked("paperuser", "pw")
        await self.flow.receive(ACCOUNT)
        self.lines()
        self.did.clear()
        self.posted.clear()

    def _later(self, seconds: float, name: str) -> None:
        self.delayed.append((seconds, name))

    def show_login(self) -> None:
        self.did.append("login window")

    def fill(self, user: str, password: str) -> None:
        self.did.append(f"fill {user} {password}")

    def press_login(self) -> None:
        self.clicks += 1

    def splash(self, text: str) -> None:
        self.did.append(f"splash {text}")

    def dialog(self, title: str, text: str, buttons: list[str]) -> None:
        self.did.append(f"dialog {title} {buttons}")

    def close_dialog(self, title: str) -> None:
        self.did.append(f"close {title}")

    def show_main(self, *lines: str) -> None:
        self.did.append("main window")

    async def open(self, session: str) -> None:
        self.did.append(f"api open {session}")

    def close(self) -> None:
        self.did.append("api closed")


@pytest.fixture
def rig(tmp_path: Path) -> Callable[..., Rig]:
    return lambda **options: Rig(tmp_path, **options)


async def test_the_log_of_a_paper_login(rig: Callable[..., Rig]) -> None:
    run = rig()
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
    assert run.clicks == 1
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


async def test_configuration_tasks_follow_the_login(rig: Callable[..., Rig]) -> None:
    run = rig(ReadOnlyApi="no", AutoRestartTime="11:45 PM")
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
    rig: Callable[..., Rig],
) -> None:
    run = rig(AutoRestartTime="23:45")
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


async def test_a_push_that_is_approved(rig: Callable[..., Rig]) -> None:
    run = rig()
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
        "Duration since login: 1 seconds",
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_a_missed_push_leaves_the_login_window_to_a_person(rig: Callable[..., Rig]) -> None:
    run = rig()
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
    rig: Callable[..., Rig],
) -> None:
    run = rig(ReloginAfterSecondFactorAuthenticationTimeout="yes")
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "push_missed"})
    assert "Re-login after second factor authentication timeout in 5 second" in run.lines()
    assert run.delayed == [(5.0, "autofill")]
    await run.flow.autofill()
    assert "Login attempt: 2" in run.lines()


async def test_an_unrecognized_password_stays_on_screen(rig: Callable[..., Rig]) -> None:
    run = rig()
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


async def test_login_failed_starts_over(rig: Callable[..., Rig], tmp_path: Path) -> None:
    run = rig()
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


async def test_a_lock_is_told_with_its_time(rig: Callable[..., Rig]) -> None:
    run = rig()
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "locked", "seconds": 287.4})
    assert (
        "Too many failed login attempts. Please wait 4 minutes & 47 seconds before attempting to "
        "re-login again."
    ) in run.lines()


async def test_a_start_with_a_token_types_nothing(rig: Callable[..., Rig], tmp_path: Path) -> None:
    folder = user_folder(tmp_path, "paperuser")
    folder.mkdir()
    (folder / "autorestart").write_text("t0")
    run = rig(restart=folder.name)
    await run.flow.begin()
    assert run.clicks == 0
    assert run.posted[0]["kind"] == "token"
    assert run.posted[0]["token"] == "t0"
    await run.flow.receive(ACCOUNT)
    assert run.lines()[-1] == "Login has completed"


@pytest.mark.parametrize(
    ("dialog", "line", "starts_over"),
    [
        ("dialog", "The security tokens associated with your login credentials", False),
        ("connection-failed", "Connection to server failed: The security tokens", True),
        ("silent", "", False),
    ],
)
async def test_a_dead_token_meets_one_of_three_dialogs(
    rig: Callable[..., Rig], dialog: str, line: str, starts_over: bool
) -> None:
    run = rig(restart="none")
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


async def test_a_kicked_session_logs_in_again_when_it_is_free(rig: Callable[..., Rig]) -> None:
    run = rig()
    await run.logged_in()
    await run.flow.receive({"type": "kicked", "style": "waits"})
    assert run.lines() == [
        "detected dialog entitled: Re-login is required; event=Opened",
        "Re-login to session",
        "Click button: Re-login",
        "detected dialog entitled: Re-login is required; event=Closed",
        "detected frame entitled: Connecting to server...; event=Opened",
        "detected frame entitled: Connecting to server...; event=Activated",
        "detected frame entitled: Connecting to server...; event=Focused",
    ]
    assert run.posted[0]["kind"] == "relogin"
    assert run.posted[0]["session"] == "s1"
    assert "api closed" not in run.did
    await run.flow.receive(ACCOUNT)
    assert run.lines() == [
        "detected frame entitled: Starting application...; event=Lost focus",
        "detected frame entitled: Starting application...; event=Deactivated",
        "detected frame entitled: Starting application...; event=Closed",
        "Login has completed",
    ]


async def test_secondary_yields_to_another_session(rig: Callable[..., Rig]) -> None:
    run = rig(ExistingSessionDetectedAction="secondary")
    await run.log_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "existing", "other": "person"})
    assert end.value.code == 0
    assert run.lines() == [
        "detected dialog entitled: Existing session detected; event=Opened",
        "End this session and let the other session proceed (scenario 2)",
        "Click button: Exit Application",
        "detected dialog entitled: Existing session detected; event=Closed",
    ]


async def test_primary_takes_over_once(rig: Callable[..., Rig]) -> None:
    run = rig(ExistingSessionDetectedAction="primary")
    await run.log_in()
    await run.flow.receive({"type": "existing", "other": "person"})
    assert run.lines() == [
        "detected dialog entitled: Existing session detected; event=Opened",
        "Don't know the type of the other session, so continue this one (scenario 3)",
        "Click button: Continue Login",
        "detected dialog entitled: Existing session detected; event=Closed",
    ]
    assert run.posted[-1] == {"type": "existing_answer", "go_on": True}
    with pytest.raises(ExitProcess):
        await run.flow.receive({"type": "existing", "other": "person"})
    assert run.lines()[1].endswith("(scenario 4)")


async def test_a_person_decides_under_manual(rig: Callable[..., Rig]) -> None:
    run = rig(ExistingSessionDetectedAction="manual")
    await run.flow.begin()
    await run.flow.clicked("paperuser", "pw")
    await run.flow.receive({"type": "existing", "other": "person"})
    assert run.did[-1] == (
        "dialog Existing session detected ['Continue Login', 'Exit Application']"
    )
    await run.flow.button("Existing session detected", "Continue Login")
    assert run.posted[-1] == {"type": "existing_answer", "go_on": True}


async def test_a_lost_link_is_a_frame_that_opens_and_closes(rig: Callable[..., Rig]) -> None:
    run = rig()
    await run.logged_in()
    await run.flow.receive({"type": "link", "up": False})
    assert run.lines()[0] == "detected frame entitled: Connecting to server...; event=Opened"
    await run.flow.receive({"type": "link", "up": True})
    assert run.lines()[-1] == "detected frame entitled: Starting application...; event=Closed"
    assert "api closed" not in run.did


async def test_the_nightly_restart_leaves_the_token(
    rig: Callable[..., Rig], tmp_path: Path
) -> None:
    run = rig()
    await run.logged_in()
    with pytest.raises(ExitProcess) as end:
        await run.flow.receive({"type": "auto_restart"})
    assert end.value.code == 0
    assert run.lines()[0] == "detected dialog entitled: Restart in progress; event=Opened"
    assert (user_folder(tmp_path, "paperuser") / "autorestart").read_text() == "t1"
    assert run.posted == [{"type": "logout"}]


async def test_without_credentials_ibc_does_not_press_the_button(rig: Callable[..., Rig]) -> None:
    run = rig(IbPassword="")
    await run.flow.begin()
    assert run.lines()[-1] == "Setting password"
    assert run.clicks == 0
