"""The connection of the moment: its broker and what has been proven over it.

`GatewayConnection` writes it; gate, dispatcher and recorder read it. Made before all of them.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from ibgateway_api.clock_skew import HALF_A_SECOND
from ibgateway_executor.broker.connection_state import ConnectionState
from ibgateway_executor.broker.inquiry import BrokerInquiry
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock


class CurrentConnection:
    """`changed` is set when it becomes usable or stops being so, `wanted` when it needs work.

    `invalidations` counts what makes a reconciliation that is under way worthless, `heard` what was told about orders. `made_at` is
    when this connection was made, by our clock. `inquiry` is what was asked over it last about orders of unknown fate.
    """

    def __init__(self, *, clock: Clock, changed: Wakeup, wanted: Wakeup) -> None:
        self.broker: Broker | None = None
        self.state = ConnectionState()
        self.invalidations = 0
        self.heard = 0
        self.made_at: datetime | None = None
        self.inquiry: BrokerInquiry | None = None
        self._written: set[str] = set()
        self._healthy_since: float | None = None
        self._clock = clock
        self._compared: tuple[datetime, float] | None = None
        self._changed = changed
        self._wanted = wanted

    def connected(self, broker: Broker) -> None:
        """There is a connection; nothing is proven over it yet."""
        self.broker = broker
        self.made_at, self._written = self._clock.now(), set()
        self._healthy_since = self._clock.monotonic()
        self._set(replace(self.state, connected=True, accounts=broker.accounts))

    def ledger_belongs_to(self, accounts: tuple[str, ...]) -> None:
        """The accounts the ledger is stamped with."""
        self._set(replace(self.state, ledger_accounts=accounts))

    def clock_compared(self, skew: timedelta) -> None:
        """Our clock minus IBKR's whole seconds."""
        skew -= HALF_A_SECOND
        self._compared = (self._clock.now() - skew, self._clock.monotonic())
        self._set(replace(self.state, skew=skew.total_seconds()))

    def time(self) -> datetime | None:
        """IBKR's time, counted on from the last answer, whatever our clock is set to since; None before
        the first one of this process. Only this time ends an order.
        """
        if self._compared is None:
            return None
        theirs, at = self._compared
        return theirs + timedelta(seconds=self._clock.monotonic() - at)

    def now(self) -> datetime:
        """IBKR's time where it is known, else ours."""
        return self.time() or self._clock.now()

    def healthy_seconds(self) -> float | None:
        """For how long this connection has stood without 1100; None where it does not."""
        if self._healthy_since is None or not self.state.connected:
            return None
        return self._clock.monotonic() - self._healthy_since

    def wrote(self, order_uid: str) -> None:
        """The order has left over this connection, or may have."""
        self._written.add(order_uid)

    def has_written(self, order_uid: str) -> bool:
        """Whether the order may have left over this very connection."""
        return order_uid in self._written

    def told(self) -> None:
        """Something about an order has come in: what was asked before may be out of date."""
        self.heard += 1

    def inquired(self, inquiry: BrokerInquiry) -> None:
        """Everything was asked and answered."""
        self.inquiry = inquiry
        self._changed.set()

    def reconciled(self) -> None:
        """The broker has reported what became of every order."""
        self._set(replace(self.state, reconciled=True, detail=""))

    def request_reconciliation(self) -> None:
        """The fate of an order is not certain: nothing is sent until the broker was asked."""
        self._invalidate(self.state)
        self._wanted.set()

    def link_lost(self, message: str) -> None:
        """The gateway has lost IBKR."""
        self._healthy_since = None
        self._invalidate(replace(self.state, link_lost=True, detail=message))

    def link_restored(self) -> None:
        """The gateway has IBKR again; orders and executions must be asked for again."""
        self._healthy_since = self._clock.monotonic()
        self._invalidate(replace(self.state, link_lost=False, detail=""))
        self._wanted.set()

    def disconnected(self, message: str) -> None:
        """The connection ended by itself; its broker is still to be closed."""
        self._healthy_since, self.inquiry = None, None
        self._set(replace(self.state, connected=False, reconciled=False, detail=message))
        self._wanted.set()

    def failed(self, message: str) -> None:
        """A request or an attempt to connect failed."""
        self._set(replace(self.state, detail=message))

    def closed(self, message: str) -> None:
        """There is no connection any more."""
        self.broker, self.made_at = None, None
        self._healthy_since, self.inquiry = None, None
        self._set(ConnectionState(detail=message))
        self._changed.set()

    def _invalidate(self, state: ConnectionState) -> None:
        self.invalidations += 1
        self.inquiry = None
        self._set(replace(state, reconciled=False))

    def _set(self, state: ConnectionState) -> None:
        before, self.state = self.state, state
        if (before.connected, before.reconciled) != (state.connected, state.reconciled):
            self._changed.set()
