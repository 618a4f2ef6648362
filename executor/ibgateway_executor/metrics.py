"""Prometheus metrics of the executor, in a registry of their own."""

from datetime import datetime
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ibgateway_executor.orders.order import Order, OrderState

ACK_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class ExecutorMetrics:
    """Counters and gauges; names start with `ibgateway_executor_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._accepted = self._counter("orders_accepted", "Orders stored in the ledger.")
        self._sent = self._counter("orders_sent", "Orders written to the gateway.")
        self._moves = Counter(
            "ibgateway_executor_order_moves",
            "Steps of orders by the state they reached.",
            ["state"],
            registry=self.registry,
        )
        self.gate_open = self._gauge("gate_open", "1 while an order would be sent at once.")
        self.news_age = self._gauge("news_age_seconds", "Time since the sentinel's last byte.")
        self.connected = self._gauge("broker_connected", "1 while the API connection stands.")
        self.reconciliations = self._counter("reconciliations", "Completed reconciliations.")
        self._orders = Gauge(
            "ibgateway_executor_orders",
            "Orders in the ledger by state.",
            ["state"],
            registry=self.registry,
        )
        self._acknowledged = Histogram(
            "ibgateway_executor_acknowledgement_seconds",
            "From the order written to the broker's first report about it.",
            buckets=ACK_BUCKETS,
            registry=self.registry,
        )

    def accepted(self) -> None:
        """A new order was stored."""
        self._accepted.inc()

    def sent(self) -> None:
        """An order was written."""
        self._sent.inc()

    def order_moved(self, order: Order) -> None:
        """An order reached another state, or more of it was filled."""
        self._moves.labels(order.state.value).inc()

    def acknowledged(self, order: Order, now: datetime) -> None:
        """The broker's first report about an order."""
        if order.sent_at is not None:
            self._acknowledged.observe((now - order.sent_at).total_seconds())

    def count_orders(self, counts: dict[str, int]) -> None:
        """The ledger's totals."""
        for state in OrderState:
            self._orders.labels(state.value).set(counts.get(state.value, 0))

    def _counter(self, name: str, text: str) -> Counter:
        return Counter(f"ibgateway_executor_{name}", text, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"ibgateway_executor_{name}", text, registry=self.registry)
