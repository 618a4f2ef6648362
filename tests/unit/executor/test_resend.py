"""Whether an order may be sent a second time: every proof by itself, and nothing that is missing."""

from dataclasses import fields, replace
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor_fakes import NOON, TERMS
from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.week import Calendar, DailySpan, DatedOutage, Weekday, WeekSpan, WeekTime
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderState
from ibgateway_executor.orders.resend import (
    ProofResult,
    ResendFacts,
    ResendProof,
    evidence_of,
    failing,
    may_resend,
    park,
    proofs,
    resend,
    resendable,
)

SENT = NOON
NOW = NOON + timedelta(seconds=90)
LOST = Order(
    "a",
    1,
    TERMS,
    accepted_at=NOON - timedelta(minutes=1),
    valid_until=NOON + timedelta(hours=4),
    state=OrderState.UNKNOWN,
    reason=OrderReason.NOT_FOUND_AT_BROKER,
    client_id=17,
    order_id=8,
    sent_at=SENT,
    position_at_sending=Decimal(30),
)
PROVEN = ResendFacts(
    policy=ResendPolicy.PROVEN,
    now=NOW,
    own_since=NOON - timedelta(days=3),
    client_id=17,
    connected_at=NOON + timedelta(seconds=5),
    sent_over_it=False,
    healthy_seconds=61.0,
    answer_seconds=0.4,
    login="LoggedIn",
    answered=True,
    shown=False,
    gateway_zone="America/New_York",
    calendar=Calendar(),
    position=Decimal(30),
    executions=0,
    foreign_orders=0,
    offered_id=8,
    acknowledged_id=7,
    resubmits=False,
    gate="",
    obstacle="",
)
EVENING = datetime(2026, 11, 24, 4, 30, tzinfo=UTC)
"""Half past eleven in New York."""


def judged(order: Order = LOST, facts: ResendFacts = PROVEN) -> tuple[bool, tuple[str, ...]]:
    made = proofs(order, facts)
    return may_resend(made), failing(made)


def test_where_everything_is_proven_it_is_sent_once_more() -> None:
    assert judged() == (True, ())


def test_each_proof_is_made_once_and_in_its_order() -> None:
    assert [result.proof for result in proofs(LOST, PROVEN)] == list(ResendProof)
    assert [result.proof for result in proofs(LOST, ResendFacts())] == list(ResendProof)


ORDERS: list[tuple[str, dict[str, Any]]] = [
    ("parked", {"state": OrderState.SENDING, "reason": ""}),
    ("parked", {"reason": OrderReason.CONNECTION_LOST}),
    ("parked", {"state": OrderState.WORKING, "reason": ""}),
    ("neverResent", {"resent_at": NOON}),
    ("nothingTold", {"perm_id": 900}),
    ("nothingTold", {"filled": Decimal(1)}),
    ("nothingTold", {"broker_message": "103: Duplicate order id"}),
    ("stillWanted", {"cancel_requested": True}),
    ("stillWanted", {"replaced_by": "b"}),
    ("stillWanted", {"resolution": "notAtBroker"}),
    ("clientId", {"client_id": 18}),
    ("samePosition", {"position_at_sending": None}),
    ("samePosition", {"position_at_sending": Decimal(20)}),
]


@pytest.mark.parametrize(("proof", "change"), ORDERS)
def test_what_an_order_is_may_forbid_it(proof: str, change: dict[str, Any]) -> None:
    assert judged(replace(LOST, **change)) == (False, (proof,))


