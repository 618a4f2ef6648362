"""The kill switch's other half: every order and rebalance that has not ended is cancelled. `POST /v1/cancel-all`."""

import logging
from collections import Counter
from typing import Any, Final

from ibgateway_executor.intake.services import IntakeServices
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.order import OrderState, cancel_wherever
from ibgateway_executor.rebalance.progress import cancel

logger = logging.getLogger(__name__)

AT_ONCE: Final = 200
"""Orders in one transaction: other writes wait for it."""


async def cancel_all(services: IntakeServices, by: str) -> dict[str, Any]:
    """Cancel what is unsent, have the broker asked to cancel the rest; how many of each.

    Rebalances first: else one would go on with what its orders have left. An order whose fate is not known is cancelled once it is found. What comes later is not touched: pause first.
    """
    ledger = services.ledger
    runs = await ledger.rebalances.active()
    for run in runs:
        await ledger.rebalances.advance(run.id, cancel, ChangeCause.CLIENT)
    orders = sorted(ledger.active, key=lambda order: order.sequence)
    counted: Counter[OrderState] = Counter()
    asked: list[str] = []
    for start in range(0, len(orders), AT_ONCE):
        portion = {order.id: cancel_wherever for order in orders[start : start + AT_ONCE]}
        for order in await ledger.ask_all(portion, ChangeCause.CLIENT):
            counted[order.state] += 1
            if order.state in (OrderState.SENDING, OrderState.WORKING):
                asked.append(order.id)
    services.cancel_again(asked)
    cancelled, doubted = counted[OrderState.CANCELLED], counted[OrderState.UNKNOWN]
    logger.warning(
        "%s cancels everything: %d rebalances; of orders %d unsent, %d at IBKR, %d in doubt",
        by,
        len(runs),
        cancelled,
        len(asked),
        doubted,
    )
    return {"cancelled": cancelled, "asked": len(asked), "inDoubt": doubted}
