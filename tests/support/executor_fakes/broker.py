"""A gateway in memory."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from executor_fakes.values import AAPL, NOON
from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.errors import AccountUnavailableError, BrokerError, NoAnswerError
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

TWO_DAYS = "20261123:0930-20261123:1600;20261124:0930-20261124:1600"


@dataclass(eq=False)
class FakeBroker:
    """A `Broker` that knows AAPL and keeps what was written.

    `error` is raised by what writes or asks for contracts. `rounds` are the answers about executions,
    one a question, the last for ever. The `on_...` hooks are called in the middle of a request. What is
    asked about mute symbols has no answer until `give_up` says that its time is over.
    """

    accounts: tuple[str, ...] = ("DU1234567",)
    next_valid_id: int = 1
    offered_id: int = 1
    client_id: int = 17
    connected: bool = True
    closed: bool = False
    hours: str = TWO_DAYS
    trading_hours: str = ""
    hours_of: dict[str, str] = field(default_factory=dict)
    """Liquid hours by symbol, where they are others."""
    known: tuple[Contract, ...] = (AAPL,)
    last: Decimal | None = None
    quotes: dict[str, MarketQuote] = field(default_factory=dict)
    """By symbol; where there is none, `last` is the last price."""
    held: tuple[PositionReport, ...] = ()
    others: tuple[OpenOrderReport, ...] = ()
    """Working orders of other clients, and those placed by hand."""
    executed: tuple[ExecutionReport, ...] = ()
    costs: tuple[CommissionReport, ...] = ()
    values: dict[str, AccountReport] = field(default_factory=dict)
    clock: Callable[[], datetime] = lambda: NOON
    working: tuple[OrderEvent, ...] = ()
    completed: tuple[OrderEvent, ...] = ()
    rounds: list[tuple[OrderEvent, ...]] = field(default_factory=lambda: [()])
    error: BrokerError | None = None
    on_place: Callable[[Order], None] = lambda _: None
    on_price: Callable[[], None] = lambda: None
    on_cancel: Callable[[], object] = lambda: None
    on_executions: Callable[[], None] = lambda: None
    placed: list[Order] = field(default_factory=list)
    cancelled: list[int] = field(default_factory=list)
    mute: set[str] = field(default_factory=set)
    mute_prices: set[str] = field(default_factory=set)
    questions: list[str] = field(default_factory=list)
    prices_asked: list[str] = field(default_factory=list)
    asked: int = 0
    no_positions: bool = False
    positions_asked: int = 0
    clock_asked: int = 0
    _waiting: list[asyncio.Future[None]] = field(default_factory=list)

    def place(self, order: Order) -> None:
        """Keep the order."""
        if self.error:
            raise self.error
        self.on_place(order)
        self.placed.append(order)

    def cancel(self, order_id: int) -> None:
        """Keep the id."""
        self.cancelled.append(order_id)
        self.on_cancel()

    async def executions(self) -> tuple[OrderEvent, ...]:
        """The next round's."""
        self.asked += 1
        self.on_executions()
        return self.rounds.pop(0) if len(self.rounds) > 1 else self.rounds[0]

    async def day_executions(self) -> tuple[ExecutionReport, ...]:
        """What was executed."""
        if self.error:
            raise self.error
        return self.executed

    async def completed_orders(self) -> tuple[OrderEvent, ...]:
        """What has ended."""
        return self.completed

    async def open_orders(self) -> tuple[OrderEvent, ...]:
        """What works."""
        return self.working

    async def candidates(self, contract: Contract) -> tuple[Candidate, ...]:
        """What is known and fits."""
        self.questions.append(str(contract))
        if self.error:
            raise self.error
        await self._answered(contract, self.mute)
        return tuple(
            Candidate(
                known,
                self.hours_of.get(known.symbol, self.hours),
                "US/Eastern",
                trading_hours=self.trading_hours,
            )
            for known in self.known
            if contract.con_id in (0, known.con_id) and contract.symbol in ("", known.symbol)
        )

    async def open_order_reports(self) -> tuple[OpenOrderReport, ...]:
        """What others have working."""
        if self.error:
            raise self.error
        return self.others

    async def price(self, contract: Contract) -> Decimal | None:
        """The last price, whatever the contract."""
        self.prices_asked.append(str(contract))
        await self._answered(contract, self.mute_prices)
        self.on_price()
        return self.last

    async def quote(self, contract: Contract, *, delayed: bool = False) -> MarketQuote:
        """The contract's own quote, else the last price. A delayed one only where it will do."""
        self.prices_asked.append(str(contract))
        if self.error:
            raise self.error
        found = self.quotes.get(contract.symbol, MarketQuote(last=self.last))
        return MarketQuote() if found.delayed and not delayed else found

    async def positions(self) -> tuple[PositionReport, ...]:
        """What is held."""
        self.positions_asked += 1
        if self.error:
            raise self.error
        if self.no_positions:
            raise NoAnswerError("no answer to positions in time")
        return self.held

    async def commissions(self) -> tuple[CommissionReport, ...]:
        """What was told."""
        return self.costs

    async def account(self, account: str) -> AccountReport:
        """Its values."""
        if self.error:
            raise self.error
        if account not in self.values:
            raise AccountUnavailableError(f"nothing is known of {account}")
        return self.values[account]

    async def server_time(self) -> datetime:
        """IBKR's clock."""
        self.clock_asked += 1
        return self.clock()

    def give_up(self) -> None:
        """The time limit of everything that is asked about mute symbols passes."""
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            future.set_exception(NoAnswerError("silence"))

    async def _answered(self, contract: Contract, mute: set[str]) -> None:
        known = {c.con_id: c.symbol for c in self.known}
        if (contract.symbol or known.get(contract.con_id)) in mute:
            self._waiting.append(asyncio.get_running_loop().create_future())
            await self._waiting[-1]

    def close(self) -> None:
        """Not connected any more."""
        self.connected, self.closed = False, True
