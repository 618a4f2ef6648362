"""One connection to the gateway through the IB library's client.

The library's client (handshake, framing, encoding) is used with callbacks of our own instead of its
`IB` facade: the facade keeps an order state that turns notices into cancels, swallows requests that
time out and notices a closed socket only after its whole time limit. Every request here has a
future of its own, a time limit, and fails with the connection or with the gateway's refusal.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final

from ibgateway_executor.broker.ib.address import USUAL_LIMITS, GatewayAddress, RequestLimits
from ibgateway_executor.broker.ib.answers import RequestAnswers
from ibgateway_executor.broker.ib.library import ib_library, library_name
from ibgateway_executor.broker.ib.request_ids import RequestIds
from ibgateway_executor.broker.ib.shared_answers import SharedAnswers
from ibgateway_executor.broker.ib.translation import (
    account_report,
    contract_of,
    market_quote,
    order_of,
    position,
)
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer
from ibgateway_executor.broker.protocol import (
    BrokerEvent,
    Candidate,
    Disconnected,
    LinkLost,
    LinkRestored,
    Listener,
)
from ibgateway_executor.errors import (
    ClientIdInUseError,
    NoAnswerError,
    NotConnectedError,
    RequestRefusedError,
)
from ibgateway_executor.orders.broker_reports import OrderError, OrderEvent
from ibgateway_executor.orders.order import Contract, Order
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    CommissionReport,
    ExecutionReport,
    MarketQuote,
    OpenOrderReport,
    PositionReport,
    PriceKind,
)

logger = logging.getLogger(__name__)

LINK_LOST: Final = frozenset({1100, 2110})
LINK_RESTORED: Final = frozenset({1101, 1102})
CLIENT_ID_IN_USE: Final = 326
READ_ONLY: Final = 321
TOO_FAST: Final = 100
"""The third one ends the connection."""
NO_CONTRACT: Final = 200
DATA_NOTICES: Final = frozenset({10090, 10167})
"""A snapshot's prices follow all the same: a part of them, or delayed ones."""
LIVE: Final = 1
DELAYED: Final = 3
"""marketDataType: the delayed price only where there is no subscription for the other."""
SNAPSHOTS_AT_ONCE: Final = 50
"""Each is a line of market data until it ends. A user has a hundred of them by default, for all screens and clients together."""
ENDED_STATUSES: Final = frozenset({"Cancelled", "ApiCancelled", "Filled"})
GLOBAL: Final = ("openOrders", "completedOrders", "positions")
"""Requests without an id: an error about them carries -1."""


