"""How an attempt ended: the lines that the ledger gets, concluded from snapshot and evidence."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_agent.sentinel.log.ibc_log import TOOK_OVER, YIELDED
from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.permits import outcome
from ibgateway_agent.sentinel.permits.records import Note, NoteKind, Records, with_outcome
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.login import Evidence, Login, LoginState, Sign
from ibgateway_api.permits import Attempt, AttemptOutcome, Cause, PermitKind
from ibgateway_api.settings import SentinelSettings

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
FIRST = Attempt(id=1, at=NOW - timedelta(hours=2), kind=PermitKind.FULL, cause=Cause.START)
SECOND = Attempt(id=2, at=NOW - timedelta(hours=1), kind=PermitKind.FULL, cause=Cause.START)
BOTH = Records((with_outcome(FIRST, AttemptOutcome.MISSED), SECOND))
UNREADABLE = Records(readable=False)
S = LoginState
O = AttemptOutcome  # noqa: E741 - a column of a table


def ago(minutes: float) -> datetime:
    return NOW - timedelta(minutes=minutes)


def snapshot(state: LoginState, minutes: float, records: Records) -> SentinelSnapshot:
    return SentinelSnapshot(
        now=NOW,
        login=Login(state, ago(minutes)),
        records=records,
        settings=SentinelSettings(),
        attempt=2,
        running=True,
    )


@pytest.mark.parametrize(
    ("state", "minutes", "before", "after"),
    [
        (S.LOGGED_IN, 9, None, O.LOGGED_IN),
        (S.LOGGED_IN, 9, O.LOGGED_IN, None),
        (S.LOGGED_IN, 10, O.LOGGED_IN, O.SETTLED),
        (S.LOGGED_IN, 1, O.MISSED, O.LOGGED_IN),
        (S.APPROVAL_MISSED, 1, None, O.MISSED),
        (S.REJECTED, 1, O.SETTLED, O.REJECTED),
        (S.LOCKED_OUT, 1, O.SETTLED, O.LOCKED_OUT),
        (S.APPROVAL_MISSED, 1, O.SETTLED, None),
        (S.APPROVAL_MISSED, 1, O.REJECTED, None),
        (S.APPROVAL_MISSED, 1, O.LOCKED_OUT, None),
        (S.LOGGED_IN, 1, O.REJECTED, O.LOGGED_IN),
        (S.REJECTED, 1, None, O.REJECTED),
        (S.LOCKED_OUT, 1, None, O.LOCKED_OUT),
        (S.NEEDS_PERSON, 1, None, O.NEEDS_PERSON),
        (S.NEEDS_PERSON, 1, O.SETTLED, O.NEEDS_PERSON),
        (S.APPROVAL_MISSED, 1, O.NEEDS_PERSON, None),
        (S.LOGGED_IN, 1, O.NEEDS_PERSON, O.LOGGED_IN),
        (S.CONNECTION_LOST, 60, O.LOGGED_IN, None),
        (S.AWAITING_APPROVAL, 60, None, None),
        (S.TOKEN_EXPIRED, 60, None, None),
    ],
)
def test_a_running_attempt_comes_to(
    state: LoginState, minutes: float, before: AttemptOutcome | None, after: AttemptOutcome | None
) -> None:
    attempt = SECOND.model_copy(update={"outcome": before})
    lines = outcome.from_login(snapshot(state, minutes, Records((FIRST, attempt))))
    assert lines == ((with_outcome(SECOND, after),) if after else ())


@pytest.mark.parametrize("attempt", [0, 7])
def test_a_login_that_no_attempt_stands_for_concludes_nothing(attempt: int) -> None:
    assert outcome.from_login(replace(snapshot(S.LOGGED_IN, 1, BOTH), attempt=attempt)) == ()


def fold(state: LoginState, deadline: datetime | None = None, attempt: int = 2) -> LoginFold:
    return LoginFold(Login(state, ago(5), deadline=deadline), attempt=attempt)


IN_CONFLICT = fold(S.SESSION_CONFLICT)
OVERDUE = fold(S.AWAITING_APPROVAL, deadline=ago(1))
GAVE_WAY = Note(note=NoteKind.YIELDED, at=NOW)
TOOK_IT_BACK = Note(note=NoteKind.TOOK_OVER, at=NOW)
SETTLED = Records((with_outcome(SECOND, O.SETTLED),))
ENDED = Evidence(Sign.PROCESS_ENDED, NOW)
KILLED = Evidence(Sign.PERMIT_AWAITED, NOW)
TABLE: list[tuple[str, Evidence, LoginFold, Records, outcome.Lines]] = [
    ("a process that gave way", ENDED, IN_CONFLICT, BOTH, (GAVE_WAY, with_outcome(SECOND, O.YIELDED))),
    ("a killed one that met a session", KILLED, IN_CONFLICT, BOTH,
     (GAVE_WAY, with_outcome(SECOND, O.YIELDED))),
    ("a settled login that gave way", ENDED, IN_CONFLICT, SETTLED, (GAVE_WAY,)),
    ("a login of minutes that gave way", ENDED, IN_CONFLICT,
     Records((with_outcome(SECOND, O.LOGGED_IN),)), (GAVE_WAY, with_outcome(SECOND, O.YIELDED))),
    ("a missed push that met a session counts as before", ENDED, IN_CONFLICT,
     Records((with_outcome(SECOND, O.MISSED),)), (GAVE_WAY,)),
    ("a refused one too", ENDED, IN_CONFLICT, Records((with_outcome(SECOND, O.REJECTED),)),
     (GAVE_WAY,)),
    ("one that gave way without an attempt on record", ENDED, fold(S.SESSION_CONFLICT, attempt=9),
     BOTH, (GAVE_WAY,)),
    ("an end after the deadline", ENDED, OVERDUE, BOTH, (with_outcome(SECOND, O.MISSED),)),
    ("an end before the deadline", ENDED, fold(S.AWAITING_APPROVAL, deadline=NOW), BOTH, ()),
    ("an end after the deadline of a known outcome", ENDED, OVERDUE, SETTLED, ()),
    ("an end of a login", ENDED, fold(S.LOGGED_IN), BOTH, ()),
    ("an end of no process", KILLED, fold(S.SESSION_CONFLICT, attempt=0), BOTH, ()),
    ("a session taken back", Evidence(Sign.SESSION_TAKEN, NOW, TOOK_OVER), fold(S.LOGGING_IN), BOTH,
     (TOOK_IT_BACK,)),
    ("a session that another one took", Evidence(Sign.SESSION_TAKEN, NOW, YIELDED),
     fold(S.LOGGED_IN), BOTH, ()),
    ("a push", Evidence(Sign.PUSH_SENT, NOW), OVERDUE, BOTH, ()),
    ("a ledger that can't be read gets no line", ENDED, IN_CONFLICT, UNREADABLE, ()),
    ("nor one about a session", Evidence(Sign.SESSION_TAKEN, NOW, TOOK_OVER), IN_CONFLICT,
     UNREADABLE, ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("evidence", "before", "records", "lines"), [r[1:] for r in TABLE], ids=[r[0] for r in TABLE]
)
def test_evidence_concludes(
    evidence: Evidence, before: LoginFold, records: Records, lines: outcome.Lines
) -> None:
    assert outcome.from_evidence(evidence, before, records) == lines


@pytest.mark.parametrize(
    ("records", "waiting", "on_its_way", "lines"),
    [
        (BOTH, True, False, (with_outcome(SECOND, O.ENDED),)),
        (BOTH, True, True, ()),
        (BOTH, False, False, ()),
        (SETTLED, True, False, ()),
        (Records(), True, False, ()),
        (UNREADABLE, True, False, ()),
    ],
)
def test_a_start_that_waits_again_ends_the_attempt_before_it(
    records: Records, waiting: bool, on_its_way: bool, lines: outcome.Lines
) -> None:
    now = replace(
        snapshot(S.WAITING_FOR_PERMIT, 0, records),
        waiting=waiting,
        running=False,
        permit_on_its_way=on_its_way,
    )
    assert outcome.from_waiting_start(now) == lines


@pytest.mark.parametrize(
    ("result", "notes", "sign"),
    [
        (O.MISSED, (), Sign.APPROVAL_MISSED),
        (O.REJECTED, (), Sign.REJECTED),
        (O.LOCKED_OUT, (), Sign.LOCKED_OUT),
        (O.NEEDS_PERSON, (), Sign.PERSON_NEEDED),
        (O.ENDED, (), None),
        (None, (), None),
        (O.YIELDED, (GAVE_WAY,), Sign.SESSION_TAKEN),
        (O.MISSED, (Note(note=NoteKind.YIELDED, at=ago(90)),), Sign.APPROVAL_MISSED),
    ],
)
def test_a_waiting_start_says_why(
    result: AttemptOutcome | None, notes: tuple[Note, ...], sign: Sign | None
) -> None:
    attempt = SECOND.model_copy(update={"outcome": result})
    assert outcome.why_it_waits(Records((attempt,), notes)) is sign


def test_without_any_attempt_nothing_is_waited_for() -> None:
    assert outcome.why_it_waits(Records(notes=(GAVE_WAY,))) is None
