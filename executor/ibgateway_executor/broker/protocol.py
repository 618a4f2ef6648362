"""What the executor needs of a broker. `broker.ib` has the real one.

Every coroutine has a time limit and raises a BrokerError: an unanswered request never looks like an
empty answer. `place` and `cancel` write at once, before the event loop does anything else.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from ibgateway_executor.orders.broker_reports import OrderEvent
from ibgateway_executor.orders.order import Contract, Order
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    CommissionReport,
    ExecutionReport,
    MarketQuote,
    OpenOrderReport,
    PositionReport,
)


@dataclass(frozen=True)
class Candidate:
    """A contract that fits the one asked for, with its hours in IBKR's words.

    `trading_hours` are longer than the liquid ones: outside regular hours too. `min_tick` is the smallest price step there
    is, None where it was not told; which step holds at which price is in the market rules, one for each exchange.
    """

    contract: Contract
    liquid_hours: str
    time_zone_id: str
    trading_hours: str = ""
    min_tick: Decimal | None = None
    market_rules: tuple[tuple[str, int], ...] = ()
    """Exchange, and the number of its market rule."""


@dataclass(frozen=True)
class LinkLost:
    """1100 or 2110: IBKR can't be reached through this gateway; orders must not be sent."""

    message: str


@dataclass(frozen=True)
class LinkRestored:
    """1101 or 1102: reachable again; orders and executions must be asked for again."""


@dataclass(frozen=True)
class Disconnected:
    """The connection to the gateway ended."""

    message: str


BrokerEvent = OrderEvent | LinkLost | LinkRestored | Disconnected
Listener = Callable[[BrokerEvent], None]


class Broker(Protocol):
    """One connection to one gateway."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts of the login."""
        ...

    @property
    def next_valid_id(self) -> int:
        """The lowest order id the gateway takes."""
        ...

    @property
    def offered_id(self) -> int:
        """nextValidId in the gateway's own words, as it was told last; 0 before."""
        ...

    @property
    def client_id(self) -> int:
        """The client id of the connection: orders are bound to it."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        ...

    def place(self, order: Order) -> None:
        """Write a new order with the order's reserved id."""
        ...

    def cancel(self, order_id: int) -> None:
        """Write a cancel."""
        ...

    async def open_orders(self) -> tuple[OrderEvent, ...]:
        """Every working order of the login, of all clients."""
        ...

    async def open_order_reports(self) -> tuple[OpenOrderReport, ...]:
        """The same as `open_orders`, with everything that is told of each, and without what has ended meanwhile."""
        ...

    async def executions(self) -> tuple[OrderEvent, ...]:
        """Every execution of the day."""
        ...

    async def day_executions(self) -> tuple[ExecutionReport, ...]:
        """The same as `executions`, with everything that is told of each; corrected ones once."""
        ...

    async def completed_orders(self) -> tuple[OrderEvent, ...]:
        """Every order that ended today."""
        ...

    async def candidates(self, contract: Contract) -> tuple[Candidate, ...]:
        """The contracts that fit; empty when there is none."""
        ...

    async def price(self, contract: Contract) -> Decimal | None:
        """A price of now (last, else ask, else bid); None when the broker has none."""
        ...

    async def quote(self, contract: Contract, *, delayed: bool = False) -> MarketQuote:
        """The prices of now. `delayed`: late ones will do where there is no subscription."""
        ...

    async def positions(self) -> tuple[PositionReport, ...]:
        """What the accounts of the login hold, each position once and none of 0; AccountUnavailableError where one is no number."""
        ...

    async def account(self, account: str) -> AccountReport:
        """An account's values; AccountUnavailableError while IBKR says that they are not valid yet."""
        ...

    async def commissions(self) -> tuple[CommissionReport, ...]:
        """What the fills of the day cost, as far as the broker has told."""
        ...

    async def server_time(self) -> datetime:
        """IBKR's clock, whole seconds. At most one request a second is answered."""
        ...

    def close(self) -> None:
        """End the connection."""
        ...


class Connect(Protocol):
    """How to get a Broker; a BrokerError when the gateway is not there."""

    async def __call__(self, listener: Listener) -> Broker:
        """A connection whose accounts and next valid id are known."""
        ...
