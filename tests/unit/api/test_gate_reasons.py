"""The gate: open on fresh proof alone, and the reason it names when it is closed."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.gate import Closed, GateReason, Hold, Open, gate
from ibgateway_api.login import Login, LoginState
from ibgateway_api.reports import HoldReport
from ibgateway_api.week import Window

T0 = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)
SHUT = Window(open=False, boundary=T0, counts_from=T0, restart=T0, opens=T0)
OPENED = Window(open=True, boundary=T0, counts_from=T0, restart=T0, opens=T0)
IN = Login(state=LoginState.LOGGED_IN, since=T0)
SUSPENDED = Hold(GateReason.SUSPENDED)
STOP = Hold(GateReason.PLANNED_STOP)


def test_fresh_proof_opens_it() -> None:
    assert Open() == gate(IN, age_of_news=0.2, week=SHUT, holds=())


CLOSED = [
    ("never heard", None, 0.0, SHUT, (), "NoNews"),
    ("not heard for six seconds", IN, 6.0, SHUT, (), "NoNews"),
    ("the window", IN, 0.1, OPENED, (), "RestartWindow"),
    ("a hold", IN, 0.1, SHUT, (SUSPENDED,), "Suspended"),
    ("the first hold is named", IN, 0.1, SHUT, (STOP, SUSPENDED), "PlannedStop"),
    ("the window goes before a hold", IN, 0.1, OPENED, (SUSPENDED,), "RestartWindow"),
    *(
        (f"{state} with everything else fine", Login(state=state, since=T0), 0.1, SHUT, (), state)
        for state in LoginState
        if state is not LoginState.LOGGED_IN
    ),
]


@pytest.mark.parametrize(
    ("login", "age", "week", "holds", "reason"), [c[1:] for c in CLOSED], ids=[c[0] for c in CLOSED]
)
def test_it_is_closed_by(
    login: Login | None, age: float, week: Window, holds: tuple[Hold, ...], reason: str
) -> None:
    seen = gate(login, age_of_news=age, week=week, holds=holds)
    assert isinstance(seen, Closed)
    assert reason == seen.reason
    assert seen.message


@pytest.mark.parametrize("reason", GateReason)
def test_every_hold_is_told_in_words(reason: GateReason) -> None:
    seen = gate(IN, age_of_news=0.1, week=SHUT, holds=(Hold(reason),))
    assert isinstance(seen, Closed)
    assert len(seen.message.removeprefix("trading is held: ").split()) >= 3


def test_a_clock_that_differs_is_told_with_what_to_do() -> None:
    seen = gate(IN, age_of_news=0.1, week=SHUT, holds=(Hold(GateReason.CLOCK_SKEW),))
    assert isinstance(seen, Closed)
    assert seen.message == (
        "trading is held: the node's clock is more than five seconds off IBKR's: set it right (NTP)"
    )


def test_a_hold_of_another_version_holds_all_the_same() -> None:
    newer = HoldReport.model_validate({"reason": "Handover", "until": None})
    assert newer.as_hold() == Hold(GateReason.HELD)
    assert HoldReport.model_validate({"reason": "Suspended"}).reason is GateReason.SUSPENDED