FACTS: list[tuple[str, dict[str, Any]]] = [
    ("policy", {"policy": ResendPolicy.NEVER}),
    ("ledger", {"own_since": SENT}),
    ("ledger", {"own_since": NOON + timedelta(days=9)}),
    ("clientId", {"client_id": 18}),
    ("reconnected", {"connected_at": SENT}),
    ("reconnected", {"sent_over_it": True}),
    ("settled", {"healthy_seconds": 59.9}),
    ("login", {"login": "SessionConflict"}),
    ("answered", {"answered": False}),
    ("answered", {"answer_seconds": 10.1}),
    ("answered", {"answer_seconds": -0.1}),
    ("notShown", {"shown": True}),
    ("samePosition", {"position": Decimal(40)}),
    ("samePosition", {"position": Decimal(20)}),
    ("nothingTraded", {"executions": 1}),
    ("noForeignOrders", {"foreign_orders": 1}),
    ("nextValidId", {"offered_id": 9}),
    ("acknowledgedId", {"acknowledged_id": 8}),
    ("acknowledgedId", {"acknowledged_id": 30}),
    ("acknowledgedId", {"offered_id": 7}),
    ("acknowledgedId", {"offered_id": 1}),
    ("resubmitOff", {"resubmits": True}),
    ("gate", {"gate": "Paused"}),
    ("marketRules", {"obstacle": "ValidityEnded"}),
]


@pytest.mark.parametrize(("proof", "change"), FACTS)
def test_each_proof_by_itself_forbids_it(proof: str, change: dict[str, Any]) -> None:
    assert judged(facts=replace(PROVEN, **change)) == (False, (proof,))


def test_the_tables_have_every_proof() -> None:
    here = {proof for proof, _ in (*ORDERS, *FACTS)}
    assert here | {"sameDay", "noReset"} == {proof.value for proof in ResendProof}


@pytest.mark.parametrize("name", [field.name for field in fields(ResendFacts)])
def test_what_is_not_known_forbids_it(name: str) -> None:
    assert not judged(facts=replace(PROVEN, **{name: None}))[0]


@pytest.mark.parametrize(
    ("sent", "now", "zone", "proof"),
    [
        (EVENING, EVENING + timedelta(minutes=40), "America/New_York", ("sameDay",)),
        (NOON, NOON + timedelta(days=1), "America/New_York", ("sameDay",)),
        (NOON, NOON + timedelta(minutes=5), "Asia/Tokyo", ()),
        (NOON - timedelta(hours=3), NOON, "Asia/Tokyo", ("sameDay",)),
        (NOON, NOON + timedelta(minutes=5), "Nowhere/At_All", ("sameDay",)),
        (NOON, NOON - timedelta(seconds=1), "America/New_York", ("sameDay", "noReset")),
    ],
)
def test_it_has_to_be_the_day_of_both_lists(
    sent: datetime, now: datetime, zone: str, proof: tuple[str, ...]
) -> None:
    order = replace(LOST, sent_at=sent)
    facts = replace(
        PROVEN,
        now=now,
        gateway_zone=zone,
        connected_at=sent + timedelta(seconds=5),
        calendar=Calendar(outages=(), resets=()),
    )
    assert judged(order, facts)[1] == proof


NIGHTLY = DailySpan(start=time(12, 1), seconds=5, name="short")
WEEKLY = WeekSpan(
    start=WeekTime(weekday=Weekday.MONDAY, at=time(12, 1)), seconds=5, name="short too"
)
ONCE = DatedOutage(start=NOON + timedelta(seconds=60), end=NOON + timedelta(seconds=65), name="x")


@pytest.mark.parametrize(
    "calendar",
    [
        Calendar(outages=(), resets=(NIGHTLY,)),
        Calendar(outages=(WEEKLY,), resets=()),
        Calendar(outages=(), resets=(), dated_outages=(ONCE,)),
    ],
    ids=["nightly", "weekly", "once"],
)
@pytest.mark.parametrize(
    ("sent", "now", "meets"),
    [(0, 90, True), (0, 60, True), (62, 63, True), (66, 90, False), (0, 59, False)],
)
def test_no_reset_of_ibkrs_may_lie_between(
    calendar: Calendar, sent: int, now: int, meets: bool
) -> None:
    order = replace(LOST, sent_at=NOON + timedelta(seconds=sent))
    facts = replace(
        PROVEN,
        calendar=calendar,
        now=NOON + timedelta(seconds=now),
        connected_at=NOON + timedelta(seconds=now),
    )
    assert judged(order, facts) == (not meets, ("noReset",) if meets else ())


