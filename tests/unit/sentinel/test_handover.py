"""A login that a person has for themselves: how it ends, what its return costs, and that nothing forgets it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.permits.decide import (
    EndProcess,
    GivePermit,
    KeepWaiting,
    PermitDecision,
    SettleRequest,
    driver_may_start_over,
    next_step,
    refused_stop,
)
from ibgateway_agent.sentinel.permits.handover import impossible, pausing, told_of
from ibgateway_agent.sentinel.permits.outcome import from_waiting_start
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, RequestKind, fold
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import (
    Attempt,
    AttemptOutcome,
    Cause,
    PermitKind,
    PermitRefusal,
    Refused,
)
from ibgateway_api.settings import SentinelSettings
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, DONE, PUSH

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
"""A Wednesday; the week's token dies on Sunday the 29th at 06:00."""
SUNDAY = datetime(2026, 11, 22, 14, 3, tzinfo=UTC)
HALF_PAST = NOW + timedelta(minutes=30)
DIES = datetime(2026, 11, 29, 6, 0, tzinfo=UTC)
LOGIN = Attempt(
    id=1, at=SUNDAY, kind=PermitKind.FULL, cause=Cause.WEEKLY, outcome=AttemptOutcome.SETTLED
)
PAUSE = EndProcess("a person wants the login", planned=True, pause=True)
STOP = EndProcess("a person wants the login", planned=True)


def note(event: NoteKind, at: datetime, *, until: datetime | None = None) -> Note:
    return Note(note=event, at=at, request="lunch" if until else "", until=until)


def handed(until: datetime = HALF_PAST, *more: Note, ago: float = 5) -> tuple[Note, ...]:
    at = NOW - timedelta(seconds=ago)
    return (note(NoteKind.HANDED_OVER, at, until=until), *more)


def back(ago: float) -> Note:
    at = NOW - timedelta(seconds=ago)
    return Note(note=NoteKind.HANDED_BACK, at=at, request="lunch")


def paused(ago: float) -> Note:
    return note(NoteKind.PAUSED, NOW - timedelta(seconds=ago))


def seen(
    state: LoginState = LoginState.LOGGED_IN,
    *notes: Note,
    since: datetime = SUNDAY,
    full: datetime | None = SUNDAY,
    attempts: tuple[Attempt, ...] = (LOGIN,),
) -> SentinelSnapshot:
    """A process that runs."""
    return SentinelSnapshot(
        now=NOW,
        login=Login(state, since, full_auth_time=full, running=True),
        records=Records(attempts, notes),
        settings=SentinelSettings(),
        running=True,
        looked_since=SUNDAY,
    )


def waits(*notes: Note, token: bool, attempts: tuple[Attempt, ...] = (LOGIN,)) -> SentinelSnapshot:
    """A start that waits for a permit, its login having ended."""
    ran = seen(LoginState.WAITING_FOR_PERMIT, *notes, attempts=attempts)
    return replace(ran, running=False, waiting=True, token_at_hand=token)


def held(until: datetime = HALF_PAST) -> KeepWaiting:
    return KeepWaiting(Refused(PermitRefusal.HANDED_OVER, until))


S = LoginState
MINUTE_AGO = NOW - timedelta(minutes=1)

RUNNING: list[tuple[str, SentinelSnapshot, PermitDecision]] = [
    ("logged in, the token lives", seen(S.LOGGED_IN, *handed()), PAUSE),
    ("logged in, IBKR lost", seen(S.CONNECTION_LOST, *handed()), PAUSE),
    ("logged in, the week not authenticated", seen(S.LOGGED_IN, *handed(), full=None), STOP),
    ("beyond the token's life", seen(S.LOGGED_IN, *handed(DIES)), STOP),
    (
        "before it, but IBKR's reset is over only after it",
        replace(
            seen(S.LOGGED_IN, *handed(DIES - timedelta(minutes=5), ago=86400 * 2)),
            now=DIES - timedelta(hours=3),
        ),
        STOP,
    ),
    ("a push waits", seen(S.AWAITING_APPROVAL, *handed(), since=MINUTE_AGO), STOP),
    ("told to pause a minute ago", seen(S.LOGGED_IN, *handed(HALF_PAST, paused(60))), held()),
    ("told to pause, and it went on", seen(S.LOGGED_IN, *handed(HALF_PAST, paused(121))), PAUSE),
    ("in its nightly restart", seen(S.RESTARTING, *handed(), since=MINUTE_AGO), held()),
    (
        "a sentinel that has just started",
        replace(seen(S.UNKNOWN, *handed()), looked_since=NOW - timedelta(seconds=29)),
        held(),
    ),
    (
        "a sentinel that has looked long enough",
        replace(seen(S.UNKNOWN, *handed()), looked_since=NOW - timedelta(seconds=31)),
        STOP,
    ),
    ("its time is over", seen(S.LOGGED_IN, *handed(NOW)), KeepWaiting()),
    ("handed back", seen(S.LOGGED_IN, *handed(), back(1)), KeepWaiting()),
    (
        "handed back while it pauses",
        seen(S.LOGGED_IN, *handed(HALF_PAST, paused(20)), back(1)),
        KeepWaiting(),
    ),
    (
        "a request for a login that waited too long",
        seen(
            S.LOGGED_IN,
            Note(
                note=NoteKind.ASKED,
                at=NOW - timedelta(minutes=11),
                kind=RequestKind.LOGIN,
                request="2026-11-25T14:48:00Z",
            ),
            *handed(),
        ),
        SettleRequest(RequestKind.LOGIN, "2026-11-25T14:48:00Z"),
    ),
]


