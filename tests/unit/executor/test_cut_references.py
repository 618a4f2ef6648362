"""An orderRef that comes back cut off, of an order whose acknowledgement was lost: nothing else says that IBKR has it."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from executor_fakes import ConnectionWorld
from ibgateway_api.order_ids import order_uid
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import OrderState, order_ref

NAME = order_uid("key", gateway="paper", namespace="trading")
CUT = order_ref(NAME)[:12]


async def reconciled(gateway: ConnectionWorld, **told: Any) -> tuple[OrderState, str]:
    """What becomes of a lost order where the broker shows one that is open, with these differences."""
    broker = await gateway.connect()
    order = await gateway.order(NAME, OrderState.UNKNOWN)
    shown = OrderStatusReport(order.order_id, order.client_id, 900, "Submitted", order_ref=CUT)
    broker.working = (replace(shown, **told),)
    await gateway.connection.reconcile(broker)
    after = await gateway.stored(NAME)
    return after.state, after.reason


async def test_it_is_found_among_the_open_orders(gateway: ConnectionWorld) -> None:
    assert await reconciled(gateway) == ("Working", "")


async def test_it_is_found_among_the_executions(gateway: ConnectionWorld) -> None:
    broker = await gateway.connect()
    order = await gateway.order(NAME, OrderState.UNKNOWN)
    fill = FillReport(order.order_id, order.client_id, 900, CUT, "e", Decimal(4), Decimal(190))
    broker.rounds = [(fill,)]
    await gateway.connection.reconcile(broker)
    after = await gateway.stored(NAME)
    assert (after.state, after.reason, int(after.filled)) == ("Working", "", 4)


@pytest.mark.parametrize(
    "foreign",
    [
        {"order_ref": "ibg-000000000000"},
        {"order_ref": order_ref(NAME)[:11]},
        {"order_ref": "manual"},
        {"client_id": 18},
        {"order_id": 99},
        {"order_id": 0, "client_id": 0},
    ],
)
async def test_a_foreign_order_is_not_taken_for_it(
    gateway: ConnectionWorld, foreign: dict[str, Any]
) -> None:
    found = await reconciled(gateway, **foreign)
    assert found == ("Unknown", "NotFoundAtBroker")