def test_a_contract_without_a_number_is_proven_nothing_about() -> None:
    order = replace(LOST, terms=replace(TERMS, contract=Contract(symbol="AAPL")))
    assert judged(order) == (False, ("samePosition", "nothingTraded", "noForeignOrders"))


def test_an_order_that_is_younger_than_the_copy_is_in_none() -> None:
    assert judged(facts=replace(PROVEN, own_since=SENT - timedelta(microseconds=1)))[0]


BAD: dict[str, list[Any]] = {
    "policy": [ResendPolicy.NEVER],
    "now": [NOON + timedelta(days=1), NOON - timedelta(1)],
    "client_id": [0, 16],
    "connected_at": [NOON, NOON - timedelta(hours=1)],
    "sent_over_it": [True],
    "healthy_seconds": [-1.0, 0.0, 59.0, float("nan")],
    "answer_seconds": [11.0, float("inf"), float("nan")],
    "login": ["", "Unknown"],
    "answered": [False],
    "shown": [True],
    "gateway_zone": ["", "Mars/Base"],
    "position": [Decimal(29), Decimal("NaN")],
    "executions": [1, -1],
    "foreign_orders": [2, -1],
    "offered_id": [0, -5, 9],
    "acknowledged_id": [8, 9],
    "resubmits": [True],
    "gate": ["Paused"],
    "obstacle": ["MarketClosed"],
}


@given(
    st.dictionaries(st.sampled_from(sorted(BAD)), st.integers(min_value=0), min_size=1),
    st.data(),
)
def test_nothing_that_is_missing_or_wrong_is_made_up_for_by_the_rest(
    broken: dict[str, int], data: st.DataObject
) -> None:
    wrong = {
        name: ([None, *BAD[name]])[number % (len(BAD[name]) + 1)] for name, number in broken.items()
    }
    made = proofs(LOST, replace(PROVEN, **wrong))
    assert not may_resend(made)
    kept = data.draw(st.lists(st.sampled_from(made), unique=True))
    assert not may_resend(kept)


def test_a_part_of_the_proofs_is_no_proof() -> None:
    made = proofs(LOST, PROVEN)
    assert all(not may_resend(made[:n] + made[n + 1 :]) for n in range(len(made)))
    assert not may_resend(())


def test_the_evidence_has_every_proof_with_what_it_was_seen_by() -> None:
    told = evidence_of(proofs(LOST, replace(PROVEN, resubmits=None)))
    assert told["nextValidId"] == {"holds": True, "value": "8 for 8"}
    assert told["samePosition"] == {"holds": True, "value": "30 then, 30 now"}
    assert told["settled"] == {"holds": True, "value": "61.0 s"}
    assert told["resubmitOff"] == {"holds": False, "value": "not known"}
    assert list(told) == [proof.value for proof in ResendProof]


def test_the_second_sending_has_the_ids_of_the_first_and_is_the_last() -> None:
    again = resend(LOST, at=NOW)
    assert again == replace(LOST, state=OrderState.SENDING, reason="", message="", resent_at=NOW)
    assert (again.order_ref, again.order_id, again.sent_at) == (LOST.order_ref, 8, SENT)
    lost_again = park(again, message="not written")
    assert (lost_again.state, lost_again.reason) == ("Unknown", "NotFoundAtBroker")
    with pytest.raises(IllegalMoveError, match="sent twice already"):
        resend(lost_again, at=NOW)
    assert not resendable(lost_again)
    assert resendable(LOST)


@pytest.mark.parametrize("change", [change for _, change in ORDERS[:3] + ORDERS[4:10]])
def test_the_step_itself_refuses_what_must_not_be_sent(change: dict[str, Any]) -> None:
    with pytest.raises(IllegalMoveError, match="must not be sent again"):
        resend(replace(LOST, **change), at=NOW)


def test_a_result_is_known_by_its_proof() -> None:
    assert failing([ProofResult(ResendProof.GATE, holds=False, value="Paused")]) == ("gate",)