@pytest.mark.parametrize(
    ("now", "step"), [row[1:] for row in RUNNING], ids=[row[0] for row in RUNNING]
)
def test_a_process_ends_so_that_its_token_stays_where_it_can(
    now: SentinelSnapshot, step: PermitDecision
) -> None:
    assert next_step(now) == step


TOKEN = GivePermit(PermitKind.TOKEN, Cause.START)
FULL = GivePermit(PermitKind.FULL, Cause.START)
JUST_NOW = LOGIN.model_copy(update={"at": MINUTE_AGO, "outcome": AttemptOutcome.LOGGED_IN})


def test_nothing_logs_in_while_a_person_has_the_login_whoever_asks() -> None:
    asked = Note(
        note=NoteKind.ASKED, at=MINUTE_AGO, kind=RequestKind.LOGIN, request="2026-11-25T14:59:00Z"
    )
    for token in (True, False):
        assert next_step(waits(*handed(), asked, token=token)) == held()
    assert driver_may_start_over(seen(S.TOKEN_EXPIRED, *handed())) == held().refused


@pytest.mark.parametrize(
    "over",
    [handed(NOW, paused(1700), ago=1800), (*handed(HALF_PAST, paused(1700)), back(1))],
    ids=["its time is over", "taken back early"],
)
def test_it_returns_by_its_token_at_once(over: tuple[Note, ...]) -> None:
    assert next_step(waits(*over, token=True)) == TOKEN
    young = JUST_NOW.model_copy(update={"at": NOW - timedelta(minutes=31)})
    assert next_step(waits(*over, token=True, attempts=(young,))) == TOKEN


def test_a_token_that_came_back_waits_for_no_interval_and_one_that_crashed_does() -> None:
    short = (*handed(NOW, ago=50), paused(45))
    assert next_step(waits(*short, token=True, attempts=(JUST_NOW,))) == TOKEN
    crashed = waits(token=True, attempts=(JUST_NOW,))
    assert isinstance(next_step(crashed), KeepWaiting)


def test_a_return_without_a_token_is_a_full_login_by_the_budget() -> None:
    assert next_step(waits(*handed(NOW, ago=1800), token=False)) == FULL


def test_a_session_that_was_given_way_to_before_the_handover_does_not_hold_up_its_return() -> None:
    gave_way = note(NoteKind.YIELDED, NOW - timedelta(minutes=10))
    assert next_step(waits(gave_way, *handed(NOW, ago=500), token=True)) == TOKEN
    still = note(NoteKind.YIELDED, NOW - timedelta(seconds=1))
    again = next_step(waits(*handed(NOW - timedelta(minutes=1), ago=500), still, token=True))
    assert isinstance(again, KeepWaiting)
    assert again.refused is not None
    assert again.refused.reason is PermitRefusal.SESSION_CONFLICT


def test_the_week_is_not_restarted_while_a_person_has_the_login() -> None:
    until = DIES + timedelta(hours=9)
    sunday = replace(seen(S.LOGGED_IN, *handed(until), full=None), now=DIES + timedelta(hours=8))
    refused = refused_stop(sunday, RequestKind.RESTART, "2026-11-29T06:00:00Z")
    assert refused == Refused(PermitRefusal.HANDED_OVER, until)


@pytest.mark.parametrize(
    ("now", "costs"),
    [
        (seen(S.LOGGED_IN, *handed()), ""),
        (seen(S.LOGGED_IN, *handed(DIES)), "weekly token boundary at 2026-11-29T06:00:00"),
        (seen(S.LOGGED_IN, *handed(), full=None), "this week has no full login"),
        (seen(S.REJECTED, *handed()), "no login whose token"),
        (waits(*handed(), token=True), ""),
        (waits(*handed(), token=False), "no login whose token"),
    ],
)
def test_what_the_return_costs_is_said_beforehand(now: SentinelSnapshot, costs: str) -> None:
    said = told_of(now)
    assert said is not None
    assert said.costs_push is bool(costs)
    assert costs in said.why


