"""What the broker tells about an account and about prices. Pure.

Amounts are `Decimal`: shares, and money in the currency that stands beside it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Generic, TypeVar

from ibgateway_executor.orders.order import Contract, Side


@dataclass(frozen=True)
class PositionReport:
    """What an account holds of a contract; `quantity` is negative for a short one, `average_cost` a share's."""

    account: str
    contract: Contract
    quantity: Decimal
    average_cost: Decimal


@dataclass(frozen=True)
class CommissionReport:
    """What a fill of an order cost; negative where the exchange pays."""

    order_ref: str
    exec_id: str
    commission: Decimal
    currency: str


class SettlementKind(StrEnum):
    """What a purchase may be paid with: settled cash alone, or what is on its way too."""

    CASH = "cash"
    MARGIN = "margin"


@dataclass(frozen=True)
class AccountReport:
    """An account's values in its base `currency`. None: the broker did not tell that one.

    `account_type` is IBKR's word (INDIVIDUAL, ...), which does not say cash or margin. `settlement` is MARGIN only where
    the other values show it: what can't be told is a cash account, which may spend less. `cash` is by currency.
    """

    account: str
    currency: str
    net_liquidation: Decimal
    total_cash: Decimal
    settled_cash: Decimal | None = None
    available_funds: Decimal | None = None
    buying_power: Decimal | None = None
    account_type: str = ""
    settlement: SettlementKind = SettlementKind.CASH
    cash: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class ExecutionReport:
    """One execution of the day, of any order of the login's accounts; `order_ref` is empty for one made by hand."""

    account: str
    contract: Contract
    side: Side
    quantity: Decimal
    price: Decimal
    at: datetime
    exec_id: str
    order_ref: str
    order_id: int
    client_id: int
    perm_id: int


@dataclass(frozen=True)
class OpenOrderReport:
    """An order that IBKR has and that has not ended, of any client or placed by hand; `order_id` is 0 for the latter.

    `order_type` and `status` are in IBKR's words.
    """

    account: str
    contract: Contract
    side: Side
    order_type: str
    quantity: Decimal
    order_ref: str
    order_id: int
    client_id: int
    perm_id: int
    status: str


T = TypeVar("T")


@dataclass(frozen=True)
class BrokerAnswer(Generic[T]):
    """What the broker told last, and when; `problem` is why it could not be asked now, empty where it was."""

    value: T
    at: datetime
    problem: str


class PriceKind(StrEnum):
    """Which price it is."""

    LAST = "last"
    ASK = "ask"
    BID = "bid"
    CLOSE = "close"


@dataclass(frozen=True)
class MarketQuote:
    """A contract's prices of one moment; None where there is none. `delayed`: by a quarter of an hour or so."""

    last: Decimal | None = None
    ask: Decimal | None = None
    bid: Decimal | None = None
    close: Decimal | None = None
    delayed: bool = False

    @property
    def price(self) -> tuple[Decimal, PriceKind] | None:
        """The first of last, ask, bid and the day before's close that there is."""
        found = {
            PriceKind.LAST: self.last,
            PriceKind.ASK: self.ask,
            PriceKind.BID: self.bid,
            PriceKind.CLOSE: self.close,
        }
        return next(((price, kind) for kind, price in found.items() if price is not None), None)
