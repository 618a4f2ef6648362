"""What the sentinel does in which situation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.permits.attempt_ledger import LOGIN, RESTART, Note, NoteKind, Records
from ibgateway_agent.sentinel.permits.decide import (
    EndProcess,
    GivePermit,
    KeepWaiting,
    PermitDecision,
    SettleRequest,
    Situation,
    next_step,
    outcome,
    session_action,
)
from ibgateway_agent.sentinel.permits.permit_file import SessionAction
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import Attempt, AttemptOutcome, Cause, PermitKind, PermitRefusal, Refused
from ibgateway_api.settings import SentinelSettings

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SETTINGS = SentinelSettings()


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def login(state: LoginState, minutes: float = 1, **more: object) -> Login:
    return replace(Login(state, ago(minutes)), **more)  # type: ignore[arg-type]


def tried(
    minutes: float,
    result: AttemptOutcome | None,
    kind: PermitKind = PermitKind.FULL,
    request: str = "",
) -> Attempt:
    cause = Cause.REQUESTED if request else Cause.START
    return Attempt(id=1, at=ago(minutes), kind=kind, cause=cause, request=request, outcome=result)


def asked(kind: str, request: str = "2026-11-25T14:59:00Z") -> Note:
    return Note(note=NoteKind.ASKED, at=ago(1), kind=kind, request=request)


def noted(event: NoteKind, minutes: float) -> Note:
    return Note(note=event, at=ago(minutes))


def door(*attempts: Attempt, notes: tuple[Note, ...] = (), token: bool = False) -> Situation:
    """A start that stands before the wrapper's door."""
    return Situation(
        now=NOW,
        login=login(LoginState.WAITING_FOR_PERMIT),
        records=Records(attempts, notes),
        settings=SETTINGS,
        waiting=True,
        token_at_hand=token,
    )


def runs(state: Login, *attempts: Attempt, notes: tuple[Note, ...] = ()) -> Situation:
    """A process that runs."""
    return Situation(
        now=NOW, login=state, records=Records(attempts, notes), settings=SETTINGS, running=True
    )


FULL = GivePermit(PermitKind.FULL, Cause.START)
TOKEN = GivePermit(PermitKind.TOKEN, Cause.START)
WISH = "2026-11-25T14:59:00Z"
PARKED = KeepWaiting(Refused(PermitRefusal.PARKED))
AGAIN = EndProcess("the next attempt")
THREE = [tried(m, AttemptOutcome.MISSED) for m in (90, 60, 30)]
S = LoginState