class IbBroker:
    """One connection; made by `connect`, useless after `Disconnected`."""

    def __init__(
        self,
        address: GatewayAddress,
        listener: Listener,
        pacer: MessagePacer,
        limits: RequestLimits,
    ) -> None:
        self._address = address
        self._listener = listener
        self._pacer = pacer
        self._limits = limits
        self._answers = RequestAnswers()
        self._ended: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._ready = False
        self._requests = RequestIds()
        self._next_valid_id = 0
        self.offered_id = 0
        """nextValidId as the gateway told it, whatever is known beside it."""
        self._data_type = LIVE
        self._shared = SharedAnswers()
        self._asking_positions = asyncio.Lock()
        self._asking_orders = asyncio.Lock()
        self._snapshots = asyncio.Semaphore(SNAPSHOTS_AT_ONCE)
        self.accounts: tuple[str, ...] = ()
        self._client = ib_library.Client(_Callbacks(self._on_callback))
        # `pacer` does it: the library's queue would hold an order back unseen, behind every lookup, and
        # drop it with the connection.
        self._client.MaxRequests = 0

    async def connect(self) -> None:
        """Handshake, accounts and next valid id, or a BrokerError at once when the peer closes."""
        where = self._address
        attempt = asyncio.ensure_future(
            self._client.connectAsync(where.host, where.port, where.client_id, self._limits.connect)
        )
        ended = self._ended
        try:
            await asyncio.wait({attempt, ended}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            attempt.cancel()
        try:
            await attempt
        except (OSError, TimeoutError, asyncio.CancelledError) as error:
            self._disconnect()
            why = ended.result() if ended.done() else repr(error)
            if why == str(CLIENT_ID_IN_USE):
                raise ClientIdInUseError(f"client id {where.client_id} is in use") from error
            raise NotConnectedError(f"{where.host}:{where.port} does not answer: {why}") from error
        self._ready = True

    @property
    def client_id(self) -> int:
        """Who we are on this connection."""
        return self._address.client_id

    @property
    def connected(self) -> bool:
        """Whether the connection stands, as far as this side knows."""
        return self._ready and not self._ended.done()

    @property
    def next_valid_id(self) -> int:
        """The lowest order id the gateway takes."""
        return self._next_valid_id

    def place(self, order: Order) -> None:
        """Write a new order; NotConnectedError, with nothing written, when the connection is gone."""
        self._require()
        self._client.placeOrder(order.order_id, contract_of(order.terms.contract), order_of(order))

    def cancel(self, order_id: int) -> None:
        """Write a cancel."""
        self._require()
        self._client.cancelOrder(order_id)

    async def open_orders(self) -> tuple[OrderEvent, ...]:
        """Every working order of the login, of all clients."""
        async with self._asking_orders:
            return await self._ask("openOrders", self._client.reqAllOpenOrders)

    async def open_order_reports(self) -> tuple[OpenOrderReport, ...]:
        """The same, whole. What is told about an order meanwhile counts too."""
        async with self._asking_orders:
            self._answers.whole_orders = True
            try:
                rows = await self._ask("openOrders", self._client.reqAllOpenOrders)
            finally:
                self._answers.whole_orders = False
        latest: dict[tuple[int, int, int], OpenOrderReport] = {}
        for row in rows:
            key = (row.perm_id, row.client_id, row.order_id)
            if row.status in ENDED_STATUSES:
                latest.pop(key, None)
            elif isinstance(row, OpenOrderReport):
                latest[key] = row
        return tuple(latest.values())

    async def completed_orders(self) -> tuple[OrderEvent, ...]:
        """Every order that ended today."""
        request = partial(self._client.reqCompletedOrders, apiOnly=False)
        key = "completedOrders"
        return await self._shared.answer(key, lambda: self._ask(key, request))

    async def executions(self) -> tuple[OrderEvent, ...]:
        """Every execution of the day."""
        key = self._new_id()
        everything = ib_library.ExecutionFilter()
        return await self._ask(key, lambda: self._client.reqExecutions(key, everything))

    async def day_executions(self) -> tuple[ExecutionReport, ...]:
        """Every execution of the day, whole. A correction has the execId of what it corrects but for its end."""
        key = self._new_id()
        everything = ib_library.ExecutionFilter()
        self._answers.detailed.add(key)
        try:
            rows = await self._ask(key, lambda: self._client.reqExecutions(key, everything))
        finally:
            self._answers.detailed.discard(key)
        return tuple({row.exec_id.rpartition(".")[0] or row.exec_id: row for row in rows}.values())

    async def candidates(self, contract: Contract) -> tuple[Candidate, ...]:
        """The contracts that fit; empty when there is none (200)."""
        key = self._new_id()
        wanted = contract_of(contract)
        request = partial(self._client.reqContractDetails, key, wanted)
        try:
            return await self._ask(key, request, kind=MessageKind.LOOKUP)
        except RequestRefusedError as error:
            if error.code == NO_CONTRACT:
                return ()
            raise

    async def price(self, contract: Contract) -> Decimal | None:
        """A snapshot's last price, as soon as it comes, else ask, else bid; None when there is none."""
        found = (await self.quote(contract)).price
        return None if found is None or found[1] is PriceKind.CLOSE else found[0]

    async def quote(self, contract: Contract, *, delayed: bool = False) -> MarketQuote:
        """A snapshot's prices, as soon as the last price has come.

        What has come counts, even where the snapshot's end does not.
        """
        key = self._new_id()

        def request() -> None:
            self._want_data(DELAYED if delayed else LIVE)
            self._client.reqMktData(
                *(key, contract_of(contract), ""),
                snapshot=True,
                regulatorySnapshot=False,
                mktDataOptions=[],
            )

        async with self._snapshots:
            rows = await self._ask(
                key, request, limit=self._limits.price, kind=MessageKind.LOOKUP, some_rows_do=True
            )
        return market_quote(dict(rows))

    async def positions(self) -> tuple[PositionReport, ...]:
        """What the accounts hold. The subscription that the question is ends with its answer."""
        async with self._asking_positions:
            try:
                rows = await self._ask("positions", self._client.reqPositions)
            finally:
                self._write_if_connected(self._client.cancelPositions)
        held = [position(*row) for row in rows]
        latest = {(row.account, row.contract.con_id): row for row in held}
        return tuple(row for row in latest.values() if row.quantity)

    async def account(self, account: str) -> AccountReport:
        """An account's values, of each currency too; the subscription ends with its answer.

        Not reqAccountUpdates: there is one such subscription for a whole connection. Not reqAccountSummary:
        it says neither whether the values are valid yet nor what is held in which currency.
        """
        key = self._new_id()
        request = partial(self._client.reqAccountUpdatesMulti, key, account, "", ledgerAndNLV=False)
        try:
            rows = await self._ask(key, request)
        finally:
            self._write_if_connected(partial(self._client.cancelAccountUpdatesMulti, key))
        return account_report(account, rows)

    async def commissions(self) -> tuple[CommissionReport, ...]:
        """What the fills of the day cost: the gateway tells it after each one that it lists."""
        await self.executions()
        return self._answers.commissions

    async def server_time(self) -> datetime:
        """IBKR's clock, whole seconds."""
        request, key = self._client.reqCurrentTime, "currentTime"
        ask = partial(self._ask, key, request, limit=self._limits.ping)
        rows = await self._shared.answer(key, ask)
        return datetime.fromtimestamp(rows[0], UTC)

    def close(self) -> None:
        """End the connection; the listener is not called."""
        self._ready = False
        self._disconnect()
        self._answers.fail(NotConnectedError("the connection was closed by the executor"))

    def _disconnect(self) -> None:
        """The library's disconnect raises, and leaves the socket open, when the peer has reset it."""
        transport = self._client.conn.transport
        with suppress(OSError):
            self._client.disconnect()
        if transport is not None:
            transport.close()

    def _require(self) -> None:
        if not self.connected:
            raise NotConnectedError("the connection to the gateway is closed")

    def _want_data(self, kind: int) -> None:
        """What the connection's market data shall be from now on; said only where that is new."""
        if kind != self._data_type:
            self._client.reqMarketDataType(kind)
            self._pacer.count(MessageKind.LOOKUP)
            self._data_type = kind

    def _write_if_connected(self, message: Callable[[], None]) -> None:
        if self.connected:
            message()
            self._pacer.count(MessageKind.QUESTION)

    def _new_id(self) -> int:
        return self._requests.new(self._next_valid_id)

    async def _ask(
        self,
        key: int | str,
        request: Callable[[], None],
        *,
        limit: float | None = None,
        kind: MessageKind = MessageKind.QUESTION,
        some_rows_do: bool = False,
    ) -> tuple[Any, ...]:
        """The rows of the answer. The time limit counts from the moment at which the request leaves.

        `some_rows_do`: where the end does not come in time, the rows that have come are the answer.
        """
        await self._pacer.turn(kind)
        self._require()
        answer = self._answers.expect(key)
        request()
        try:
            async with asyncio.timeout(limit or self._limits.answer):
                return await answer
        except TimeoutError as error:
            rows = self._answers.rows(key)
            if some_rows_do and rows:
                return rows
            if self._answers.doubtful(key):
                self._end(f"the answers to {key} can't be told apart any more")
            raise NoAnswerError(f"no answer to {key} in time") from error
        finally:
            self._answers.forget(key)

    def _on_callback(self, name: str, args: tuple[Any, ...]) -> None:
        """One callback of the library, by its name there."""
        if name == "error":
            self._error(*args[:3])
        elif name == "managedAccounts":
            self.accounts = tuple(a for a in args[0].split(",") if a)
        elif name == "nextValidId":
            self.offered_id = args[0]
            self._next_valid_id = max(self._next_valid_id, args[0])
        elif name in ("setEventsDone", "connectionClosed"):
            self._end("the gateway closed the connection")
        else:
            for event in self._answers.handle(name, args):
                self._learn_id(event)
                self._listener(event)

    def _learn_id(self, event: OrderEvent) -> None:
        """An order with our client id stands at the broker: its id would change that order, not make a new one."""
        if event.client_id == self.client_id:
            self._next_valid_id = max(self._next_valid_id, event.order_id + 1)

    def _error(self, request_id: int, code: int, text: str) -> None:
        if code == TOO_FAST:
            logger.warning("the gateway says that messages come too fast: %d: %s", code, text)
            self._pacer.too_fast()
        if code == CLIENT_ID_IN_USE:
            self._end(str(CLIENT_ID_IN_USE))
        elif code in LINK_LOST:
            self._listener(LinkLost(f"{code}: {text}"))
        elif code in LINK_RESTORED:
            self._listener(LinkRestored())
        elif request_id == -1 and code == READ_ONLY:
            self._answers.refuse(GLOBAL, RequestRefusedError(code, text))
        elif code in DATA_NOTICES and self._answers.expects(request_id):
            logger.debug("about market data: %d: %s", code, text)
        elif self._answers.expects(request_id):
            self._answers.refuse((request_id,), RequestRefusedError(code, text))
        elif request_id > 0 and not self._requests.given(request_id):
            self._listener(OrderError(request_id, self._address.client_id, code, text))

    def _end(self, message: str) -> None:
        if self._ended.done():
            return
        self._ended.set_result(message)
        self._answers.fail(NotConnectedError(message))
        if self._ready:
            event: BrokerEvent = Disconnected(message)
            self._listener(event)


class _Callbacks:
    """The library calls methods by name; all of them are one call here."""

    def __init__(self, on_callback: Callable[[str, tuple[Any, ...]], None]) -> None:
        self._on_callback = on_callback
        self.ib = self
        self.defaultTimezone = UTC
        self.TimezoneTWS = "America/New_York"

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *args: self._on_callback(name, args)


async def connect(
    address: GatewayAddress,
    listener: Listener,
    pacer: MessagePacer,
    limits: RequestLimits = USUAL_LIMITS,
) -> IbBroker:
    """A connected broker; NotConnectedError or ClientIdInUseError when there is none to be had."""
    broker = IbBroker(address, listener, pacer, limits)
    await broker.connect()
    logger.info("the IB library is %s", library_name())
    return broker
