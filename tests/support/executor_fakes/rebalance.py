"""Rebalances on a real ledger and dispatcher, at a broker in memory that fills what it is sent."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from executor_fakes.dispatch import DispatchWorld
from executor_fakes.store import HookedStore
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.idempotency import read_key
from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, Side
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    CommissionReport,
    MarketQuote,
    PositionReport,
    SettlementKind,
)
from ibgateway_executor.rebalance.progress import RebalanceRun
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.runner import RebalanceRunner
from ibgateway_executor.rebalance_runs.steps import RebalanceSteps

PRICES: Mapping[str, int] = {"AAA": 10, "BBB": 20, "CCC": 50}
CONTRACTS = {
    symbol: Contract(number, symbol, primary_exchange="NYSE")
    for number, symbol in enumerate(PRICES, start=1)
}


class RebalanceWorld(DispatchWorld):
    """Accounts with cash and shares; `held_back` are symbols whose orders work and do not fill."""

    def __init__(self, store: HookedStore, **cash: int) -> None:
        super().__init__(store)
        self.accounts = self.broker.accounts = tuple(cash) or ("DU1234567",)
        self.cash = {name: Decimal(amount) for name, amount in cash.items()}
        self.shares: dict[tuple[str, str], int] = {}
        self.settlement = SettlementKind.MARGIN
        self.settled: dict[str, Decimal] = {}
        """Where it is not all of the cash."""
        self.held_back: set[str] = set()
        self.elsewhere: tuple[PositionReport, ...] = ()
        """What is held beside the shares."""
        self.broker.known = tuple(CONTRACTS.values())
        self.broker.quotes = {
            name: MarketQuote(last=Decimal(price)) for name, price in PRICES.items()
        }
        self._booked = self._told = 0
        self._fills: dict[str, FillReport] = {}
        clock = self.time.clock
        self._acceptance = Acceptance(
            ledger=self.ledger,
            settings=lambda: self.settings,
            accounts=lambda: self.accounts,
            clock=clock,
            new_id=lambda key: key,
        )
        self.intake = RebalanceAcceptance(
            ledger=self.ledger,
            connection=self.connection,
            contracts=self.contracts,
            settings=lambda: self.settings,
            accounts=lambda: self.accounts,
            clock=clock,
            new_id=lambda key: key.removeprefix("rebalance/"),
        )
        self.show()
        self.restart()

    def restart(self) -> None:
        """What is in memory is lost."""
        orders = RebalanceOrders(self.ledger, place=self._place, order_name=lambda key: key)
        self.runner = RebalanceRunner(
            ledger=self.ledger,
            gate=lambda: self.gate,
            steps=RebalanceSteps(
                ledger=self.ledger,
                connection=self.connection,
                contracts=self.contracts,
                settings=lambda: self.settings,
                orders=orders,
                clock=self.time.clock,
            ),
            orders=orders,
            clock=self.time.clock,
        )

    def take_over(self, other: "RebalanceWorld") -> None:
        """The broker's side of another world: what it was sent, has booked and has told."""
        self.broker.placed, self.broker.costs = other.broker.placed, other.broker.costs
        self.cash, self.shares, self._fills = other.cash, other.shares, other._fills
        self._booked, self._told = other._booked, other._told

    async def ask(self, key: str, account: str = "", **fields: Any) -> RebalanceRun:
        """A rebalance with these fields; targets are `weights`."""
        weights = fields.pop("weights")
        body = {
            "account": account,
            "targets": [
                {"contract": {"symbol": symbol}, "weight": weight}
                for symbol, weight in weights.items()
            ],
            **fields,
        }
        return (await self.intake.accept(key, RebalanceBody.model_validate(body)))[0]

    async def step(self) -> None:
        """One step of each rebalance, and what the broker does about its orders."""
        await self.runner.look()
        await self.runner.settle()
        await self.dispatch()
        await self._fill()

    async def go(self, key: str, *, steps: int = 40) -> RebalanceRun:
        """So many steps, or until it has ended; a second passes with each."""
        for _ in range(steps):
            await self.step()
            run = await self.run(key)
            if run.ended:
                return run
            self.time.advance(1)
        return await self.run(key)

    async def run(self, key: str) -> RebalanceRun:
        """It as it stands."""
        found = await self.ledger.rebalances.find(key)
        assert found is not None
        return found

    def show(self) -> None:
        """The broker tells the accounts as they are."""
        shares = (
            PositionReport(account, CONTRACTS[symbol], Decimal(number), Decimal(1))
            for (account, symbol), number in self.shares.items()
            if number
        )
        self.broker.held = (*shares, *self.elsewhere)
        self.broker.values = {name: self._values(name) for name in self.accounts}

    def _values(self, account: str) -> AccountReport:
        cash = self.cash.get(account, Decimal(0))
        mine = {symbol: n for (name, symbol), n in self.shares.items() if name == account}
        worth = cash + sum(PRICES[symbol] * number for symbol, number in mine.items())
        return AccountReport(
            account,
            "USD",
            worth,
            cash,
            self.settled.get(account, cash),
            settlement=self.settlement,
        )

    async def _place(self, key: str, body: OrderBody, rebalance: str) -> Order:
        return (await self._acceptance.accept(read_key([key]), body, rebalance=rebalance))[0]

    async def _fill(self) -> None:
        """What was written since the last time is booked, filled at the last price, and told."""
        for order in self.broker.placed[self._booked :]:
            self._booked += 1
            if order.terms.contract.symbol not in self.held_back:
                self._book(order)
        for order in self.broker.placed[self._told :]:
            perm_id = 900 + order.order_id
            await self.ledger.observe(
                OrderStatusReport(
                    order.order_id, 17, perm_id, "Submitted", order_ref=order.order_ref
                )
            )
            if (fill := self._fills.get(order.order_ref)) is not None:
                await self.ledger.observe(fill)
            self._told += 1
        self.show()

    def _book(self, order: Order) -> None:
        terms = order.terms
        symbol, number = terms.contract.symbol, terms.quantity
        signed = number if terms.side is Side.BUY else -number
        key = (terms.account, symbol)
        self.shares[key] = self.shares.get(key, 0) + signed
        self.cash[terms.account] -= signed * PRICES[symbol]
        cost = CommissionReport(order.order_ref, f"e{order.order_id}", Decimal(1), "USD")
        self.broker.costs = (*self.broker.costs, cost)
        self._fills[order.order_ref] = FillReport(
            order.order_id,
            17,
            900 + order.order_id,
            order.order_ref,
            cost.exec_id,
            Decimal(number),
            Decimal(PRICES[symbol]),
        )
