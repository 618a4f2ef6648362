"""An id that a person gives may be an order's or a rebalance's."""

from collections.abc import Callable
from typing import TypeVar

from ibgateway.client import ExecutorClient
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import ExecutorConnection

T = TypeVar("T")
S = TypeVar("S")


def of_order_or_rebalance(
    connection: ExecutorConnection,
    named: str,
    order: Callable[[ExecutorClient], T],
    rebalance: Callable[[ExecutorClient], S],
) -> T | S:
    """What `order` gives, or where there is no such order `rebalance`. Raises PluginError."""
    try:
        return connection.ask(order)
    except PluginError as error:
        if error.exit_code is not ExitCode.NOT_FOUND:
            raise
    try:
        return connection.ask(rebalance)
    except PluginError as error:
        if error.exit_code is not ExitCode.NOT_FOUND:
            raise
        raise PluginError(
            f"there is no order and no rebalance {named}",
            "kubectl ibgateway orders and rebalances list them",
            ExitCode.NOT_FOUND,
        ) from error
