"""Defects that the campaign must find. Each is put into the executor's process from outside, as its points are.

A campaign that lets one of them pass proves nothing. `campaign.py --mutant NAME` shows after how many accidents it is caught.
"""

import asyncio
import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from ibgateway_api.gate import Closed
from ibgateway_executor.broker import connection, reconciliation
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.ledger import engine, sqlite
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, OrderState, reserve, unsend
from ibgateway_executor.rebalance.progress import RebalanceRun

_tasks: set[asyncio.Task[Any]] = set()


def sends_again_after_a_restart() -> None:
    """What was being sent when the process died counts as not sent."""
    _put(sqlite, "_lost_in_restart", lambda order: unsend(order, reason="", message=""))


def sends_again_after_a_cut() -> None:
    """What was being sent when the connection ended counts as not sent."""

    def lost(order: Order) -> Order:
        if order.state is not OrderState.SENDING:
            return order
        return unsend(order, reason="", message="")

    _put(connection, "_lost", lost)


def answers_before_the_commit() -> None:
    """A client is told that its order is stored while it is being stored."""
    stored = Ledger.accept

    async def accept(self: Ledger, entry: Any) -> tuple[Order, bool]:
        task = asyncio.create_task(stored(self, entry))
        _tasks.add(task)
        task.add_done_callback(_tasks.discard)
        return entry.order, True

    _put(Ledger, "accept", accept)


def writes_before_sending_is_stored() -> None:
    """The order leaves, and its id is committed afterwards."""
    last = 0

    async def send(self: Any, order: Order) -> None:
        nonlocal last
        broker = self._connection.broker
        if broker is None or isinstance(self._gate(), Closed):
            return
        last = max(last + 1, broker.next_valid_id)
        ids = {"order_id": last, "client_id": broker.client_id}
        broker.place(reserve(order, at=self._clock.now(), **ids))
        await self._ledger.reserve(order.id, client_id=ids["client_id"], next_valid_id=last)

    _put(OrderSubmitter, "send", send)


def asks_for_no_executions() -> None:
    """What the broker says of open and of completed orders is all that is asked for."""

    async def asked(broker: Any, patience: Any) -> Any:
        return await patience(broker.open_orders()) + await patience(broker.completed_orders())

    _put(reconciliation, "_round", asked)


def trades_a_rebalance_anew_after_a_restart() -> None:
    """The names of a rebalance's orders belong to a process: the next one does not know what was placed."""
    plain = RebalanceRun.key
    _put(RebalanceRun, "key", lambda run, trade: f"{plain(run, trade)}-{os.getpid()}")


def syncs_nothing() -> None:
    """A commit is written, and stays in the machine's memory."""
    prepare = engine._prepare

    def prepared(file: Any, record: Any) -> None:
        prepare(file, record)
        file.execute("PRAGMA synchronous=OFF").close()

    _put(engine, "_prepare", prepared)


def gives_up_at_a_restart() -> None:
    """What was being sent when the process died counts as ended: an order is lost, and its client believes it cancelled."""
    _put(
        sqlite,
        "_lost_in_restart",
        lambda order: replace(order, state=OrderState.CANCELLED, reason="CancelledByBroker"),
    )


def _put(owner: Any, name: str, value: Any) -> None:
    assert hasattr(owner, name), f"{owner} has no {name} any more: the mutant is none"
    setattr(owner, name, value)


MUTANTS: Final[dict[str, Callable[[], None]]] = {
    "sends-again-after-a-restart": sends_again_after_a_restart,
    "sends-again-after-a-cut": sends_again_after_a_cut,
    "answers-before-the-commit": answers_before_the_commit,
    "writes-before-sending-is-stored": writes_before_sending_is_stored,
    "asks-for-no-executions": asks_for_no_executions,
    "trades-a-rebalance-anew": trades_a_rebalance_anew_after_a_restart,
    "syncs-nothing": syncs_nothing,
    "gives-up-at-a-restart": gives_up_at_a_restart,
}
