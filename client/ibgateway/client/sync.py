"""The client for programs without asyncio."""

import time
from collections.abc import Callable, Iterator, Mapping
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


class ExecutorClient:
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
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout, transport=transport)
        self._token = token
        self._retries = retries or RetryLimit()
        self._sleep = sleep

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def place(self, order: OrderRequest | Mapping[str, Any], *, key: str) -> PlacedOrder:
        """Store an order under a key that derives from the decision behind it; the same key is the same order."""
        return self._run(calls.place(order, key))

    def replace(self, order_id: str, changes: Mapping[str, Any], *, key: str) -> PlacedOrder:
        """Cancel an order and have the rest sent anew with these fields, once it has ended."""
        return self._run(calls.replace(order_id, changes, key))

    def rebalance(self, body: Mapping[str, Any], *, key: str) -> RebalanceDocument:
        """Trade an account to its target weights; the same key is the same rebalance."""
        return self._run(calls.place_rebalance(body, key)).run

    def place_rebalance(self, body: Mapping[str, Any], *, key: str) -> PlacedRebalance:
        """As `rebalance`, and whether this call is the one that stored it."""
        return self._run(calls.place_rebalance(body, key))

    def preview(self, body: Mapping[str, Any]) -> PlannedRebalance:
        """What a rebalance would do now; nothing is stored or sent."""
        return self._run(calls.preview(body))

    def rebalance_run(self, rebalance_id: str) -> RebalanceDocument:
        """One rebalance, how far it has come, and its report."""
        return self._run(calls.get_rebalance(rebalance_id))

    def cancel_rebalance(self, rebalance_id: str) -> RebalanceDocument:
        """End a rebalance: its open orders are cancelled and nothing follows."""
        return self._run(calls.cancel_rebalance(rebalance_id))

    def rebalances(self) -> Iterator[RebalanceDocument]:
        """Rebalances, oldest first."""
        page = self._run(calls.rebalance_page(None))
        while True:
            yield from page.rebalances
            if page.next is None:
                return
            page = self._run(calls.rebalance_page(page.next))

    def order(self, order_id: str) -> OrderDocument:
        """One order."""
        return self._run(calls.get_order(order_id))

    def orders(
        self,
        *,
        state: str | None = None,
        account: str | None = None,
        symbol: str | None = None,
        client_reference: str | None = None,
        since: datetime | None = None,
        newest_first: bool = False,
        page_size: int = 100,
    ) -> Iterator[OrderDocument]:
        """Orders, oldest first or newest first, page by page as they are taken. An executor that is older refuses `newest_first`."""
        filters = OrderQuery(state, account, symbol, client_reference, since, newest_first)
        page = self._run(calls.order_page(filters, None, page_size))
        yield from page.orders
        while page.next is not None:
            page = self._run(calls.order_page(filters, page.next, page_size))
            yield from page.orders

    def history(self, order_id: str) -> Iterator[HistoryEntry]:
        """What became of an order, oldest first."""
        page = self._run(calls.history(order_id, None))
        yield from page.history
        while page.next is not None:
            page = self._run(calls.history(order_id, page.next))
            yield from page.history

    def rebalance_history(self, rebalance_id: str) -> Iterator[HistoryEntry]:
        """What became of a rebalance, oldest first."""
        page = self._run(calls.rebalance_history(rebalance_id, None))
        yield from page.history
        while page.next is not None:
            page = self._run(calls.rebalance_history(rebalance_id, page.next))
            yield from page.history

    def cancel(self, order_id: str) -> OrderDocument:
        """Cancel an order; `cancel_written` says whether the broker was asked yet, where it has the order."""
        return self._run(calls.cancel(order_id))

    def cancel_all(self, *, by: str) -> CancelResult:
        """Cancel every order that has not ended."""
        return self._run(calls.cancel_all(by))

    def resolve(
        self, order_id: str, *, outcome: str, note: str, filled_quantity: int | None = None
    ) -> OrderDocument:
        """Say what became of an order in doubt: found, notAtBroker or giveUp."""
        return self._run(calls.resolve(order_id, outcome, note, filled_quantity))

    def positions(self, account: str | None = None) -> PositionPage:
        """What the accounts hold."""
        return self._run(calls.positions(account))

    def account(self, account: str | None = None) -> AccountDocument:
        """What an account is worth."""
        return self._run(calls.account_values(account))

    def executions(self, account: str | None = None) -> ExecutionPage:
        """What was executed since midnight in New York."""
        return self._run(calls.executions(account))

    def paused(self) -> PauseDocument:
        """Whether trading is paused."""
        return self._run(calls.get_pause())

    def pause(self, *, by: str, reason: str) -> PauseDocument:
        """Send nothing more until `resume`."""
        return self._run(calls.pause(by, reason))

    def resume(self, *, by: str) -> PauseDocument:
        """End a pause."""
        return self._run(calls.resume(by))

    def events(
        self, after: int | None = None, *, attempts: int | None = None
    ) -> Iterator[ExecutorEvent]:
        """Everything that happens after event `after`, or from now on; it goes on by itself when a connection ends.

        A ProblemError that does not pass by itself ends it: UnknownEvent after the ledger was restored. So does the last of so
        many `attempts` in a row that bring no event; without them it goes on for ever. One of another release is an UnreadableError.
        """
        parser, failures = EventParser(after), 0
        while True:
            try:
                for event in self._listen(parser):
                    failures = 0
                    yield event
            except ClientError as error:
                failures += 1
                if not passing(error) or failures == attempts:
                    raise
            parser.reset()
            self._sleep(http_calls.reconnect_pause(failures, self._retries))

    def _listen(self, parser: EventParser) -> Iterator[ExecutorEvent]:
        """The events of one connection."""
        request = http_calls.stream_request(self._http, parser.last, self._token)
        try:
            answer = self._http.send(request, stream=True)
            try:
                if answer.status_code != 200:
                    answer.read()
                    raise http_calls.error_of(answer)
                for line in answer.iter_lines():
                    for event in parser.take(line):
                        yield event
                        if event.name == CLOSED:
                            return
            finally:
                answer.close()
        except http_calls.FAILURES as error:
            raise http_calls.unanswered(error) from error

    def _run(self, call: ApiCall[T]) -> T:
        attempt = 1
        while True:
            try:
                return self._once(call)
            except ClientError as error:
                wait = self._retries.wait(error, attempt)
                if wait is None:
                    raise
            self._sleep(wait)
            attempt += 1

    def _once(self, call: ApiCall[T]) -> T:
        request = http_calls.request_of(self._http, call, self._token)
        try:
            answer = self._http.send(request)
        except http_calls.FAILURES as error:
            raise http_calls.unanswered(error) from error
        return http_calls.result_of(call, answer)
