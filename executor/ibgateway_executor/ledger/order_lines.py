"""The log's lines about orders."""

import logging
from collections import Counter
from collections.abc import Iterable
from typing import Final

from ibgateway_executor.orders.order import UNCERTAIN, Order

logger = logging.getLogger(__name__)

CROWD: Final = 50
"""So many orders that begin to wait at once are told in one line."""


def visible(order: Order) -> tuple[object, ...]:
    """What somebody watching would call a change where it differs."""
    return order.state, order.reason, order.message, order.filled


def log_order(order: Order, text: str = "") -> None:
    """`text` is the broker's; a message of our own may quote a client and stays out of the log."""
    logger.log(
        logging.WARNING if order.state in UNCERTAIN else logging.INFO,
        "order %s is %s (%s of %d filled)%s",
        *(order.id, order.state, order.filled, order.terms.quantity),
        "".join(f" {words}" for words in (order.reason, text) if words),
    )


def log_crowd(orders: Iterable[Order]) -> None:
    """Many orders that begin to wait at once: a line for each reason."""
    for reason, number in Counter(order.reason for order in orders).items():
        logger.info("%d orders are Waiting %s", number, reason)
