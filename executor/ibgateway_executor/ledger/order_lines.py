"""The log's lines about orders."""

import logging

from ibgateway_executor.orders.order import UNCERTAIN, Order

logger = logging.getLogger(__name__)


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
