"""Whether an order that was lost on the way may be sent once more, and the steps of that. Pure.

Nothing is concluded from silence alone: each proof is something that was told, and one that fails or that nobody knows parks the
order as before. docs/decisions/0045-a-second-sending.md says what each one is for.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.week import NEW_YORK, Calendar
from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import (
    Order,
    OrderReason,
    OrderState,
    move,
    parked,
)

SETTLED_SECONDS: Final = 60.0
"""For so long the link must have been good when the broker was asked: its lists lag behind a reconnect."""
FRESH_SECONDS: Final = 10.0
"""Answers that are older are not of now."""


class ResendProof(StrEnum):
    """What has to be so, each by itself, before an order is sent a second time."""

    POLICY = "policy"
    PARKED = "parked"
    NEVER_RESENT = "neverResent"
    NOTHING_TOLD = "nothingTold"
    STILL_WANTED = "stillWanted"
    LEDGER = "ledger"
    CLIENT_ID = "clientId"
    RECONNECTED = "reconnected"
    SETTLED = "settled"
    LOGIN = "login"
    ANSWERED = "answered"
    NOT_SHOWN = "notShown"
    SAME_DAY = "sameDay"
    NO_RESET = "noReset"
    SAME_POSITION = "samePosition"
    NOTHING_TRADED = "nothingTraded"
    NO_FOREIGN_ORDERS = "noForeignOrders"
    NEXT_VALID_ID = "nextValidId"
    ACKNOWLEDGED_ID = "acknowledgedId"
    RESUBMIT_OFF = "resubmitOff"
    GATE = "gate"
    MARKET_RULES = "marketRules"


@dataclass(frozen=True)
class ResendFacts:
    """What is known when it is decided. None, which is the default of each, is not known.

    Seconds are monotonic. `policy` is the setting, `client_id` that of the connection, which was made at `connected_at` and over which
    the order was written where `sent_over_it`. `healthy_seconds`: for so long the link had been good when the broker was asked,
    `answer_seconds` ago. `answered`: all three questions, twice. `shown`: an answer has what may be the order. `gateway_zone` is the
    gateway's own zone, in which its lists begin at midnight. `position` is of now, `executions` and `foreign_orders` count those on the
    order's contract and account: executions since it was sent, by whomever, and open orders that are none of ours. `offered_id` is
    nextValidId as this connection was told it, `acknowledged_id` the highest that the broker has ever told us of. `resubmits` is IBKR's
    "Maintain and resubmit orders when connection is restored". `own_since` is the last start at which the ledger was or may have been a
    copy of an earlier one. `gate` and `obstacle` say what holds the order, empty where nothing does.
    """

    policy: ResendPolicy | None = None
    now: datetime | None = None
    own_since: datetime | None = None
    client_id: int | None = None
    connected_at: datetime | None = None
    sent_over_it: bool | None = None
    healthy_seconds: float | None = None
    answer_seconds: float | None = None
    login: str | None = None
    answered: bool | None = None
    shown: bool | None = None
    gateway_zone: str | None = None
    calendar: Calendar | None = None
    position: Decimal | None = None
    executions: int | None = None
    foreign_orders: int | None = None
    offered_id: int | None = None
    acknowledged_id: int | None = None
    resubmits: bool | None = None
    gate: str | None = None
    obstacle: str | None = None


@dataclass(frozen=True)
class ProofResult:
    """One proof, whether it holds, and what it was seen by."""

    proof: ResendProof
    holds: bool
    value: str


def proofs(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    """Every proof with its value, in the order of `ResendProof`."""
    return (
        *_of_the_order(order, facts),
        *_of_the_connection(order, facts),
        *_of_the_day(order, facts),
        *_of_the_account(order, facts),
        *_of_the_ids(order, facts),
        _result(ResendProof.RESUBMIT_OFF, facts.resubmits is False, facts.resubmits),
        _result(ResendProof.GATE, facts.gate == "", _or_open(facts.gate)),
        _result(ResendProof.MARKET_RULES, facts.obstacle == "", _or_open(facts.obstacle)),
    )


def may_resend(results: Iterable[ProofResult]) -> bool:
    """Whether every proof there is was made and holds."""
    made = tuple(results)
    return all(result.holds for result in made) and {r.proof for r in made} == set(ResendProof)


def failing(results: Iterable[ProofResult]) -> tuple[str, ...]:
    """The proofs that do not hold, by name."""
    return tuple(result.proof.value for result in results if not result.holds)


def evidence_of(results: Iterable[ProofResult]) -> dict[str, dict[str, object]]:
    """The proofs for the order's history: each with whether it holds and its value."""
    return {r.proof.value: {"holds": r.holds, "value": r.value} for r in results}


def resend(order: Order, *, at: datetime) -> Order:
    """On its way a second time, with the ids it has; the only step from Unknown to Sending, and not one of `MOVES`.

    IllegalMoveError for any but a parked order of which the broker never told anything, and the second time for each.
    """
    if not (parked(order) and _untold(order) and _wanted(order) and order.order_id > 0):
        raise IllegalMoveError(f"order {order.id} must not be sent again")
    if order.resent_at is not None:
        raise IllegalMoveError(f"order {order.id} was sent twice already")
    return replace(order, state=OrderState.SENDING, reason="", message="", resent_at=at)


