"""Orders and rebalances as they go on, by the executor's events; a change is read as the document that it made."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Final, NamedTuple

from ibgateway.client import ExecutorClient
from ibgateway_api.executor_documents import (
    GateDocument,
    OrderChange,
    OrderDocument,
    PauseDocument,
    RebalanceChange,
)
from ibgateway_api.rebalance_documents import RebalanceDocument
from ibgateway_cli.executor.connection import ExecutorConnection

ORDER_ENDED: Final = frozenset({"Filled", "Cancelled", "Rejected", "Expired", "Unverified"})
RUN_ENDED: Final = frozenset({"Completed", "Stopped", "Cancelled", "Expired"})


class OrderChoice(NamedTuple):
    """Which orders are shown; None leaves the choice open."""

    state: str | None = None
    account: str | None = None
    symbol: str | None = None
    reference: str | None = None

    def fits(self, order: OrderDocument) -> bool:
        """Whether an order is one of them."""
        found = (order.state, order.account, order.contract.symbol, order.client_reference)
        return all(want in (None, has) for want, has in zip(self, found, strict=True))


def standing(connection: ExecutorConnection) -> tuple[GateDocument, PauseDocument]:
    """The gate and the pause, which a stream of events begins with."""
    gate: GateDocument | None = None
    with closing(connection.events()) as events:
        for event in events:
            if isinstance(event.data, GateDocument):
                gate = event.data
            if isinstance(event.data, PauseDocument) and gate is not None:
                return gate, event.data
    raise AssertionError("a stream of events has no end")


def changed_orders(
    connection: ExecutorConnection, wanted: OrderChoice, listening: Callable[[], None]
) -> Iterator[OrderDocument]:
    """Orders as they change, without an end; `listening` is called once nothing can be missed any more."""
    with closing(connection.events()) as events:
        next(events)
        listening()
        for event in events:
            if isinstance(event.data, OrderChange):
                order = connection.ask(order_of(event.data.order))
                if wanted.fits(order):
                    yield order


def ended_order(
    connection: ExecutorConnection, order_id: str, say: Callable[[OrderDocument], None]
) -> OrderDocument:
    """The order once it has ended; `say` is given each of its states before."""
    with closing(connection.events()) as events:
        next(events)
        order = connection.ask(order_of(order_id))
        while order.state not in ORDER_ENDED:
            say(order)
            change = next(events).data
            if isinstance(change, OrderChange) and change.order == order_id:
                order = connection.ask(order_of(order_id))
    return order


def ended_rebalance(
    connection: ExecutorConnection,
    run_id: str,
    *,
    say: Callable[[RebalanceDocument], None],
    moved: Callable[[OrderDocument], None],
) -> RebalanceDocument:
    """The rebalance once it has ended; `say` is given each of its states, `moved` each change of its orders."""
    with closing(connection.events()) as events:
        next(events)
        run = connection.ask(run_of(run_id))
        while run.state not in RUN_ENDED:
            say(run)
            change = next(events).data
            if isinstance(change, OrderChange):
                order = connection.ask(order_of(change.order))
                if order.rebalance == run_id:
                    moved(order)
            if isinstance(change, RebalanceChange) and change.rebalance == run_id:
                run = connection.ask(run_of(run_id))
    return run


def order_of(order_id: str) -> Callable[[ExecutorClient], OrderDocument]:
    """The call that reads an order."""
    return lambda client: client.order(order_id)


def run_of(run_id: str) -> Callable[[ExecutorClient], RebalanceDocument]:
    """The call that reads a rebalance."""
    return lambda client: client.rebalance_run(run_id)
