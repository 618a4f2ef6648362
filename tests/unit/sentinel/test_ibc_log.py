"""What IBC prints in each kind of login, and the login states that it adds up to.

The lines are IBC's own words; `API` stands for the moment at which the API was proven.
"""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.log.login_fold import LoginFold, fold_evidence, fold_line, written_at
from ibgateway_api.login import Evidence, LoginState, Sign, unknown

T0 = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
API = "the API answers"

START = "IBC: Starting session: will exit if login dialog is not displayed within 60 seconds"
TOKEN_START = "IBC: Re-starting session"
ATTEMPT = "IBC: Login attempt: 1"
AUTHENTICATING = "IBC: detected frame entitled: Authenticating...; event=Opened"
FELL_BACK = "IBC: detected frame entitled: Authenticating...; event=Closed"
DIALOG = "IBC: detected dialog entitled: Second Factor Authentication; event=Opened"
PUSH = "IBC: Second Factor Authentication initiated"
ANSWERED = "IBC: detected dialog entitled: Second Factor Authentication; event=Closed"
SPLASH = "IBC: detected frame entitled: Starting application...; event=Closed"
DONE = "IBC: Login has completed"
EXISTING = "IBC: detected dialog entitled: Existing session detected; event=Opened"
KICKED = "IBC: detected dialog entitled: Re-login is required; event=Opened"
RESTARTS = "IBC: detected dialog entitled: Restart in progress; event=Opened"
OPTION = "AUTORESTART_OPTION is -Drestart=jpbdmkaadnmmeegoihpjpjlbhbpoepdemfgpfopg"
ENDED = "IBC returned exit status 0"
AGAIN = "IBC will restart shortly"
COLD = "IBC will cold-restart shortly"
EXPIRED = (
    "The security tokens associated with your login credentials have expired (routinely) in"
    " accordance with our security protocols."
)
SOFT_TOKEN = (
    "Login failed - Soft token=0 received instead of expected permanent for ndc1.ibllc.com:4001"
)
RELOGIN = "IBC: Re-login to session"
CONNECTING = "IBC: detected frame entitled: Connecting to server...; event=Opened"
UNRECOGNIZED = "IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened"
LOGGED_IN = (START, ATTEMPT, AUTHENTICATING, DIALOG, PUSH, ANSWERED, SPLASH, DONE, API)
BY_TOKEN = (RESTARTS, ENDED, OPTION, AGAIN, TOKEN_START)