def park(order: Order, *, message: str) -> Order:
    """A second sending of which no byte was written: parked as before, and its second time is used up.

    IllegalMoveError where the broker has told something meanwhile.
    """
    if order.state is not OrderState.SENDING:
        raise IllegalMoveError(f"order {order.id} is {order.state}, and not on its way")
    return move(order, OrderState.UNKNOWN, reason=OrderReason.NOT_FOUND_AT_BROKER, message=message)


def resendable(order: Order) -> bool:
    """Whether it is worth asking the broker for the proofs."""
    return parked(order) and order.resent_at is None and _untold(order) and _wanted(order)


def _of_the_order(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    return (
        _result(ResendProof.POLICY, facts.policy is ResendPolicy.PROVEN, facts.policy),
        _result(ResendProof.PARKED, parked(order), f"{order.state.value} {order.reason}".strip()),
        _result(ResendProof.NEVER_RESENT, order.resent_at is None, order.resent_at or "never"),
        _result(ResendProof.NOTHING_TOLD, _untold(order), _told(order)),
        _result(ResendProof.STILL_WANTED, _wanted(order), _wanted(order)),
        _result(ResendProof.LEDGER, _original(order, facts), facts.own_since),
    )


def _of_the_connection(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    ours = order.client_id > 0 and facts.client_id == order.client_id
    healthy, age = facts.healthy_seconds, facts.answer_seconds
    anew = facts.sent_over_it is False and _later(facts.connected_at, order.sent_at)
    settled = healthy is not None and healthy >= SETTLED_SECONDS
    answered = facts.answered is True and age is not None and 0 <= age <= FRESH_SECONDS
    return (
        _result(ResendProof.CLIENT_ID, ours, facts.client_id),
        _result(ResendProof.RECONNECTED, anew, facts.connected_at),
        _result(ResendProof.SETTLED, settled, _seconds(healthy)),
        _result(ResendProof.LOGIN, facts.login == "LoggedIn", facts.login),
        _result(ResendProof.ANSWERED, answered, f"{facts.answered} {_seconds(age)}"),
        _result(ResendProof.NOT_SHOWN, facts.shown is False, facts.shown),
    )


def _of_the_day(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    sent, now = order.sent_at, facts.now
    same = sent is not None and now is not None and _same_day(sent, now, facts.gateway_zone)
    between = f"{sent and sent.isoformat()} to {now and now.isoformat()}"
    reset = _reset_between(facts.calendar, sent, now)
    return (
        _result(ResendProof.SAME_DAY, same, f"{between} {facts.gateway_zone}"),
        _result(ResendProof.NO_RESET, reset is False, reset),
    )


def _of_the_account(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    before, known = order.position_at_sending, order.terms.contract.con_id > 0
    same = known and before is not None and facts.position == before
    return (
        _result(ResendProof.SAME_POSITION, same, f"{before} then, {facts.position} now"),
        _result(ResendProof.NOTHING_TRADED, known and facts.executions == 0, facts.executions),
        _result(
            ResendProof.NO_FOREIGN_ORDERS, known and facts.foreign_orders == 0, facts.foreign_orders
        ),
    )


def _of_the_ids(order: Order, facts: ResendFacts) -> tuple[ProofResult, ...]:
    """nextValidId has to be one that the gateway may mean: above all that it has acknowledged, and not above the lost one."""
    offered, told = facts.offered_id, facts.acknowledged_id
    never_seen = offered is not None and 0 < offered <= order.order_id
    below = told is not None and offered is not None and told < min(offered, order.order_id)
    return (
        _result(ResendProof.NEXT_VALID_ID, never_seen, f"{offered} for {order.order_id}"),
        _result(ResendProof.ACKNOWLEDGED_ID, below, told),
    )


def _result(proof: ResendProof, holds: bool, value: object) -> ProofResult:  # noqa: FBT001 - one line a proof
    if isinstance(value, datetime):
        value = value.isoformat()
    return ProofResult(proof, holds, "not known" if value is None else str(value))


def _or_open(obstacle: str | None) -> str | None:
    return "open" if obstacle == "" else obstacle


def _seconds(value: float | None) -> str:
    return "not known" if value is None else f"{value:.1f} s"


def _untold(order: Order) -> bool:
    return not (order.perm_id or order.filled or order.broker_message)


def _told(order: Order) -> str:
    if _untold(order):
        return "nothing"
    return f"permId {order.perm_id}, {order.filled} filled, {order.broker_message}".strip(", ")


def _wanted(order: Order) -> bool:
    """Nobody has cancelled, replaced or resolved it since."""
    return not (order.cancel_requested or order.replaced_by or order.resolution)


def _original(order: Order, facts: ResendFacts) -> bool:
    """Whether the once-only mark can't be missing because this ledger is a copy of one that had it."""
    return _later(order.sent_at, facts.own_since)


def _later(at: datetime | None, than: datetime | None) -> bool:
    return at is not None and than is not None and at > than


def _same_day(sent: datetime, now: datetime, zone: str | None) -> bool:
    """Whether no midnight lies between them, in New York and where the gateway's lists begin."""
    if zone is None or now < sent:
        return False
    try:
        zones = (NEW_YORK, ZoneInfo(zone))
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return all(sent.astimezone(of).date() == now.astimezone(of).date() for of in zones)


def _reset_between(
    calendar: Calendar | None, sent: datetime | None, now: datetime | None
) -> bool | None:
    """Whether IBKR had announced a reset or an outage for any moment between; None where that can't be told."""
    if calendar is None or sent is None or now is None or now < sent:
        return None
    return calendar.announced_between(sent, now)
