"""The client for programs with asyncio."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any, Self, TypeVar

import httpx

from ibgateway.client import calls, http_calls
from ibgateway.client.calls import ApiCall, OrderQuery, PlacedOrder, PlacedRebalance
from ibgateway.client.errors import ClientError
from ibgateway.client.order_request import OrderRequest
from ibgateway.client.retries import RetryLimit, passing
from ibgateway.client.stream_events import CLOSED, EventParser, ExecutorEvent
from ibgateway_api.executor_documents import (
    AccountDocument,
    CancelResult,
    ExecutionPage,
    HistoryEntry,
    OrderDocument,
    PauseDocument,
    PositionPage,
)
from ibgateway_api.rebalance_documents import PlannedRebalance, RebalanceDocument

T = TypeVar("T")


class AsyncExecutorClient:
    """Calls of one executor. `token` may be a function: it is asked at each call, so a rotated token is taken.

    Every method raises a ClientError. `transport` and `sleep` are for tests.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | Callable[[], str],
        retries: RetryLimit | None = None,
        timeout: float = http_calls.TIMEOUT_SECONDS,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = httpx.AsyncClient(base_url=url, timeout=timeout, transport=transport)
        self._token = token
        self._retries = retries or RetryLimit()
        self._sleep = sleep

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def place(self, order: OrderRequest | Mapping[str, Any], *, key: str) -> PlacedOrder:
        """Store an order under a key that derives from the decision behind it; the same key is the same order."""
        return await self._run(calls.place(order, key))

    async def replace(self, order_id: str, changes: Mapping[str, Any], *, key: str) -> PlacedOrder:
        """Cancel an order and have the rest sent anew with these fields, once it has ended."""
        return await self._run(calls.replace(order_id, changes, key))

    async def rebalance(self, body: Mapping[str, Any], *, key: str) -> RebalanceDocument:
        """Trade an account to its target weights; the same key is the same rebalance."""
        return (await self._run(calls.place_rebalance(body, key))).run

    async def place_rebalance(self, body: Mapping[str, Any], *, key: str) -> PlacedRebalance:
        """As `rebalance`, and whether this call is the one that stored it."""
        return await self._run(calls.place_rebalance(body, key))

    async def preview(self, body: Mapping[str, Any]) -> PlannedRebalance:
        """What a rebalance would do now; nothing is stored or sent."""
        return await self._run(calls.preview(body))

    async def rebalance_run(self, rebalance_id: str) -> RebalanceDocument:
        """One rebalance, how far it has come, and its report."""
        return await self._run(calls.get_rebalance(rebalance_id))

    async def cancel_rebalance(self, rebalance_id: str) -> RebalanceDocument:
        """End a rebalance: its open orders are cancelled and nothing follows."""
        return await self._run(calls.cancel_rebalance(rebalance_id))

    async def rebalances(self) -> AsyncGenerator[RebalanceDocument]:
        """Rebalances, oldest first."""
        page = await self._run(calls.rebalance_page(None))
        while True:
            for run in page.rebalances:
                yield run
            if page.next is None:
                return
            page = await self._run(calls.rebalance_page(page.next))

    async def order(self, order_id: str) -> OrderDocument:
        """One order."""
        return await self._run(calls.get_order(order_id))

    async def orders(
        self,
        *,
        state: str | None = None,
        account: str | None = None,
        symbol: str | None = None,
        client_reference: str | None = None,
        since: datetime | None = None,
        newest_first: bool = False,
        page_size: int = 100,
    ) -> AsyncGenerator[OrderDocument]:
        """Orders, oldest first or newest first, page by page as they are taken. An executor that is older refuses `newest_first`."""
        filters = OrderQuery(state, account, symbol, client_reference, since, newest_first)
        page = await self._run(calls.order_page(filters, None, page_size))
        for order in page.orders:
            yield order
        while page.next is not None:
            page = await self._run(calls.order_page(filters, page.next, page_size))
            for order in page.orders:
                yield order

    async def history(self, order_id: str) -> AsyncGenerator[HistoryEntry]:
        """What became of an order, oldest first."""
        page = await self._run(calls.history(order_id, None))
        while True:
            for entry in page.history:
                yield entry
            if page.next is None:
                return
            page = await self._run(calls.history(order_id, page.next))

    async def rebalance_history(self, rebalance_id: str) -> AsyncGenerator[HistoryEntry]:
        """What became of a rebalance, oldest first."""
        page = await self._run(calls.rebalance_history(rebalance_id, None))
        while True:
            for entry in page.history:
                yield entry
            if page.next is None:
                return
            page = await self._run(calls.rebalance_history(rebalance_id, page.next))

    async def cancel(self, order_id: str) -> OrderDocument:
        """Cancel an order; `cancel_written` says whether the broker was asked yet, where it has the order."""
        return await self._run(calls.cancel(order_id))

    async def cancel_all(self, *, by: str) -> CancelResult:
        """Cancel every order that has not ended."""
        return await self._run(calls.cancel_all(by))

    async def resolve(
        self, order_id: str, *, outcome: str, note: str, filled_quantity: int | None = None
    ) -> OrderDocument:
        """Say what became of an order in doubt: found, notAtBroker or giveUp."""
        return await self._run(calls.resolve(order_id, outcome, note, filled_quantity))

    async def positions(self, account: str | None = None) -> PositionPage:
        """What the accounts hold."""
        return await self._run(calls.positions(account))

    async def account(self, account: str | None = None) -> AccountDocument:
        """What an account is worth."""
        return await self._run(calls.account_values(account))

    async def executions(self, account: str | None = None) -> ExecutionPage:
        """What was executed since midnight in New York."""
        return await self._run(calls.executions(account))

    async def paused(self) -> PauseDocument:
        """Whether trading is paused."""
        return await self._run(calls.get_pause())

    async def pause(self, *, by: str, reason: str) -> PauseDocument:
        """Send nothing more until `resume`."""
        return await self._run(calls.pause(by, reason))

    async def resume(self, *, by: str) -> PauseDocument:
        """End a pause."""
        return await self._run(calls.resume(by))

    async def events(
        self, after: int | None = None, *, attempts: int | None = None
    ) -> AsyncGenerator[ExecutorEvent]:
        """Everything that happens after event `after`, or from now on; it goes on by itself when a connection ends.

        A ProblemError that does not pass by itself ends it: UnknownEvent after the ledger was restored. So does the last of so
        many `attempts` in a row that bring no event; without them it goes on for ever. One of another release is an UnreadableError.
        """
        parser, failures = EventParser(after), 0
        while True:
            try:
                async for event in self._listen(parser):
                    failures = 0
                    yield event
            except ClientError as error:
                failures += 1
                if not passing(error) or failures == attempts:
                    raise
            parser.reset()
            await self._sleep(http_calls.reconnect_pause(failures, self._retries))

    async def _listen(self, parser: EventParser) -> AsyncGenerator[ExecutorEvent]:
        """The events of one connection."""
        request = http_calls.stream_request(self._http, parser.last, self._token)
        try:
            answer = await self._http.send(request, stream=True)
            try:
                if answer.status_code != 200:
                    await answer.aread()
                    raise http_calls.error_of(answer)
                async for line in answer.aiter_lines():
                    for event in parser.take(line):
                        yield event
                        if event.name == CLOSED:
                            return
            finally:
                await answer.aclose()
        except http_calls.FAILURES as error:
            raise http_calls.unanswered(error) from error

    async def _run(self, call: ApiCall[T]) -> T:
        attempt = 1
        while True:
            try:
                return await self._once(call)
            except ClientError as error:
                wait = self._retries.wait(error, attempt)
                if wait is None:
                    raise
            await self._sleep(wait)
            attempt += 1

    async def _once(self, call: ApiCall[T]) -> T:
        request = http_calls.request_of(self._http, call, self._token)
        try:
            answer = await self._http.send(request)
        except http_calls.FAILURES as error:
            raise http_calls.unanswered(error) from error
        return http_calls.result_of(call, answer)
