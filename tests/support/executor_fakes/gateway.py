"""A gateway connection on a real ledger: each attempt to connect takes the next outcome."""

from executor_fakes.broker import FakeBroker
from executor_fakes.clock import ManualClock
from executor_fakes.sentinel import FixedSentinel
from executor_fakes.store import HookedStore
from executor_fakes.values import SETTINGS, entry, report
from executor_fakes.wakeup import CountingWakeup
from ibgateway_api.login import LoginState
from ibgateway_executor.broker.connect_pause import ConnectPause
from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.protocol import BrokerEvent, Listener
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import Order, OrderState, move


class ConnectionWorld:
    """`outcomes` are brokers, or the errors that attempts end with."""

    def __init__(self, store: HookedStore) -> None:
        self.store = store
        self.outcomes: list[BrokerError | FakeBroker] = []
        self.attempts = 0
        self.slept: list[float] = []
        self.listener: Listener = lambda _: None
        self.time = ManualClock()
        self.sentinel = FixedSentinel()
        self.settings = SETTINGS
        self.changed, self.wanted = CountingWakeup(), CountingWakeup()
        metrics, clock = ExecutorMetrics(), self.time.clock
        self.ledger = Ledger(store, clock=clock, metrics=metrics, changed=self.changed)
        self.current = CurrentConnection(clock=clock, changed=self.changed, wanted=self.wanted)
        self.recorder = ReportRecorder(self.ledger, self.current)
        self.connection = GatewayConnection(
            connect=self._connect,
            current=self.current,
            sentinel=self.sentinel,
            settings=lambda: self.settings,
            ledger=self.ledger,
            recorder=self.recorder,
            metrics=metrics,
            clock=clock,
            wakeup=self.wanted,
            sleep=self._sleep,
            pause=ConnectPause(clock, share=lambda: 1.0),
        )

    @property
    def state(self) -> ConnectionState:
        """What is proven."""
        return self.current.state

    def receive(self, event: BrokerEvent) -> None:
        """The gateway sends something."""
        self.listener(event)

    def login(self, state: LoginState = LoginState.LOGGED_IN) -> None:
        """The sentinel reports this state."""
        self.sentinel.report = report(state)

    async def connect(self) -> FakeBroker:
        """Log in, connect and reconcile."""
        broker = FakeBroker(clock=lambda: self.time.now)
        self.outcomes.append(broker)
        self.login()
        await self.connection.check()
        await self.connection.check()
        return broker

    async def order(self, name: str, state: OrderState) -> Order:
        """An order that has been sent and is in `state`."""
        await self.ledger.accept(entry(name))
        sending = await self.ledger.reserve(name, client_id=17, next_valid_id=1)
        assert sending is not None
        if state is OrderState.SENDING:
            return sending
        return await self.ledger.advance(name, lambda order: move(order, state))

    async def stored(self, name: str) -> Order:
        """The order as it stands."""
        found = await self.ledger.find(name)
        assert found is not None
        return found

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def _connect(self, listener: Listener) -> FakeBroker:
        self.attempts += 1
        self.listener = listener
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BrokerError):
            raise outcome
        return outcome