def test_without_a_handover_nothing_is_told() -> None:
    assert told_of(seen(S.LOGGED_IN)) is None
    assert told_of(seen(S.LOGGED_IN, *handed(NOW))) is None


def test_trading_is_held_until_a_process_that_was_told_to_pause_has_ended() -> None:
    assert pausing(seen(S.LOGGED_IN, paused(60)))
    assert not pausing(seen(S.LOGGED_IN, paused(121)))
    assert not pausing(waits(paused(60), token=True))
    later = LOGIN.model_copy(update={"at": NOW - timedelta(seconds=30)})
    assert not pausing(seen(S.LOGGED_IN, paused(60), attempts=(LOGIN, later)))


@pytest.mark.parametrize(
    ("ahead", "words"),
    [
        (timedelta(0), "not ahead of the clock"),
        (-timedelta(minutes=1), "not ahead of the clock"),
        (timedelta(days=3, seconds=1), "more than 3 days ahead"),
        (timedelta(days=3), ""),
        (timedelta(seconds=1), ""),
    ],
)
def test_a_time_that_can_not_be_is_refused_by_name(ahead: timedelta, words: str) -> None:
    found = impossible(NOW + ahead, NOW)
    assert words in found
    assert bool(found) is bool(words)


def test_the_ledger_remembers_it() -> None:
    lines = [line.to_json() for line in handed(HALF_PAST, paused(3))]
    assert fold(lines).notes == handed(HALF_PAST, paused(3))


BY_TOKEN = Attempt(id=2, at=MINUTE_AGO, kind=PermitKind.TOKEN, cause=Cause.START)


@pytest.mark.parametrize(
    ("started", "kind", "outcome"),
    [
        (1, PermitKind.TOKEN, AttemptOutcome.UNUSED),
        (2, PermitKind.TOKEN, AttemptOutcome.ENDED),
        (0, PermitKind.TOKEN, AttemptOutcome.ENDED),
        (1, PermitKind.FULL, AttemptOutcome.ENDED),
    ],
    ids=["its start was gone", "it ran", "another pod's log told", "it may have pushed"],
)
def test_a_token_whose_permit_nobody_took_was_not_tried(
    started: int, kind: PermitKind, outcome: AttemptOutcome
) -> None:
    given = BY_TOKEN.model_copy(update={"kind": kind})
    (line,) = from_waiting_start(
        replace(waits(token=True, attempts=(LOGIN, given)), started=started)
    )
    assert line == given.model_copy(update={"outcome": outcome})


def test_a_token_that_was_not_tried_is_tried_at_once() -> None:
    unused = BY_TOKEN.model_copy(update={"outcome": AttemptOutcome.UNUSED})
    over = (*handed(NOW, ago=1800), paused(1700))
    assert next_step(waits(*over, token=True, attempts=(LOGIN, unused))) == TOKEN
    tried = BY_TOKEN.model_copy(update={"outcome": AttemptOutcome.ENDED})
    again = next_step(waits(*over, token=True, attempts=(LOGIN, tried)))
    assert isinstance(again, KeepWaiting)


def test_a_token_that_was_kept_over_the_weeks_boundary_is_not_tried() -> None:
    kept = waits(paused(3600), token=True)
    assert next_step(kept) == TOKEN
    monday = replace(kept, now=DIES + timedelta(days=1, hours=9))
    assert next_step(monday) == FULL


def test_the_prestop_hook_is_told_whether_the_token_lives(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.logs_in()
    told = pod.run / "may-pause"
    assert told.read_text() == "1"
    pod.boot()
    pod.api(Sign.API_READY, "DU1")
    pod.later(seconds=1)
    assert told.read_text() == "1"
    pod.time.now = DIES + timedelta(minutes=1)
    pod.look()
    assert not told.exists(), "the week's token is dead"


def test_a_login_that_was_proven_just_before_its_pod_goes_keeps_its_token(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.waits()
    pod.runs()
    pod.says(PUSH, ANSWERED, DONE)
    (pod.run / "planned-stop").touch()
    pod.api(Sign.API_READY, "DU1")
    pod.look()
    assert (pod.run / "may-pause").read_text() == "1"
    pod.time.now = DIES + timedelta(minutes=1)
    pod.look()
    assert (pod.run / "may-pause").read_text() == "1", "the hook may have read it already"


def test_a_pod_that_goes_notes_once_that_its_token_is_kept(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    pod.logs_in()
    (pod.run / "planned-stop").touch()
    for _ in range(3):
        pod.look()
    assert [n.note for n in pod.records().notes].count(NoteKind.PAUSED) == 1
    (pod.run / "planned-stop").unlink()
    pod.ends()
    pod.waits(token=True)
    assert pod.permit() == "id=2 kind=token existingSession=secondary"
