"""What an order is, and what its client is told about it: values only.

An OrderTicket is what the client sent, a BookedOrder what IBKR made of it, an Execution one fill. The
messages at the end carry the names of the TWS API; the order book gives them in the order in which
IBKR sends them.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class OrderAction(StrEnum):
    """Direction, in the TWS API's words."""

    BUY = "BUY"
    SELL = "SELL"
    NEITHER = ""
    """Whatever else a client sent: no such order is taken."""


class OrderStatus(StrEnum):
    """The states that this simulator gives an order, as orderStatus spells them."""

    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"


DONE = frozenset({OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.INACTIVE})

PRICED = frozenset({"LMT", "LOC", "LOO", "STP LMT"})
"""Order types with a limit price."""
STOPS = frozenset({"STP", "STP LMT"})
"""Order types that wait until the last price has come to their stop price."""
ON_CLOSE = frozenset({"MOC", "LOC"})
ON_OPEN = frozenset({"MOO", "LOO"})
"""The API's own form of these is MKT or LMT with the time in force OPG."""

OrderKey = tuple[str, int, int]
"""Login, client id, order id."""


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as the client sent it; prices are zero when the type has none.

    `login` is the first account of the gateway's login: order ids are counted for each login and client id,
    whichever of its accounts an order is for. Empty: the order's own account.
    """

    account: str
    client_id: int
    order_id: int
    con_id: int
    symbol: str
    action: OrderAction
    quantity: Decimal
    order_type: str
    limit_price: Decimal = ZERO
    aux_price: Decimal = ZERO
    tif: str = ""
    order_ref: str = ""
    exchange: str = "SMART"
    outside_rth: bool = False
    what_if: bool = False
    login: str = ""

    @property
    def key(self) -> OrderKey:
        """What the API knows the order by."""
        return (self.login or self.account, self.client_id, self.order_id)

    @property
    def on_open(self) -> bool:
        """Whether it takes part in the opening auction and in nothing else."""
        return self.tif == "OPG" or self.order_type in ON_OPEN

    @property
    def on_close(self) -> bool:
        """Whether it takes part in the closing auction and in nothing else."""
        return self.order_type in ON_CLOSE

    @property
    def sign(self) -> int:
        """1 for a purchase, -1 for a sale."""
        return 1 if self.action is OrderAction.BUY else -1


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """An order at IBKR; `slices` are quantities still to fill one by one before it is held.

    `auction` is when an on-open or on-close order is executed; `triggered` says that the stop price was met.
    """

    ticket: OrderTicket
    perm_id: int
    status: OrderStatus
    placed: dt.datetime
    filled: Decimal = ZERO
    average_price: Decimal = ZERO
    last_price: Decimal = ZERO
    commission: Decimal = ZERO
    reason: str = ""
    held: bool = False
    slices: tuple[Decimal, ...] = ()
    due: dt.datetime | None = None
    expires: dt.datetime | None = None
    auction: dt.datetime | None = None
    triggered: bool = False
    completed: dt.datetime | None = None

    @property
    def acting_type(self) -> str:
        """MKT or LMT where a stop has been met, else the order's own type."""
        if not self.triggered:
            return self.ticket.order_type
        return "LMT" if self.ticket.order_type == "STP LMT" else "MKT"

    @property
    def remaining(self) -> Decimal:
        """Shares not yet filled."""
        return self.ticket.quantity - self.filled

    @property
    def done(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in DONE

    def ended(self, status: OrderStatus, now: dt.datetime, reason: str = "") -> "BookedOrder":
        """The order in a terminal status."""
        return replace(self, status=status, completed=now, reason=reason, due=None)

    def with_fill(self, quantity: Decimal, price: Decimal, now: dt.datetime) -> "BookedOrder":
        """The order after a fill of `quantity` at `price`."""
        filled = self.filled + quantity
        spent = self.average_price * self.filled + price * quantity
        done = filled >= self.ticket.quantity
        return replace(
            self,
            filled=filled,
            average_price=spent / filled,
            last_price=price,
            status=OrderStatus.FILLED if done else OrderStatus.SUBMITTED,
            completed=now if done else None,
        )


def before_its_end(order: BookedOrder) -> BookedOrder:
    """As the order was before it was filled: what a status that comes late says."""
    return replace(order, status=OrderStatus.SUBMITTED, filled=ZERO, average_price=ZERO)


@dataclass(frozen=True, slots=True)
class Execution:
    """One fill; `number` counts all executions since the start."""

    number: int
    ticket: OrderTicket
    perm_id: int
    quantity: Decimal
    price: Decimal
    cumulative: Decimal
    average_price: Decimal
    commission: Decimal
    realized: Decimal | None
    at: dt.datetime

    @property
    def exec_id(self) -> str:
        """IBKR's form: account part, number, correction, leg."""
        return f"0000e0d5.{self.number:08x}.01.01"


@dataclass(frozen=True, slots=True)
class OpenOrderMessage:
    """openOrder, followed by orderStatus."""

    order: BookedOrder

    @property
    def ticket(self) -> OrderTicket:
        """The order as its client sent it."""
        return self.order.ticket


@dataclass(frozen=True, slots=True)
class OrderStatusMessage:
    """orderStatus alone."""

    order: BookedOrder

    @property
    def ticket(self) -> OrderTicket:
        """The order as its client sent it."""
        return self.order.ticket


@dataclass(frozen=True, slots=True)
class ExecDetailsMessage:
    """execDetails of a fill as it happens."""

    execution: Execution

    @property
    def ticket(self) -> OrderTicket:
        """The order as its client sent it."""
        return self.execution.ticket


@dataclass(frozen=True, slots=True)
class CommissionReportMessage:
    """commissionReport of a fill."""

    execution: Execution

    @property
    def ticket(self) -> OrderTicket:
        """The order as its client sent it."""
        return self.execution.ticket


@dataclass(frozen=True, slots=True)
class ErrorMessage:
    """An error or notice about an order."""

    ticket: OrderTicket
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class WhatIfMessage:
    """The answer to a what-if order: openOrder with the margins it would need; None leaves all unset."""

    order: BookedOrder
    margin: Decimal | None
    equity: Decimal

    @property
    def ticket(self) -> OrderTicket:
        """The order as its client sent it."""
        return self.order.ticket


OrderMessage = (
    OpenOrderMessage
    | OrderStatusMessage
    | ExecDetailsMessage
    | CommissionReportMessage
    | ErrorMessage
    | WhatIfMessage
)
