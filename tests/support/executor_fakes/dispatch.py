"""A dispatcher on a real ledger, with a broker in memory and a gate that a test turns."""

import asyncio
from decimal import Decimal

from executor_fakes.broker import FakeBroker
from executor_fakes.clock import ManualClock
from executor_fakes.sentinel import FixedSentinel
from executor_fakes.store import HookedStore
from executor_fakes.values import SETTINGS, TERMS, entry
from executor_fakes.wakeup import CountingWakeup
from ibgateway_api.clock_skew import HALF_A_SECOND
from ibgateway_api.gate import Gate, Open
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.positions import AccountPositions
from ibgateway_executor.broker.prices import Prices
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.dispatch.limit_check import LimitCheck
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.replacements import OrderReplacements
from ibgateway_executor.dispatch.resends import OrderResends
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.dispatch.waits import OrderWaits
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import FillReport
from ibgateway_executor.orders.order import Order, OrderTerms

PASSES = 10
"""Of the event loop: enough for a question in the background and its answer."""


class DispatchWorld:
    """Settings, gate, accounts and clock as a test sets them."""

    def __init__(self, store: HookedStore) -> None:
        self.store = store
        self.time = ManualClock()
        self.gate: Gate = Open()
        self.accounts: tuple[str, ...] = ("DU1234567",)
        self.settings = SETTINGS
        self.sentinel = FixedSentinel()
        self.metrics = ExecutorMetrics()
        self.changed, self.wanted = CountingWakeup(), CountingWakeup()
        self.broker = FakeBroker()
        clock = self.time.clock
        self.ledger = Ledger(store, clock=clock, metrics=self.metrics, changed=self.changed)
        self.connection = CurrentConnection(clock=clock, changed=self.changed, wanted=self.wanted)
        self.connection.connected(self.broker)
        self.connection.clock_compared(HALF_A_SECOND)
        self.connection.reconciled()
        self.contracts = contracts = Contracts(clock, self.changed)
        pacer = MessagePacer(clock.monotonic)
        self.cancels = CancelWriter(
            connection=self.connection,
            pacer=pacer,
            clock=clock,
            changed=self.changed,
            answer_seconds=0.01,
        )
        self.preparation = Preparation(
            ledger=self.ledger, accounts=lambda: self.accounts, contracts=contracts
        )
        self.limits = LimitCheck(
            ledger=self.ledger,
            connection=self.connection,
            settings=lambda: self.settings,
            prices=Prices(clock, self.changed),
            positions=AccountPositions(clock, self.changed, self.ledger.filled_at),
        )
        submitter = OrderSubmitter(
            ledger=self.ledger,
            connection=self.connection,
            gate=lambda: self.gate,
            settings=lambda: self.settings,
            contracts=contracts,
            limits=self.limits,
            pacer=pacer,
            metrics=self.metrics,
            clock=clock,
        )
        self.waits = OrderWaits(
            ledger=self.ledger,
            connection=self.connection,
            settings=lambda: self.settings,
            contracts=contracts,
            preparation=self.preparation,
            submitter=submitter,
            clock=clock,
            apart_seconds=0.0,
        )
        self.dispatcher = Dispatcher(
            ledger=self.ledger,
            connection=self.connection,
            gate=lambda: self.gate,
            preparation=self.preparation,
            submitter=submitter,
            waits=self.waits,
            cancels=self.cancels,
            replacements=OrderReplacements(self.ledger, self.connection, clock),
            resends=OrderResends(
                ledger=self.ledger,
                connection=self.connection,
                sentinel=self.sentinel,
                settings=lambda: self.settings,
                gate=lambda: self.gate,
                submitter=submitter,
                clock=clock,
            ),
            metrics=self.metrics,
            clock=clock,
            wakeup=self.changed,
        )

    @property
    def reconciliations_wanted(self) -> int:
        """How often the connection was asked to reconcile."""
        return self.wanted.count

    @property
    def placed(self) -> list[str]:
        """Ids of the orders that were written."""
        return [order.id for order in self.broker.placed]

    async def order(self, name: str, terms: OrderTerms = TERMS) -> None:
        """Store an order, valid by default."""
        await self.ledger.accept(entry(name, terms, at=self.time.now, valid_by_default=True))

    async def dispatch(self) -> None:
        """Look until nothing more is sent and every answer that comes at all has come."""
        before = -1
        while before != self.changed.count:
            before = self.changed.count
            while await self.dispatcher.dispatch():
                pass
            await self.answers()

    async def answers(self) -> None:
        """Let what is asked in the background be answered."""
        for _ in range(PASSES):
            await asyncio.sleep(0)

    async def stored(self, name: str) -> Order:
        """The order as it stands."""
        found = await self.ledger.find(name)
        assert found is not None
        return found

    async def states(self, *names: str) -> list[tuple[str, str]]:
        """State and reason of each."""
        orders = [await self.stored(name) for name in names]
        return [(order.state.value, str(order.reason)) for order in orders]

    async def fill(self, name: str) -> None:
        """The broker reports the whole order as filled."""
        order = await self.stored(name)
        fill = FillReport(
            order.order_id, 17, 900, order.order_ref, "e", Decimal(10), Decimal("190.01")
        )
        await self.ledger.observe(fill)

    def moves(self, state: str) -> float:
        """How many steps to this state the metrics have counted."""
        name = "ibgateway_executor_order_moves_total"
        return self.metrics.registry.get_sample_value(name, {"state": state}) or 0.0
