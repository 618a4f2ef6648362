"""What the sentinel does about a gateway, decided from one snapshot of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.decide import (
    EndProcess,
    GivePermit,
    KeepWaiting,
    PermitDecision,
    SessionAction,
    SettleRequest,
    driver_may_start_over,
    next_step,
    session_action,
)
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, RequestKind
from ibgateway_agent.sentinel.permits.requests import is_new_request
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.permits.standstill import token_is_dead
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    ExistingSession,
    Granted,
    PermitKind,
    PermitRefusal,
    Refused,
)
from ibgateway_api.settings import SentinelSettings

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SETTINGS = SentinelSettings()


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def login(
    state: LoginState,
    minutes: float = 1,
    *,
    deadline: datetime | None = None,
    full_auth_time: datetime | None = None,
) -> Login:
    return Login(state, ago(minutes), deadline=deadline, full_auth_time=full_auth_time)


def tried(
    minutes: float,
    result: AttemptOutcome | None,
    kind: PermitKind = PermitKind.FULL,
    request: str = "",
) -> Attempt:
    cause = Cause.REQUESTED if request else Cause.START
    return Attempt(id=1, at=ago(minutes), kind=kind, cause=cause, request=request, outcome=result)


def asked(kind: RequestKind, request: str = "2026-11-25T14:59:00Z") -> Note:
    return Note(note=NoteKind.ASKED, at=ago(0.25), kind=kind, request=request)


def noted(event: NoteKind, minutes: float) -> Note:
    return Note(note=event, at=ago(minutes))


def start(
    *attempts: Attempt, notes: tuple[Note, ...] = (), token: bool = False
) -> SentinelSnapshot:
    """A start that waits for a permit."""
    return SentinelSnapshot(
        now=NOW,
        login=login(LoginState.WAITING_FOR_PERMIT),
        records=Records(attempts, notes),
        settings=SETTINGS,
        waiting=True,
        token_at_hand=token,
    )


def runs(state: Login, *attempts: Attempt, notes: tuple[Note, ...] = ()) -> SentinelSnapshot:
    """A process that runs."""
    return SentinelSnapshot(
        now=NOW, login=state, records=Records(attempts, notes), settings=SETTINGS, running=True
    )


FULL = GivePermit(PermitKind.FULL, Cause.START)
TOKEN = GivePermit(PermitKind.TOKEN, Cause.START)
REQUEST = "2026-11-25T14:59:00Z"
PARKED = KeepWaiting(Refused(PermitRefusal.PARKED))
AGAIN = EndProcess("the next attempt")
THREE = [tried(m, AttemptOutcome.MISSED) for m in (90, 60, 30)]
S = LoginState

TABLE: list[tuple[str, SentinelSnapshot, PermitDecision]] = [
    ("the first start", start(), FULL),
    ("a start with a token", start(token=True), TOKEN),
    (
        "a token that failed is not tried twice",
        start(tried(60, AttemptOutcome.ENDED, PermitKind.TOKEN), token=True),
        FULL,
    ),
    (
        "a token after a good one",
        start(tried(600, AttemptOutcome.SETTLED, PermitKind.TOKEN), token=True),
        TOKEN,
    ),
    (
        "a crash soon after a login",
        start(tried(5, AttemptOutcome.LOGGED_IN)),
        KeepWaiting(Refused(PermitRefusal.INTERVAL, NOW + timedelta(minutes=10))),
    ),
    ("after three misses", start(*THREE), PARKED),
    (
        "a person asks after three misses",
        start(*THREE, notes=(asked(RequestKind.LOGIN),)),
        GivePermit(PermitKind.FULL, Cause.REQUESTED, REQUEST),
    ),
    (
        "the week's restart, its process gone",
        start(tried(5, AttemptOutcome.LOGGED_IN), notes=(asked(RequestKind.RESTART),)),
        GivePermit(PermitKind.FULL, Cause.WEEKLY, REQUEST),
    ),
    (
        "a person has taken the session a minute ago",
        start(tried(600, AttemptOutcome.SETTLED), notes=(noted(NoteKind.YIELDED, 1),)),
        KeepWaiting(Refused(PermitRefusal.SESSION_CONFLICT, NOW + timedelta(minutes=14))),
    ),
    (
        "a look whether that person has gone",
        start(tried(600, AttemptOutcome.SETTLED), notes=(noted(NoteKind.YIELDED, 15),)),
        FULL,
    ),
    ("a push waits", runs(login(S.AWAITING_APPROVAL, 1, deadline=NOW), tried(1, None)), KeepWaiting()),
    (
        "a push was missed just now",
        runs(login(S.APPROVAL_MISSED), tried(4, AttemptOutcome.MISSED)),
        KeepWaiting(Refused(PermitRefusal.INTERVAL, NOW + timedelta(minutes=11))),
    ),
    (
        "a push was missed and the interval is over",
        runs(login(S.APPROVAL_MISSED), tried(15, AttemptOutcome.MISSED)),
        AGAIN,
    ),
    (
        "the push counts as missed since a moment ago, and may have been approved late",
        runs(login(S.APPROVAL_MISSED, 0.4), tried(15, AttemptOutcome.MISSED)),
        KeepWaiting(),
    ),
    ("the third push was missed", runs(login(S.APPROVAL_MISSED), *THREE), PARKED),
    (
        "a dialog is still open long after its deadline",
        runs(login(S.AWAITING_APPROVAL, 16, deadline=ago(13)), tried(16, None)),
        AGAIN,
    ),
    (
        "a dead token after a settled week",
        runs(login(S.TOKEN_EXPIRED), tried(9000, AttemptOutcome.SETTLED)),
        AGAIN,
    ),
    (
        "a login that stalls after its approval",
        runs(login(S.LOGGING_IN, 16), tried(17, None)),
        AGAIN,
    ),
    ("a login under way", runs(login(S.LOGGING_IN, 1), tried(17, None)), KeepWaiting()),
    ("a rejected password stays up", runs(login(S.REJECTED), tried(60, AttemptOutcome.REJECTED)), PARKED),
    ("a lost link is ridden out", runs(login(S.CONNECTION_LOST, 600)), KeepWaiting()),
    ("a conflict that nobody ends leads on", runs(login(S.SESSION_CONFLICT, 600)), AGAIN),
    ("a hanging API is left to a person", runs(login(S.API_UNRESPONSIVE, 600)), KeepWaiting()),
    (
        "a person asks while logged in for the week",
        runs(login(S.LOGGED_IN, full_auth_time=ago(1440)), notes=(asked(RequestKind.LOGIN),)),
        SettleRequest(RequestKind.LOGIN, REQUEST),
    ),
    (
        "a person asks while logged in and the week is not authenticated",
        runs(login(S.LOGGED_IN, full_auth_time=ago(8 * 1440)), notes=(asked(RequestKind.LOGIN),)),
        EndProcess("a person asked for a login", planned=True),
    ),
    (
        "the person asked too long ago, and the process hangs",
        runs(login(S.APPROVAL_MISSED), notes=(asked(RequestKind.LOGIN, "2026-11-25T14:49:59Z"),)),
        SettleRequest(RequestKind.LOGIN, "2026-11-25T14:49:59Z"),
    ),
    (
        "the person asked too long ago, and a start waits",
        start(notes=(asked(RequestKind.LOGIN, "2026-11-25T14:49:59Z"),)),
        SettleRequest(RequestKind.LOGIN, "2026-11-25T14:49:59Z"),
    ),
    (
        "a person asks while a push waits",
        runs(login(S.AWAITING_APPROVAL, 1, deadline=NOW), tried(1, None), notes=(asked(RequestKind.LOGIN),)),
        SettleRequest(RequestKind.LOGIN, REQUEST),
    ),
    (
        "a person asks at the window of a missed push",
        runs(login(S.APPROVAL_MISSED), *THREE, notes=(asked(RequestKind.LOGIN),)),
        EndProcess("a person asked for a login"),
    ),
    (
        "a person asks after a wrong password",
        runs(login(S.REJECTED), tried(1, AttemptOutcome.REJECTED), notes=(asked(RequestKind.LOGIN),)),
        EndProcess("a person asked for a login"),
    ),
    (
        "a person asks during the nightly restart",
        runs(login(S.RESTARTING), notes=(asked(RequestKind.LOGIN),)),
        KeepWaiting(),
    ),
    (
        "the week's restart",
        runs(login(S.LOGGED_IN, 9, full_auth_time=ago(9)), tried(9, AttemptOutcome.LOGGED_IN),
             notes=(asked(RequestKind.RESTART),)),
        EndProcess("the week's restart", planned=True),
    ),
    (
        "the week is already authenticated",
        runs(login(S.LOGGED_IN, 9, full_auth_time=ago(9)), tried(9, AttemptOutcome.LOGGED_IN),
             notes=(asked(RequestKind.RESTART, "2026-11-25T14:40:00Z"),)),
        SettleRequest(RequestKind.RESTART, "2026-11-25T14:40:00Z"),
    ),
    (
        "the week's restart after three misses asks a person",
        runs(login(S.APPROVAL_MISSED), *THREE, notes=(asked(RequestKind.RESTART),)),
        PARKED,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("now", "step"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_a_snapshot_has_its_step(now: SentinelSnapshot, step: PermitDecision) -> None:
    assert next_step(now) == step


def test_nobody_starts_while_ibkr_is_closed() -> None:
    saturday = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    step = next_step(replace(start(), now=saturday))
    assert step == KeepWaiting(
        Refused(PermitRefusal.MAINTENANCE, datetime(2026, 11, 28, 8, 0, tzinfo=UTC))
    )


def test_a_token_start_pushes_nobody_and_is_not_held_by_a_restart_that_waits() -> None:
    night = SentinelSettings.model_validate(
        {"login": {"quietHours": {"start": "09:00", "end": "17:00"}}}
    )
    held = replace(start(notes=(asked(RequestKind.RESTART),), token=True), settings=night)
    assert next_step(held) == TOKEN


@pytest.mark.parametrize(
    ("policy", "taken", "action"),
    [
        (ExistingSession.YIELD, 0, SessionAction.SECONDARY),
        (ExistingSession.TAKE_OVER, 0, SessionAction.PRIMARY),
        (ExistingSession.TAKE_OVER, 1, SessionAction.PRIMARY),
        (ExistingSession.TAKE_OVER, 2, SessionAction.SECONDARY),
    ],
)
def test_a_session_is_taken_back_only_so_often(
    policy: ExistingSession, taken: int, action: SessionAction
) -> None:
    notes = (noted(NoteKind.TOOK_OVER, 1500), *[noted(NoteKind.TOOK_OVER, 60)] * taken)
    settings = SentinelSettings(existing_session=policy, daily_take_overs=2)
    assert session_action(Records(notes=notes), settings, NOW) is action


TAKE_OVER = SentinelSettings(existing_session=ExistingSession.TAKE_OVER)
UNREADABLE = Records(readable=False)
AT_ITS_LIMIT = Refused(PermitRefusal.LEDGER_LOST)


def test_a_permit_says_what_becomes_of_another_session() -> None:
    step = next_step(replace(start(), settings=TAKE_OVER))
    assert step == replace(FULL, session=SessionAction.PRIMARY)


def test_a_start_whose_permit_is_on_its_way_gets_no_second_one() -> None:
    assert next_step(replace(start(), permit_on_its_way=True)) == KeepWaiting()


@pytest.mark.parametrize("now", [start(token=True), runs(login(S.APPROVAL_MISSED))])
def test_a_ledger_that_can_not_be_read_stands_at_its_daily_limit(now: SentinelSnapshot) -> None:
    unreadable = replace(now, records=UNREADABLE)
    assert next_step(unreadable) == KeepWaiting(AT_ITS_LIMIT)
    assert driver_may_start_over(unreadable) == AT_ITS_LIMIT


def test_the_driver_goes_on_by_itself_within_the_budget() -> None:
    assert driver_may_start_over(runs(login(S.RESTARTING))) == Granted(PermitKind.FULL)
    missed = runs(login(S.APPROVAL_MISSED), *THREE)
    assert driver_may_start_over(missed) == Refused(PermitRefusal.PARKED)


def test_the_driver_does_not_go_on_by_a_wrong_clock() -> None:
    wrong = replace(runs(login(S.RESTARTING)), clock_wrong=True)
    assert driver_may_start_over(wrong) == Refused(PermitRefusal.CLOCK_SKEW)


@pytest.mark.parametrize(
    ("kind", "request_id", "last", "new"),
    [
        (RequestKind.LOGIN, "2026-11-25T14:59:00Z", "", True),
        (RequestKind.LOGIN, "2026-11-25T14:59:00Z", "2026-11-25T14:59:00Z", False),
        (RequestKind.LOGIN, "2026-11-25T14:58:00Z", "2026-11-25T14:59:00Z", False),
        (RequestKind.LOGIN, "2026-11-25T14:59:00+02:00", "2026-11-25T13:00:00Z", False),
        (RequestKind.LOGIN, "2026-11-25T14:49:59Z", "", False),
        (RequestKind.LOGIN, "2026-11-25T14:50:00Z", "", True),
        (RequestKind.RESTART, "2026-11-22T06:00:00Z", "", True),
        (RequestKind.RESTART, "2026-11-22T06:00:00Z", "2026-11-22T06:00:00Z", False),
        (RequestKind.LOGIN, "r2", "r1", True),
        (RequestKind.LOGIN, "r1", "r1", False),
        (RequestKind.LOGIN, "2026-11-25T14:59:00", "2026-11-25T14:59:00Z", True),
    ],
)
def test_a_request_is_new(kind: RequestKind, request_id: str, last: str, new: bool) -> None:
    notes = (asked(kind, last),) if last else ()
    assert is_new_request(Records(notes=notes), kind, request_id, NOW) is new


@pytest.mark.parametrize(
    ("state", "by_token", "minutes", "dead"),
    [
        (S.RESTARTING, True, 3, False),
        (S.RESTARTING, True, 3.1, True),
        (S.RESTARTING, False, 9, False),
        (S.LOGGED_IN, True, 9, False),
    ],
)
def test_a_token_is_dead_that_did_not_log_in_in_time(
    state: LoginState, by_token: bool, minutes: float, dead: bool
) -> None:
    waits = replace(login(state, minutes), by_token=by_token)
    assert token_is_dead(replace(start(), login=waits)) is dead


@pytest.mark.parametrize("asked", [False, True], ids=["by itself", "on request"])
def test_no_start_gets_a_permit_while_the_api_is_not_proven_to_be_closed(asked: bool) -> None:
    request = Note(note=NoteKind.ASKED, at=ago(1), kind=RequestKind.LOGIN, request="r1")
    waits = start(notes=(request,) if asked else ())
    assert isinstance(next_step(waits), GivePermit)
    closed = replace(waits, settings=SentinelSettings(logins_allowed=False))
    assert next_step(closed) == KeepWaiting(Refused(PermitRefusal.POLICY_UNPROVEN))
