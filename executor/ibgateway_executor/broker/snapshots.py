"""What the broker told last about positions, accounts and executions, for whoever asks for it over HTTP.

A question that was answered a moment ago is not asked again, and those that come at once share one.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Final, TypeVar

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, OrderRefusedError
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    BrokerAnswer,
    ExecutionReport,
    PositionReport,
)
from ibgateway_runtime.clock import Clock

FRESH_SECONDS: Final = 1.0
"""Younger than this an answer counts as one of now."""

T = TypeVar("T")


class BrokerSnapshots:
    """The last answers of this process. OrderRefusedError where the broker can't be asked and never was."""

    def __init__(self, connection: CurrentConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._kept: dict[str, tuple[BrokerAnswer[Any], float]] = {}
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def positions(self) -> BrokerAnswer[tuple[PositionReport, ...]]:
        """What the accounts hold."""
        return await self._latest("positions", lambda broker: broker.positions())

    async def executions(self) -> BrokerAnswer[tuple[ExecutionReport, ...]]:
        """What was executed since midnight in New York."""
        return await self._latest("executions", lambda broker: broker.day_executions())

    async def account(self, account: str) -> BrokerAnswer[AccountReport]:
        """An account's values."""
        return await self._latest(f"account {account}", lambda broker: broker.account(account))

    async def _latest(self, what: str, ask: Callable[[Broker], Awaitable[T]]) -> BrokerAnswer[T]:
        async with self._one_at_a_time[what]:
            kept, since = self._kept.get(what, (None, float("-inf")))
            if kept is not None and self._clock.monotonic() - since < FRESH_SECONDS:
                return kept
            broker, problem = self._connection.broker, self._problem()
            if broker is not None and not problem:
                try:
                    value = await ask(broker)
                except BrokerError as error:
                    problem = str(error)
                else:
                    answer = BrokerAnswer(value, self._connection.now(), "")
                    self._kept[what] = (answer, self._clock.monotonic())
                    return answer
            if kept is None:
                raise OrderRefusedError(
                    503,
                    "BrokerUnavailable",
                    f"IBKR can't be asked for {what} now and was not asked before: {problem}",
                )
            return replace(kept, problem=problem)

    def _problem(self) -> str:
        state = self._connection.state
        if not state.connected:
            return state.detail or "there is no connection to the gateway"
        return f"the gateway has lost IBKR: {state.detail}" if state.link_lost else ""
