"""One order from its acceptance to its end at the broker. Pure and frozen.

`MOVES` is the whole state machine. Once a byte of an order may have left, only a report of the broker
ends it; before that the executor may end it. Quantities are whole shares, prices `Decimal` in the
contract's currency, times aware UTC.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ibgateway_executor.errors import IllegalMoveError

REF_PREFIX: Final = "ibg-"
"""An orderRef that begins like this was sent by an executor, of this ledger or of another one."""
REF_LIMIT: Final = 32
"""Longest orderRef that is known to come back whole; ASCII only."""


class OrderState(StrEnum):
    """Where an order stands."""

    ACCEPTED = "Accepted"
    WAITING = "Waiting"
    SENDING = "Sending"
    WORKING = "Working"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    REJECTED = "Rejected"
    EXPIRED = "Expired"
    UNKNOWN = "Unknown"
    UNVERIFIED = "Unverified"


UNSENT: Final = frozenset({OrderState.ACCEPTED, OrderState.WAITING})
"""Nothing of the order has left: the executor alone decides."""
TERMINAL: Final = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
        OrderState.UNVERIFIED,
    }
)
"""Nothing more is done by itself; a report of the broker may still correct it."""

_BY_BROKER: Final = frozenset(
    {OrderState.WORKING, OrderState.FILLED, OrderState.CANCELLED, OrderState.REJECTED}
)
UNCERTAIN: Final = frozenset({OrderState.UNKNOWN, OrderState.UNVERIFIED})
"""Nobody knows what became of the order: a person may have to look."""
_BY_US: Final = frozenset(
    {
        OrderState.WAITING,
        OrderState.SENDING,
        OrderState.CANCELLED,
        OrderState.REJECTED,
        OrderState.EXPIRED,
    }
)

MOVES: Final[dict[OrderState, frozenset[OrderState]]] = {
    OrderState.ACCEPTED: _BY_US,
    OrderState.WAITING: _BY_US,
    OrderState.SENDING: _BY_BROKER | UNCERTAIN | {OrderState.WAITING},
    OrderState.WORKING: _BY_BROKER | UNCERTAIN,
    OrderState.UNKNOWN: _BY_BROKER | UNCERTAIN,
    OrderState.UNVERIFIED: _BY_BROKER,
    OrderState.CANCELLED: frozenset({OrderState.FILLED}),
    OrderState.REJECTED: frozenset({OrderState.FILLED}),
    OrderState.FILLED: frozenset(),
    OrderState.EXPIRED: frozenset(),
}
"""Allowed steps. Sending -> Waiting only where no byte was written, by the process that knows it.
A fill outranks a cancel or a reject that crossed it."""


class OrderReason(StrEnum):
    """Why an order waits or ended, beside the gate's reasons."""

    NONE = ""
    CONTRACT_UNRESOLVED = "ContractUnresolved"
    MARKET_CLOSED = "MarketClosed"
    NOT_BEFORE = "NotBefore"
    CUT_OFF_PASSED = "CutOffPassed"
    HOURS_UNKNOWN = "HoursUnknown"
    NO_PRICE = "NoPrice"
    ONE_AT_A_TIME = "OneAtATime"
    BEHIND_EARLIER = "BehindEarlierOrder"
    BEHIND_UNKNOWN = "BehindUnknownOrder"
    UNKNOWN_ACCOUNT = "UnknownAccount"
    UNKNOWN_CONTRACT = "UnknownContract"
    AMBIGUOUS_CONTRACT = "AmbiguousContract"
    CONTRADICTING_CONTRACT = "ContradictingContract"
    UNSUPPORTED_CONTRACT = "UnsupportedContract"
    ORDER_VALUE_LIMIT = "OrderValueLimit"
    SYMBOL_NOT_ALLOWED = "SymbolNotAllowed"
    PRICE_COLLAR = "PriceCollar"
    SHORT_SALE = "ShortSale"
    POSITION_UNKNOWN = "PositionUnknown"
    POSITION_TOO_SMALL = "PositionTooSmall"
    DAILY_ORDER_LIMIT = "DailyOrderLimit"
    ACTIVE_ORDER_LIMIT = "ActiveOrderLimit"
    REPLACED_WORKS = "ReplacedOrderWorks"
    CANNOT_REPLACE = "CannotReplace"
    NOTHING_LEFT = "NothingLeft"
    VALIDITY_ENDED = "ValidityEnded"
    CANCELLED_BY_CLIENT = "CancelledByClient"
    CANCELLED_BY_BROKER = "CancelledByBroker"
    REJECTED_BY_BROKER = "RejectedByBroker"
    EXECUTOR_RESTARTED = "ExecutorRestarted"
    CONNECTION_LOST = "ConnectionLost"
    NO_ACKNOWLEDGEMENT = "NoAcknowledgement"
    AMBIGUOUS_ANSWER = "AmbiguousAnswer"
    NOT_FOUND_AT_BROKER = "NotFoundAtBroker"
    RESOLVED = "ResolvedByPerson"
    LEDGER_RESTORED = "LedgerMayBeRestored"


