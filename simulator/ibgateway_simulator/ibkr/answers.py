"""What the server answers to each request of one API client."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ibgateway_simulator.model import accounts, market
from ibgateway_simulator.model.accounts import Account
from ibgateway_simulator.model.orders import BookedOrder, OrderTicket
from ibgateway_simulator.tws import messages, order_fields, requests
from ibgateway_simulator.tws.wire import integer

if TYPE_CHECKING:
    from ibgateway_simulator.ibkr.api_client import ApiClientSession

READ_ONLY = (
    "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
)
NO_CONTRACT = "No security definition has been found for the request"
LOCAL = frozenset({"8", "14", "17", "49"})
WRITES = frozenset({"3", "4", "5", "99", "16", "58"})
TIME_SPACING = dt.timedelta(seconds=1)


class ApiAnswers:
    """Requests of one client and the subscriptions they leave behind."""

    def __init__(self, client: ApiClientSession) -> None:
        self._client = client
        self._last_time: dt.datetime | None = None
        self._positions = False
        self._updates = False
        self._streams: dict[int, market.ListedContract] = {}
        self._unsent: list[OrderTicket] = []
        self._seen: set[int] = set()
        self._table: dict[str, Callable[[Sequence[str]], None]] = {
            "1": self._market_data,
            "2": self._cancel_market_data,
            "3": self._place,
            "4": self._cancel,
            "5": self._open_orders,
            "6": self._account_updates,
            "7": self._executions,
            "8": self._ids,
            "9": self._contract_details,
            "14": self._nothing,
            "15": self._nothing,
            "16": self._all_open_orders,
            "17": self._managed_accounts,
            "49": self._time,
            "58": self._cancel_all,
            "59": self._nothing,
            "61": self._all_positions,
            "62": self._summary,
            "63": self._nothing,
            "64": self._stop_positions,
            "76": self._updates_multi,
            "77": self._nothing,
            "99": self._completed,
        }

    def answer(self, fields: Sequence[str]) -> None:
        """Answer one message; unknown ones get 505."""
        kind = fields[0] if fields else ""
        faults = self._client.ibkr.broker.faults
        if integer(kind) in faults.silent_requests:
            return
        handler = self._table.get(kind)
        if handler is None:
            self._client.error(-1, 505, f"Fatal Error: Unknown message id {kind}.")
        elif kind in WRITES and kind != "4" and self._read_only():
            order = integer(fields[1]) if kind == "3" else -1
            self._client.error(order, 321, READ_ONLY)
        elif kind in LOCAL or kind == "3" or self._client.reachable():
            handler(fields)

    def link_restored(self) -> None:
        """Place orders kept while the link was lost, if the gateway keeps such orders."""
        kept, self._unsent = self._unsent, []
        ibkr = self._client.ibkr
        if ibkr.broker.faults.resubmit:
            for ticket in kept:
                ibkr.publish(ibkr.broker.place(ticket, ibkr.now()))

    def account_changed(self) -> None:
        """Send what the client has subscribed to."""
        if self._positions:
            self._send_positions()
        if self._updates:
            self._send_updates()
        for req_id, contract in self._streams.items():
            self._ticks(req_id, contract)

    def _read_only(self) -> bool:
        session = self._client.ibkr.logins.sessions.get(self._client.session_id)
        by_session = session is not None and session.read_only
        return by_session or self._client.ibkr.broker.faults.read_only

    def _account(self) -> Account:
        return self._client.ibkr.broker.accounts[self._client.account]

    def _values(self) -> tuple[accounts.Value, ...]:
        broker = self._client.ibkr.broker
        prefix = "$LEDGER-" if broker.faults.ledger_prefix else ""
        return accounts.values(self._account(), broker.prices, ledger_prefix=prefix)

    def _nothing(self, fields: Sequence[str]) -> None:
        """Accepted without an answer."""

    def _ids(self, _: Sequence[str]) -> None:
        self._client.send_next_id()

    def _managed_accounts(self, _: Sequence[str]) -> None:
        self._client.send(*messages.managed_accounts(self._client.account))

    def _time(self, _: Sequence[str]) -> None:
        now = self._client.ibkr.now()
        last, self._last_time = self._last_time, now
        if last is None or now - last >= TIME_SPACING:
            self._client.send(*messages.current_time(now))

    def _place(self, fields: Sequence[str]) -> None:
        client = self._client
        ticket = requests.ticket(
            fields, account=client.account, client_id=client.client_id, version=client.version
        )
        if not client.reachable():
            self._unsent.append(ticket)
            return
        ibkr = client.ibkr
        lose = ibkr.broker.take_loss() if not ticket.what_if else ""
        if lose:
            if lose == "after-booking":
                ibkr.broker.place(ticket, ibkr.now())
            ibkr.note("order_lost", order_ref=ticket.order_ref, when=lose)
            client.abort()
            return
        ibkr.note(
            "order", order_ref=ticket.order_ref, symbol=ticket.symbol, action=ticket.action,
            quantity=str(ticket.quantity), client_id=ticket.client_id, what_if=ticket.what_if,
        )  # fmt: skip
        ibkr.publish(ibkr.broker.place(ticket, ibkr.now()))

    def _cancel(self, fields: Sequence[str]) -> None:
        client = self._client
        key = (client.account, client.client_id, integer(fields[2]))
        unknown = requests.unknown_ticket(key)
        client.ibkr.publish(client.ibkr.broker.cancel(key, unknown, client.ibkr.now()))

    def _cancel_all(self, _: Sequence[str]) -> None:
        ibkr = self._client.ibkr
        for order in ibkr.broker.open_orders(self._client.account):
            ibkr.publish(ibkr.broker.cancel(order.ticket.key, order.ticket, ibkr.now()))

    def _open_orders(self, _: Sequence[str]) -> None:
        mine = self._client.client_id
        working = self._client.ibkr.broker.open_orders(self._client.account)
        self._list([order for order in working if order.ticket.client_id == mine])

    def _all_open_orders(self, _: Sequence[str]) -> None:
        self._list(self._client.ibkr.broker.open_orders(self._client.account))

    def _list(self, orders: Sequence[BookedOrder]) -> None:
        for order in orders:
            self._client.send(*order_fields.open_order(order, self._client.version))
            self._client.send(*messages.order_status(order))
        self._client.send(53, 1)

    def _completed(self, _: Sequence[str]) -> None:
        for order in self._client.ibkr.broker.orders.values():
            if order.done and order.ticket.account == self._client.account:
                self._client.send(*order_fields.completed_order(order, self._client.version))
        self._client.send(102)

    def _executions(self, fields: Sequence[str]) -> None:
        wanted = requests.execution_filter(fields)
        client = self._client
        today = client.ibkr.now().astimezone(market.EASTERN).date()
        for execution in client.ibkr.broker.executions:
            same_day = execution.at.astimezone(market.EASTERN).date() == today
            mine = execution.ticket.account == client.account
            if same_day and mine and wanted.matches(execution):
                client.send(*messages.exec_details(execution, wanted.req_id, client.version))
                client.send(*messages.commission_report(execution))
        client.send(55, 1, wanted.req_id)

    def _all_positions(self, _: Sequence[str]) -> None:
        self._positions = True
        self._send_positions()
        self._client.send(62, 1)

    def _stop_positions(self, _: Sequence[str]) -> None:
        self._positions = False

    def _send_positions(self) -> None:
        for con_id, held in self._held():
            self._client.send(*messages.position(con_id, held, self._client.account))

    def _held(self) -> list[tuple[int, accounts.Position]]:
        """The positions, and zero for those this client has seen and that are gone."""
        now = dict(self._account().positions)
        gone = {con_id: accounts.Position() for con_id in self._seen - now.keys()}
        self._seen |= now.keys()
        return [*now.items(), *gone.items()]

    def _account_updates(self, fields: Sequence[str]) -> None:
        self._updates = fields[2] == "1"
        if self._updates:
            self._send_updates()
            self._client.send(54, 1, self._client.account)

    def _send_updates(self) -> None:
        client = self._client
        prices = client.ibkr.broker.prices
        for value in self._values():
            client.send(*messages.account_value(value, client.account))
        for con_id, held in self._held():
            client.send(*messages.portfolio(con_id, held, prices[con_id], client.account))
        client.send(8, 1, client.ibkr.now().strftime("%H:%M"))

    def _updates_multi(self, fields: Sequence[str]) -> None:
        req_id = integer(fields[2])
        for value in self._values():
            account = self._client.account
            self._client.send(*messages.account_value_multi(value, account, req_id))
        self._client.send(74, 1, req_id)

    def _summary(self, fields: Sequence[str]) -> None:
        req_id, tags = integer(fields[2]), set(fields[4].split(","))
        for value in self._values():
            if value.key in tags and value.currency in ("", "USD"):
                self._client.send(*messages.account_summary(value, self._client.account, req_id))
        self._client.send(64, 1, req_id)

    def _contract_details(self, fields: Sequence[str]) -> None:
        client, req_id = self._client, integer(fields[2])
        known = requests.contract_query(fields, 3, 12).find()
        if known is None:
            client.error(req_id, 200, NO_CONTRACT)
            return
        liquid = client.ibkr.broker.hours.text(client.ibkr.now())
        hours = (liquid, liquid)
        client.send(*messages.contract_details(known, req_id, hours=hours, version=client.version))
        client.send(52, 1, req_id)

    def _market_data(self, fields: Sequence[str]) -> None:
        req_id = integer(fields[2])
        known = requests.contract_query(fields, 3, 12).find()
        if known is None:
            self._client.error(req_id, 200, NO_CONTRACT)
            return
        self._client.send(58, 1, req_id, 1)
        self._ticks(req_id, known)
        if len(fields) > 17 and fields[17] == "1":
            self._client.send(57, 1, req_id)
        else:
            self._streams[req_id] = known

    def _cancel_market_data(self, fields: Sequence[str]) -> None:
        self._streams.pop(integer(fields[2]), None)

    def _ticks(self, req_id: int, contract: market.ListedContract) -> None:
        quote = market.quote(self._client.ibkr.broker.prices[contract.con_id])
        for tick, price in ((1, quote.bid), (2, quote.ask), (4, quote.last), (9, quote.last)):
            self._client.send(*messages.tick_price(req_id, tick, price, 100))
        self._client.send(*messages.tick_size(req_id, 8, 1_000_000))