IN = ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "LoggedIn"]
TABLE = {
    "a1 paper without a second factor": (
        (START, ATTEMPT, AUTHENTICATING, SPLASH, DONE, API),
        ["Starting", "LoggingIn", "LoggedIn"],
    ),
    "b1 an approved push": (LOGGED_IN, IN),
    "b3 a list of devices opens and closes the same dialog first": (
        (START, ATTEMPT, AUTHENTICATING, DIALOG, ANSWERED, DIALOG, PUSH, ANSWERED, DONE, API),
        IN,
    ),
    "b5 a device that is not in the list": (
        (START, ATTEMPT, "IBC: could not find second factor device 'My phone' in the list"),
        ["Starting", "LoggingIn", "NeedsPerson"],
    ),
    "c1 a missed push": (
        (
            *(START, ATTEMPT, AUTHENTICATING, DIALOG, PUSH, ANSWERED),
            "IBC: Duration since login: 183 seconds",
            "IBC: Re-login after second factor authentication timeout not required",
            FELL_BACK,
        ),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "ApprovalMissed"],
    ),
    "c3 a push that IBKR takes back at once": (
        (START, ATTEMPT, PUSH, ANSWERED, "IBC: Duration since login: 1 seconds", FELL_BACK),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "ApprovalMissed"],
    ),
    "a login by hand after a missed push": (
        (START, ATTEMPT, PUSH, ANSWERED, FELL_BACK, AUTHENTICATING, PUSH, ANSWERED, DONE, API),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "ApprovalMissed",
         "LoggingIn", "AwaitingApproval", "LoggingIn", "LoggedIn"],
    ),
    "the push of a login by hand, which IBC does not announce again": (
        (START, ATTEMPT, AUTHENTICATING, DIALOG, PUSH, ANSWERED, FELL_BACK,
         AUTHENTICATING, DIALOG, ANSWERED, DONE, API),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "ApprovalMissed",
         "LoggingIn", "AwaitingApproval", "LoggingIn", "LoggedIn"],
    ),
    "a dialog that is only brought to the front again is the same push": (
        (START, ATTEMPT, DIALOG, PUSH, DIALOG.replace("Opened", "Activated"), ANSWERED),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn"],
    ),
    "e1 another session is taken over": (
        (
            *(START, ATTEMPT, PUSH, ANSWERED, EXISTING),
            "IBC: Don't know the type of the other session, so continue this one (scenario 3)",
            *(SPLASH, DONE, API),
        ),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn", "SessionConflict", "LoggedIn"],
    ),
    "e3 this session gives way": (
        (
            *(START, ATTEMPT, EXISTING),
            "IBC: End this session and let the other session proceed (scenario 2)",
            "IBC: Click button: Exit Application",
        ),
        ["Starting", "LoggingIn", "SessionConflict"],
    ),
    "e5 the other session is met while logged in": (
        (*LOGGED_IN, EXISTING, "IBC: Continue this session (scenario 5)", SPLASH, API),
        [*IN, "SessionConflict", "LoggedIn"],
    ),
    "f1 a wrong password, for ever": (
        (START, ATTEMPT, "IBC: Login failed", "IBC: Cold restart in progress", ENDED, COLD, AGAIN,
         START, ATTEMPT, "IBC: Login failed"),
        ["Starting", "LoggingIn", "Rejected", "Starting", "LoggingIn", "Rejected"],
    ),
    "g1 a wrong password, once": (
        (START, ATTEMPT,
         "IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened"),
        ["Starting", "LoggingIn", "Rejected"],
    ),
    "a login error in a line of its own": (
        (START, ATTEMPT, "IBC: Login error message:", "Invalid user name"),
        ["Starting", "LoggingIn", "Rejected"],
    ),
    "f2 a login error that says that the token is dead": (
        (START, ATTEMPT, "IBC: Login error message:", SOFT_TOKEN, "IBC: Cold restart in progress",
         ENDED, COLD, AGAIN, START, ATTEMPT, PUSH),
        ["Starting", "LoggingIn", "TokenExpired", "Starting", "LoggingIn", "AwaitingApproval"],
    ),
    "a login error of IBKR's servers is no refusal": (
        (START, ATTEMPT, "IBC: Login error message:", "", "The system is not currently available."),
        ["Starting", "LoggingIn"],
    ),
    "a login error without a text": (
        (START, ATTEMPT, "IBC: Login error message:", "IBC: Cold restart in progress"),
        ["Starting", "LoggingIn", "Rejected"],
    ),
    "h1 too many tries": (
        (START, ATTEMPT, "IBC: Too many failed login attempts. Please wait 4 minutes & 47 seconds"),
        ["Starting", "LoggingIn", "LockedOut"],
    ),
    "i1 the nightly restart by token": (
        (*LOGGED_IN, *BY_TOKEN, AUTHENTICATING, SPLASH, DONE, API),
        [*IN, "Restarting", "LoggedIn"],
    ),
    "j1 a dead token that IBC answers with a cold restart": (
        (*LOGGED_IN, *BY_TOKEN, AUTHENTICATING, FELL_BACK,
         f"IBC: Connection to server failed: {EXPIRED}", ENDED, COLD, AGAIN, START, ATTEMPT, PUSH),
        [*IN, "Restarting", "TokenExpired", "Starting", "LoggingIn", "AwaitingApproval"],
    ),
    "j2 a dead token that IBC leaves on the screen": (
        (*LOGGED_IN, *BY_TOKEN, AUTHENTICATING, f"IBC: {EXPIRED}"),
        [*IN, "Restarting", "TokenExpired"],
    ),
    "j4 a dead token that IBKR calls a wrong password": (
        (*LOGGED_IN, *BY_TOKEN,
         "IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened"),
        [*IN, "Restarting", "TokenExpired"],
    ),
    "k1 a person takes the session and gives it back": (
        (*LOGGED_IN, KICKED, "IBC: Re-login to session",
         "IBC: detected frame entitled: Connecting to server...; event=Opened", SPLASH, DONE, API),
        [*IN, "SessionConflict", "LoggedIn"],
    ),
    "k2 the API answering without a login's end ends no conflict": (
        (*LOGGED_IN, KICKED, "IBC: Re-login to session", API),
        [*IN, "SessionConflict"],
    ),
    "k3 a re-login that IBKR refuses": (
        (*LOGGED_IN, KICKED, RELOGIN, UNRECOGNIZED),
        [*IN, "SessionConflict", "Rejected"],
    ),
    "o5 a re-login with a push": (
        (*LOGGED_IN, KICKED, RELOGIN, CONNECTING, DIALOG, PUSH, ANSWERED, SPLASH, DONE, API),
        [*IN, "SessionConflict", "AwaitingApproval", "LoggingIn", "LoggedIn"],
    ),
    "a re-login whose push is missed": (
        (*LOGGED_IN, KICKED, RELOGIN, CONNECTING, DIALOG, PUSH, ANSWERED,
         "IBC: Re-login after second factor authentication timeout not required"),
        [*IN, "SessionConflict", "AwaitingApproval", "LoggingIn", "ApprovalMissed"],
    ),
    "the link to IBKR's server comes and goes": (
        (*LOGGED_IN, "IBC: detected frame entitled: Connecting to server...; event=Opened",
         SPLASH, API),
        [*IN, "ConnectionLost", "LoggedIn"],
    ),
    "m1 STOP while logged in": (
        (*LOGGED_IN, "IBC: Login has completed: exiting via [File, Close] menu"),
        [*IN, "Restarting"],
    ),
    "m4 PAUSE": ((*LOGGED_IN, RESTARTS, ENDED, OPTION, "IBC is paused"), [*IN, "Restarting"]),
    "m6 a start with a token": ((TOKEN_START, DONE, API), ["Restarting", "LoggedIn"]),
    "o1 no login window for sixty seconds": (
        (START, "IBC returned exit status 88", AGAIN, START, ATTEMPT),
        ["Starting", "LoggingIn"],
    ),
    "other versions write other cases": (
        (START, ATTEMPT, PUSH,
         "IBC: Detected dialog entitled: Second Factor Authentication; event=closed"),
        ["Starting", "LoggingIn", "AwaitingApproval", "LoggingIn"],
    ),
    "socat, the settings dump and the blank line say nothing": (
        (START, "2026/11/22 09:05:09 socat[108] E connect(5, AF=2 127.0.0.1:4001, 16): refused",
         "    ExistingSessionDetectedAction=secondary", "", "Forking :::4001 onto 0.0.0.0:4003"),
        ["Starting"],
    ),
}  # fmt: skip