class Side(StrEnum):
    """Direction, in IBKR's words."""

    BUY = "BUY"
    SELL = "SELL"


class OrderType(StrEnum):
    """Order types of this version, in IBKR's words."""

    MARKET = "MKT"
    LIMIT = "LMT"
    STOP = "STP"
    STOP_LIMIT = "STP LMT"
    MARKET_ON_CLOSE = "MOC"
    LIMIT_ON_CLOSE = "LOC"


class TimeInForce(StrEnum):
    """How long the broker keeps the order; `OPG` is for the opening auction alone."""

    DAY = "DAY"
    GTC = "GTC"
    IOC = "IOC"
    OPG = "OPG"


class Priority(StrEnum):
    """Which orders go first where their lanes allow it."""

    HIGH = "high"
    NORMAL = "normal"


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as the client named it; `con_id` 0 until it is resolved."""

    con_id: int = 0
    symbol: str = ""
    sec_type: str = "STK"
    exchange: str = "SMART"
    currency: str = "USD"
    primary_exchange: str = ""
    multiplier: str = ""
    """What one contract is a multiple of, in the broker's words; empty for one."""

    def __str__(self) -> str:
        return self.symbol or f"conId {self.con_id}"


@dataclass(frozen=True, slots=True)
class OrderTerms:
    """What the client ordered. `account` is empty until it is resolved.

    `limit_price` and `stop_price` are None for types without one. `outside_regular_hours`: may be
    executed before and after the regular session too, so its contract's trading hours count.
    """

    account: str
    contract: Contract
    side: Side
    quantity: int
    order_type: OrderType
    limit_price: Decimal | None = None
    time_in_force: TimeInForce = TimeInForce.DAY
    stop_price: Decimal | None = None
    outside_regular_hours: bool = False


