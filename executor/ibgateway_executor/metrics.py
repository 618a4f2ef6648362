"""Prometheus metrics of the executor, in a registry of their own; names start with `ibgateway_executor_`."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

from prometheus_client import Counter, Histogram

from ibgateway_api.gate import Gate
from ibgateway_executor.figures import ANOTHER_REASON, FIGURES, ExecutorView, gate_word
from ibgateway_executor.orders.order import Order
from ibgateway_executor.rebalance.findings import refused
from ibgateway_executor.rebalance.progress import RebalanceReason, RebalanceRun
from ibgateway_runtime.metrics import Figures, Stopwatch, registry_of

ACK_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
REBALANCE_BUCKETS: Final = (30, 60, 300, 900, 3600, 86_400)
"""Two phases of five minutes are the default; a cash account waits for a day or more between them."""
_ENDS: Final = frozenset({"", *RebalanceReason})


class ExecutorMetrics:
    """What is counted as it happens; `watch` adds what is read at each scrape."""

    def __init__(self) -> None:
        self.registry = registry_of("executor")
        self._look: Callable[[], ExecutorView] | None = None
        # Before the counters: the gate is judged at each scrape, and its seconds are of now.
        self.registry.register(Figures(FIGURES, self._seen))
        self._accepted = self._counter("orders_accepted", "Orders stored in the ledger")
        self._sent = self._counter("orders_sent", "Orders written to the gateway")
        self._resent = self._counter("orders_resent", "Lost orders written a second time")
        self._moves = self._counter(
            "order_moves", "Steps of orders by the state they reached", "state"
        )
        self.reconciliations = self._counter("reconciliations", "Completed reconciliations")
        self._gate_seconds = self._counter(
            "gate_seconds", "Seconds that the gate was closed, by reason, and open", "reason"
        )
        self._acknowledged = Histogram(
            "ibgateway_executor_acknowledgement_seconds",
            "From the order written to the broker's first report about it",
            buckets=ACK_BUCKETS,
            registry=self.registry,
        )
        self._backup_failures = self._counter(
            "backup_failures", "Attempts at a copy of the ledger that failed"
        )
        self._rebalances = self._counter("rebalances_accepted", "Rebalances stored in the ledger")
        self._rebalances_ended = self._counter(
            "rebalances_ended", "Rebalances that ended, by state and reason", "state", "reason"
        )
        self._refused = self._counter(
            "rebalance_refused_orders",
            "Orders of rebalances that a limit, a check or the broker has refused",
        )
        self._rebalance_seconds = Histogram(
            "ibgateway_executor_rebalance_seconds",
            "From a rebalance's plan to its end",
            buckets=REBALANCE_BUCKETS,
            registry=self.registry,
        )
        self._gates: Stopwatch | None = None

    def watch(self, look: Callable[[], ExecutorView], monotonic: Callable[[], float]) -> None:
        """Have everything else read at each scrape; once in a process."""
        self._gates, self._look = Stopwatch(self._gate_seconds, monotonic), look

    def _seen(self) -> ExecutorView | None:
        if self._look is None:
            return None
        view = self._look()
        self.gate(view.gate)
        return view

    def gate(self, gate: Gate) -> None:
        """The gate as it was just judged."""
        if self._gates is not None:
            self._gates.be_in(gate_word(gate))

    def accepted(self) -> None:
        """A new order was stored."""
        self._accepted.inc()

    def sent(self) -> None:
        """An order was written."""
        self._sent.inc()

    def resent(self) -> None:
        """A lost order was written again, under proof."""
        self._resent.inc()

    def order_moved(self, order: Order) -> None:
        """An order reached another state, or more of it was filled."""
        self._moves.labels(order.state.value).inc()

    def acknowledged(self, order: Order, now: datetime) -> None:
        """The broker's first report about an order."""
        sent_at = order.resent_at or order.sent_at
        if sent_at is not None:
            self._acknowledged.observe((now - sent_at).total_seconds())

    def backup_failed(self) -> None:
        """A copy of the ledger could not be taken."""
        self._backup_failures.inc()

    def rebalance_accepted(self) -> None:
        """A new rebalance was stored."""
        self._rebalances.inc()

    def rebalance_ended(self, run: RebalanceRun) -> None:
        """A rebalance has come to its end."""
        reason = run.reason if run.reason in _ENDS else ANOTHER_REASON
        self._rebalances_ended.labels(run.state.value, reason).inc()
        self._refused.inc(len(refused(run)))
        if run.began_at is not None and run.state_since is not None:
            self._rebalance_seconds.observe((run.state_since - run.began_at).total_seconds())

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"ibgateway_executor_{name}", text, labels, registry=self.registry)