def watched(lines: tuple[str, ...]) -> tuple[LoginFold, list[str], list[Evidence]]:
    """The fold after the lines, one a second, the states it went through, and all evidence."""
    fold = LoginFold(unknown(T0))
    states: list[str] = []
    seen: list[Evidence] = []
    for second, line in enumerate(lines):
        at = T0 + timedelta(seconds=second)
        if line == API:
            piece = Evidence(Sign.API_READY, at, "U1234567")
            fold = fold_evidence(fold, piece, approval_seconds=180)
        else:
            written = f"{at:%Y-%m-%d %H:%M:%S}:000 {line}" if line.startswith("IBC: ") else line
            fold, evidence = fold_line(fold, written, at, approval_seconds=180)
            seen += evidence
        if not states or states[-1] != fold.login.state:
            states.append(str(fold.login.state))
    return fold, [state for state in states if state != LoginState.UNKNOWN], seen


@pytest.mark.parametrize(("lines", "states"), TABLE.values(), ids=list(TABLE))
def test_the_log_tells_the_states(lines: tuple[str, ...], states: list[str]) -> None:
    assert watched(lines)[1] == states


@pytest.mark.parametrize(
    ("lines", "cold"),
    [
        ((START, ATTEMPT, "IBC: Login failed", ENDED, COLD, AGAIN), 1),
        ((START, "IBC returned exit status 88", AGAIN), 1),
        ((*LOGGED_IN, *BY_TOKEN), 0),
        ((*LOGGED_IN, RESTARTS, ENDED, "autorestart file found at /a/autorestart", AGAIN), 1),
    ],
    ids=["after a wrong password", "after exit 88", "by token", "with tokens that IBC deleted"],
)
def test_a_start_without_a_permit_is_seen(lines: tuple[str, ...], cold: int) -> None:
    signs = [piece.sign for piece in watched(lines)[2]]
    assert signs.count(Sign.COLD_RESTART) == cold


