"""What programs of others use, with and without asyncio. `pip install ibgateway[client]`.

The gate, for a program that speaks the TWS API itself:

    async with AsyncGate.from_environment() as gate:
        async with gate.trading():
            ib.placeOrder(contract, order)

The executor's API, for one that does not:

    with ExecutorClient("http://paper-executor-intake:8080", token=token) as client:
        placed = client.place(OrderRequest.market("AAPL", "BUY", 10), key="rebalance-2026-11-23-AAPL")

A request is repeated only where a repetition changes nothing: an order by the key that the caller gave it, never by one of
the client's own.
"""

from ibgateway.client.aio import AsyncExecutorClient
from ibgateway.client.async_gate import AsyncGate
from ibgateway.client.calls import PlacedOrder, PlacedRebalance
from ibgateway.client.errors import (
    ClientError,
    ConflictError,
    GateClosedError,
    GateSettingsError,
    LimitError,
    NotFoundError,
    ProblemError,
    RefusedError,
    TokenError,
    UnansweredError,
    UnavailableError,
    UnreadableError,
)
from ibgateway.client.gate import Gate
from ibgateway.client.gate_state import ClosedGate
from ibgateway.client.order_request import ContractRequest, OrderRequest
from ibgateway.client.retries import RetryLimit
from ibgateway.client.stream_events import ExecutorEvent
from ibgateway.client.sync import ExecutorClient

__all__ = [
    "AsyncExecutorClient",
    "AsyncGate",
    "ClientError",
    "ClosedGate",
    "ConflictError",
    "ContractRequest",
    "ExecutorClient",
    "ExecutorEvent",
    "Gate",
    "GateClosedError",
    "GateSettingsError",
    "LimitError",
    "NotFoundError",
    "OrderRequest",
    "PlacedOrder",
    "PlacedRebalance",
    "ProblemError",
    "RefusedError",
    "RetryLimit",
    "TokenError",
    "UnansweredError",
    "UnavailableError",
    "UnreadableError",
]
