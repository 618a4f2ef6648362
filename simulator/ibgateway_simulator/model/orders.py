"""What an order is, and what happens to it: values only.

A Ticket is what the client sent. An Order is what IBKR made of it. Effects are what the clients
of that order are told, in the order in which IBKR tells them.
"""

import datetime as dt
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Literal

ZERO = Decimal(0)

Status = Literal[
    "PendingSubmit", "PreSubmitted", "Submitted", "Filled", "Cancelled", "ApiCancelled", "Inactive"
]
DONE: frozenset[Status] = frozenset({"Filled", "Cancelled", "ApiCancelled", "Inactive"})

Key = tuple[str, int, int]
"""Account, client id, order id."""


@dataclass(frozen=True, slots=True)
class OrderTicket:
    """An order as the client sent it; prices are zero when the type has none."""

    account: str
    client_id: int
    order_id: int
    con_id: int
    symbol: str
    action: Literal["BUY", "SELL"]
    quantity: Decimal
    order_type: str
    limit: Decimal = ZERO
    aux: Decimal = ZERO
    tif: str = ""
    order_ref: str = ""
    exchange: str = "SMART"
    outside_rth: bool = False
    what_if: bool = False

    @property
    def key(self) -> Key:
        """What the API knows the order by."""
        return (self.account, self.client_id, self.order_id)

    @property
    def sign(self) -> int:
        """1 for a purchase, -1 for a sale."""
        return 1 if self.action == "BUY" else -1


@dataclass(frozen=True, slots=True)
class BookedOrder:
    """An order at IBKR; `slices` are quantities still to fill one by one before it is held."""

    ticket: OrderTicket
    perm_id: int
    status: Status
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
    completed: dt.datetime | None = None

    @property
    def remaining(self) -> Decimal:
        """Shares not yet filled."""
        return self.ticket.quantity - self.filled

    @property
    def done(self) -> bool:
        """Whether nothing can happen to it any more."""
        return self.status in DONE

    def ended(self, status: Status, now: dt.datetime, reason: str = "") -> "BookedOrder":
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
            status="Filled" if done else "Submitted",
            completed=now if done else None,
        )


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
class Changed:
    """openOrder followed by orderStatus."""

    order: BookedOrder


@dataclass(frozen=True, slots=True)
class StatusOnly:
    """orderStatus alone."""

    order: BookedOrder


@dataclass(frozen=True, slots=True)
class Executed:
    """execDetails of a fill as it happens."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Charged:
    """commissionReport of a fill."""

    execution: Execution


@dataclass(frozen=True, slots=True)
class Told:
    """An error or notice about an order."""

    ticket: OrderTicket
    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Quoted:
    """The answer to a what-if order."""

    order: BookedOrder
    margin: Decimal
    equity: Decimal


Effect = Changed | StatusOnly | Executed | Charged | Told | Quoted


def ticket_of(effect: Effect) -> OrderTicket:
    """The ticket an effect is about."""
    if isinstance(effect, Told):
        return effect.ticket
    if isinstance(effect, Executed | Charged):
        return effect.execution.ticket
    return effect.order.ticket