TABLE: list[tuple[str, Situation, PermitDecision]] = [
    ("the first start", door(), FULL),
    ("a start with a token", door(token=True), TOKEN),
    (
        "a token that failed is not tried twice",
        door(tried(60, AttemptOutcome.ENDED, PermitKind.TOKEN), token=True),
        FULL,
    ),
    (
        "a token after a good one",
        door(tried(600, AttemptOutcome.SETTLED, PermitKind.TOKEN), token=True),
        TOKEN,
    ),
    (
        "a crash soon after a login",
        door(tried(5, AttemptOutcome.LOGGED_IN)),
        KeepWaiting(Refused(PermitRefusal.INTERVAL, NOW + timedelta(minutes=10))),
    ),
    ("after three misses", door(*THREE), PARKED),
    (
        "a person asks after three misses",
        door(*THREE, notes=(asked(LOGIN),)),
        GivePermit(PermitKind.FULL, Cause.REQUESTED, WISH),
    ),
    (
        "the week's restart, its process gone",
        door(tried(5, AttemptOutcome.LOGGED_IN), notes=(asked(RESTART),)),
        GivePermit(PermitKind.FULL, Cause.WEEKLY, WISH),
    ),
    (
        "a person has taken the session a minute ago",
        door(tried(600, AttemptOutcome.SETTLED), notes=(noted(NoteKind.YIELDED, 1),)),
        KeepWaiting(Refused(PermitRefusal.SESSION_CONFLICT, NOW + timedelta(minutes=14))),
    ),
    (
        "a look whether that person has gone",
        door(tried(600, AttemptOutcome.SETTLED), notes=(noted(NoteKind.YIELDED, 15),)),
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
    ("a person in the session is left alone", runs(login(S.SESSION_CONFLICT, 600)), KeepWaiting()),
    ("a hanging API is left to a person", runs(login(S.API_UNRESPONSIVE, 600)), KeepWaiting()),
    (
        "a person asks while logged in",
        runs(login(S.LOGGED_IN), notes=(asked(LOGIN),)),
        SettleRequest(LOGIN, WISH),
    ),
    (
        "a person asks while a push waits",
        runs(login(S.AWAITING_APPROVAL, 1, deadline=NOW), tried(1, None), notes=(asked(LOGIN),)),
        SettleRequest(LOGIN, WISH),
    ),
    (
        "a person asks at the window of a missed push",
        runs(login(S.APPROVAL_MISSED), *THREE, notes=(asked(LOGIN),)),
        EndProcess("a person asked for a login"),
    ),
    (
        "a person asks after a wrong password",
        runs(login(S.REJECTED), tried(1, AttemptOutcome.REJECTED), notes=(asked(LOGIN),)),
        EndProcess("a person asked for a login"),
    ),
    (
        "a person asks during the nightly restart",
        runs(login(S.RESTARTING), notes=(asked(LOGIN),)),
        KeepWaiting(),
    ),
    (
        "the week's restart",
        runs(login(S.LOGGED_IN, 9, full_auth_time=ago(9)), tried(9, AttemptOutcome.LOGGED_IN),
             notes=(asked(RESTART),)),
        EndProcess("the week's restart", planned=True),
    ),
    (
        "the week is already authenticated",
        runs(login(S.LOGGED_IN, 9, full_auth_time=ago(9)), tried(9, AttemptOutcome.LOGGED_IN),
             notes=(asked(RESTART, "2026-11-25T14:40:00Z"),)),
        SettleRequest(RESTART, "2026-11-25T14:40:00Z"),
    ),
    (
        "the week's restart after three misses asks a person",
        runs(login(S.APPROVAL_MISSED), *THREE, notes=(asked(RESTART),)),
        PARKED,
    ),
]  # fmt: skip


@pytest.mark.parametrize(("now", "step"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_a_situation_has_its_step(now: Situation, step: PermitDecision) -> None:
    assert next_step(now) == step


def test_nobody_starts_while_ibkr_is_closed() -> None:
    saturday = datetime(2026, 11, 28, 5, 0, tzinfo=UTC)
    step = next_step(replace(door(), now=saturday))
    assert step == KeepWaiting(
        Refused(PermitRefusal.MAINTENANCE, datetime(2026, 11, 28, 8, 0, tzinfo=UTC))
    )


def test_a_token_start_pushes_nobody_and_is_not_held_by_a_restart_that_waits() -> None:
    night = SentinelSettings.model_validate(
        {"login": {"quietHours": {"start": "09:00", "end": "17:00"}}}
    )
    held = replace(door(notes=(asked(RESTART),), token=True), settings=night)
    assert next_step(held) == TOKEN


@pytest.mark.parametrize(
    ("policy", "taken", "action"),
    [
        ("yield", 0, SessionAction.SECONDARY),
        ("takeOver", 0, SessionAction.PRIMARY),
        ("takeOver", 1, SessionAction.PRIMARY),
        ("takeOver", 2, SessionAction.SECONDARY),
    ],
)
def test_a_session_is_taken_back_only_so_often(
    policy: str, taken: int, action: SessionAction
) -> None:
    notes = (noted(NoteKind.TOOK_OVER, 1500), *[noted(NoteKind.TOOK_OVER, 60)] * taken)
    settings = SentinelSettings(existing_session=policy, daily_take_overs=2)
    assert session_action(Records(notes=notes), settings, NOW) is action


@pytest.mark.parametrize(
    ("state", "minutes", "before", "after"),
    [
        (S.LOGGED_IN, 9, None, AttemptOutcome.LOGGED_IN),
        (S.LOGGED_IN, 9, AttemptOutcome.LOGGED_IN, None),
        (S.LOGGED_IN, 10, AttemptOutcome.LOGGED_IN, AttemptOutcome.SETTLED),
        (S.LOGGED_IN, 1, AttemptOutcome.MISSED, AttemptOutcome.LOGGED_IN),
        (S.APPROVAL_MISSED, 1, None, AttemptOutcome.MISSED),
        (S.REJECTED, 1, AttemptOutcome.SETTLED, None),
        (S.REJECTED, 1, None, AttemptOutcome.REJECTED),
        (S.LOCKED_OUT, 1, None, AttemptOutcome.LOCKED_OUT),
        (S.CONNECTION_LOST, 60, AttemptOutcome.LOGGED_IN, None),
    ],
)
def test_an_attempt_comes_to(
    state: LoginState, minutes: float, before: AttemptOutcome | None, after: AttemptOutcome | None
) -> None:
    assert outcome(runs(login(state, minutes)), before) is after