def test_a_conflict_that_nobody_declares_over_ends_with_a_late_answer_of_the_servers() -> None:
    fold = watched((*LOGGED_IN, KICKED, RELOGIN, CONNECTING))[0]
    for minutes, state in ((1, LoginState.SESSION_CONFLICT), (1.1, LoginState.LOGGED_IN)):
        at = fold.login.since + timedelta(minutes=minutes)
        answered = Evidence(Sign.API_READY, at, "U1234567")
        assert fold_evidence(fold, answered, approval_seconds=180).login.state is state


@pytest.mark.parametrize(
    ("opened", "waits"),
    [
        ("dialog entitled: Some question of IBKR", ("Some question of IBKR",)),
        ("frame entitled: Password Notice", ("Password Notice",)),
        ("dialog entitled: IBKR Gateway", ("IBKR Gateway",)),
        ("frame entitled: IBKR Gateway", ()),
        ("frame entitled: Authenticating...", ()),
        ("dialog entitled: DU1 Trader Workstation Configuration (Simulated Trading)", ()),
    ],
)
def test_a_window_that_opens_may_wait_for_a_person(opened: str, waits: tuple[str, ...]) -> None:
    shown = (START, ATTEMPT, f"IBC: detected {opened}; event=Opened")
    assert watched(shown)[0].login.dialogs == waits
    assert watched((*shown, f"IBC: detected {opened}; event=Closed"))[0].login.dialogs == ()


def test_only_a_login_without_token_is_the_weeks() -> None:
    full = datetime(2026, 11, 22, 9, 5, 7, tzinfo=UTC)
    assert watched(LOGGED_IN)[0].login.full_auth_time == full
    assert watched((*LOGGED_IN, *BY_TOKEN, DONE, API))[0].login.full_auth_time == full
    assert watched((TOKEN_START, DONE, API))[0].login.full_auth_time is None


def test_a_take_over_and_a_giving_way_are_told_apart() -> None:
    over = watched((START, EXISTING, "IBC: so continue this one (scenario 3)"))[2]
    gave = watched((START, EXISTING, "IBC: let the other one proceed (scenario 4)"))[2]
    taken = Sign.SESSION_TAKEN
    assert [piece.detail for piece in over if piece.sign is taken] == ["", "took over"]
    assert [piece.detail for piece in gave if piece.sign is taken] == ["", "yielded"]


def test_the_text_of_a_lock_out_is_kept() -> None:
    text = "Too many failed login attempts. Please wait 12 seconds before attempting to re-login"
    assert watched((START, ATTEMPT, f"IBC: {text}"))[2][-1].detail == text


def test_a_line_carries_its_time() -> None:
    at = datetime(2026, 11, 22, 9, 5, 25, 598000, tzinfo=UTC)
    assert written_at("2026-11-22 09:05:25:598 IBC: Login has completed") == at
    assert written_at("IBC returned exit status 0") is None