@dataclass(frozen=True, slots=True)
class Order:
    """One order. `sequence` is the order of acceptance; `order_id` 0 before one is reserved.

    `valid_until` is the last moment at which it may be sent; `valid_by_default` until a person's
    choice or the contract's session has set it. `filled` and `average_price` are the broker's
    cumulative figures, `broker_message` is the last error or notice it gave, in its own words.
    `resolution` and `note` are a person's, of an order whose fate was in doubt. `not_before` is the first
    moment at which it may be sent; `market_closed` empty where the gateway's setting counts;
    `client_reference` is the caller's own text. `replaces` and `replaced_by` are ids; while `awaits_end` the replaced
    order has not ended, and the quantity is the whole one. `rebalance` is the id of the rebalance that placed it: a sale of one never goes
    below zero, whatever is allowed. `position_at_sending` is what the account held of the contract
    when its id was reserved, None where the broker had not told; `resent_at` is when it was sent the second time, which is the last.
    """

    id: str
    sequence: int
    terms: OrderTerms
    accepted_at: datetime
    valid_until: datetime
    valid_by_default: bool = False
    state: OrderState = OrderState.ACCEPTED
    reason: str = ""
    message: str = ""
    client_id: int = 0
    order_id: int = 0
    perm_id: int = 0
    sent_at: datetime | None = None
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    cancel_requested: bool = False
    broker_message: str = ""
    resolution: str = ""
    note: str = ""
    updated_at: datetime | None = None
    not_before: datetime | None = None
    market_closed: str = ""
    priority: Priority = Priority.NORMAL
    client_reference: str = ""
    replaces: str = ""
    replaced_by: str = ""
    awaits_end: bool = False
    rebalance: str = ""
    position_at_sending: Decimal | None = None
    resent_at: datetime | None = None

    @property
    def begins_at(self) -> datetime:
        """From when on it may be sent."""
        return max(self.accepted_at, self.not_before or self.accepted_at)

    @property
    def order_ref(self) -> str:
        """What the broker echoes; derived from the order, so a restart computes the same."""
        return order_ref(self.id)

    @property
    def never_sent(self) -> bool:
        """This ledger never gave it an order id, nor has the broker been seen to have it."""
        return not self.order_id and not self.perm_id and self.sent_at is None

    @property
    def terminal(self) -> bool:
        """Nothing more is done by itself."""
        return self.state in TERMINAL

    @property
    def unacknowledged(self) -> bool:
        """The broker may have it and has not said so; a parked one is not waited for any more."""
        if self.state is OrderState.SENDING:
            return True
        return self.state is OrderState.UNKNOWN and not parked(self)


def order_ref(order_uid: str) -> str:
    """The order's orderRef: at most 32 ASCII characters."""
    return f"{REF_PREFIX}{order_uid}"[:REF_LIMIT]


def move(order: Order, state: OrderState, *, reason: str = "", message: str = "") -> Order:
    """The order in `state`; IllegalMoveError where `MOVES` does not allow it."""
    if state not in MOVES[order.state]:
        raise IllegalMoveError(f"order {order.id} can't go from {order.state} to {state}")
    return replace(order, state=state, reason=reason, message=message)


def reserve(
    order: Order,
    *,
    order_id: int,
    client_id: int,
    at: datetime,
    position: Decimal | None = None,
) -> Order:
    """The order on its way to the broker, with the ids it will use.

    IllegalMoveError also where the order that it replaces has not ended: two would be alive.
    """
    if order.awaits_end:
        raise IllegalMoveError(f"order {order.id} waits for the end of order {order.replaces}")
    sending = move(order, OrderState.SENDING)
    return replace(
        sending, order_id=order_id, client_id=client_id, sent_at=at, position_at_sending=position
    )


def parked(order: Order) -> bool:
    """Whether the broker was asked about an order of unknown fate and has shown nothing of it."""
    return order.state is OrderState.UNKNOWN and order.reason == OrderReason.NOT_FOUND_AT_BROKER


def unsend(order: Order, *, reason: str, message: str) -> Order:
    """Back from Sending because no byte was written; the ids are never used again."""
    waiting = move(order, OrderState.WAITING, reason=reason, message=message)
    return replace(waiting, order_id=0, client_id=0, sent_at=None, position_at_sending=None)


def cancel(order: Order) -> Order:
    """The client's cancel: ends an unsent order, is noted for one the broker has or may have."""
    if order.state in UNSENT:
        return move(
            order,
            OrderState.CANCELLED,
            reason=OrderReason.CANCELLED_BY_CLIENT,
            message="cancelled before it was sent",
        )
    if order.terminal or order.state is OrderState.UNKNOWN:
        return order
    return replace(order, cancel_requested=True)


def cancel_wherever(order: Order) -> Order:
    """As `cancel`; one whose fate is not known is to be cancelled once it is found."""
    if order.state is OrderState.UNKNOWN:
        return replace(order, cancel_requested=True)
    return cancel(order)


def expire(order: Order, now: datetime) -> Order:
    """Expired when it is unsent and its validity has ended; else unchanged."""
    if order.state not in UNSENT or now < order.valid_until:
        return order
    return move(
        order,
        OrderState.EXPIRED,
        reason=OrderReason.VALIDITY_ENDED,
        message=f"not sent by {order.valid_until.isoformat()}: {order.message or 'no chance to send it'}",
    )
