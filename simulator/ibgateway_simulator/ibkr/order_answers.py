"""Answers about orders: placing, cancelling, and what is open, completed or executed."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace

from ibgateway_simulator.ibkr.api_connection import AnswerTable, ApiClientConnection
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.faults import OrderLoss
from ibgateway_simulator.model.trading.audit import ArrivalFate
from ibgateway_simulator.model.trading.hours import EASTERN
from ibgateway_simulator.model.trading.order_checks import plain_refusal
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    ErrorMessage,
    OrderMessage,
    OrderTicket,
    WhatIfMessage,
)
from ibgateway_simulator.tws.requests import ApiRequest, ClientRequest, unknown_ticket

INVALID_ACCOUNT = "Error validating request.-'bW' : cause - Invalid account code."


class OrderAnswers:
    """Requests of one client about orders."""

    def __init__(self, ibkr: SimulatedIbkr, connection: ApiClientConnection) -> None:
        self._ibkr = ibkr
        self._connection = connection
        self._unsent: list[tuple[OrderTicket, int]] = []

    def table(self) -> AnswerTable:
        """What answers which request."""
        return {
            ApiRequest.PLACE_ORDER: self._place,
            ApiRequest.CANCEL_ORDER: self._cancel,
            ApiRequest.REQ_GLOBAL_CANCEL: self._cancel_all,
            ApiRequest.REQ_IDS: self._ids,
            ApiRequest.REQ_OPEN_ORDERS: self._open_orders,
            ApiRequest.REQ_ALL_OPEN_ORDERS: self._all_open_orders,
            ApiRequest.REQ_COMPLETED_ORDERS: self._completed_orders,
            ApiRequest.REQ_EXECUTIONS: self._executions,
        }

    def send_next_id(self) -> None:
        """Send nextValidId."""
        client = self._connection.identity
        order_id = self._ibkr.book.next_valid_id(client.account, client.client_id)
        self._connection.send(self._connection.say.next_valid_id(order_id))

    def refuse_all(self, request: ClientRequest) -> int:
        """A read-only API has been sent an order: its order id."""
        ticket, arrival = self._arrived(request)
        self._ibkr.audit.became(arrival, ArrivalFate.READ_ONLY)
        return ticket.order_id

    def ignore(self, request: ClientRequest) -> None:
        """An order has arrived and nobody answers."""
        self._arrived(request)

    def link_restored(self) -> None:
        """Place orders kept while the link was lost, if the gateway keeps such orders."""
        kept, self._unsent = self._unsent, []
        if self._ibkr.book.faults.resubmit:
            for ticket, arrival in kept:
                self._book(ticket, arrival)

    def _ids(self, _: ClientRequest) -> None:
        self.send_next_id()

    def _place(self, request: ClientRequest) -> None:
        ticket, arrival = self._arrived(request)
        if not self._connection.reachable():
            self._ibkr.note("order_unsent", order_ref=ticket.order_ref)
            self._ibkr.audit.became(arrival, ArrivalFate.KEPT)
            self._unsent.append((ticket, arrival))
            return
        loss = OrderLoss.NONE if ticket.what_if else self._ibkr.book.take_loss()
        if loss is not OrderLoss.NONE:
            self._lose(ticket, arrival, loss)
            return
        self._ibkr.note(
            "order", order_ref=ticket.order_ref, symbol=ticket.symbol, action=ticket.action,
            quantity=str(ticket.quantity), client_id=ticket.client_id, what_if=ticket.what_if,
        )  # fmt: skip
        self._book(ticket, arrival)

    def _arrived(self, request: ClientRequest) -> tuple[OrderTicket, int]:
        """The order as IBKR keeps it, and the number of its arrival."""
        client, limit = self._connection.identity, self._ibkr.book.faults.order_ref_limit
        ticket = request.ticket(client.accounts, client.client_id)
        arrival = self._ibkr.audit.arrived(ticket, client.number, self._ibkr.now())
        kept = ticket.order_ref[:limit] if limit else ticket.order_ref
        return replace(ticket, order_ref=kept), arrival

    def _book(self, ticket: OrderTicket, arrival: int) -> None:
        told = self._placed(ticket, arrival)
        if self._ibkr.book.faults.what_if_unset_first:
            told = [*(replace(m, margin=None) for m in told if isinstance(m, WhatIfMessage)), *told]
        self._ibkr.publish(told)

    def _placed(self, ticket: OrderTicket, arrival: int) -> list[OrderMessage]:
        """What the book says to it. A refusal is noted, whoever hears of it: the book does not have the order."""
        book, before = self._ibkr.book, len(self._ibkr.book.orders)
        if ticket.account and ticket.account not in self._connection.identity.accounts:
            told: list[OrderMessage] = [ErrorMessage(ticket, 321, INVALID_ACCOUNT)]
        else:
            told = book.place(ticket, self._ibkr.now())
        known = book.known(ticket.key)
        changed = known is not None and known.ticket == replace(ticket, tif=known.ticket.tif)
        if ticket.what_if:
            self._ibkr.audit.became(arrival, ArrivalFate.WHAT_IF)
        elif known is not None and len(book.orders) > before:
            self._ibkr.audit.became(arrival, ArrivalFate.BOOKED, known.perm_id)
        elif known is not None and changed:
            self._ibkr.audit.became(arrival, ArrivalFate.CHANGED, known.perm_id)
        else:
            self._ibkr.audit.became(arrival, ArrivalFate.REFUSED)
            for error in (message for message in told if isinstance(message, ErrorMessage)):
                self._ibkr.note(
                    "order_refused", order_ref=ticket.order_ref, code=error.code,
                    client_id=ticket.client_id, order_id=ticket.order_id,
                )  # fmt: skip
        return told

    def _lose(self, ticket: OrderTicket, arrival: int, loss: OrderLoss) -> None:
        self._ibkr.note("order_lost", order_ref=ticket.order_ref, when=loss)
        self._ibkr.audit.became(arrival, ArrivalFate.LOST)
        if loss is OrderLoss.LATE:
            self._ibkr.late.append((ticket, arrival))
        elif loss is OrderLoss.REJECTED:
            self._reject_unheard(ticket, arrival)
        elif loss is OrderLoss.AFTER_BOOKING:
            self._placed(ticket, arrival)
        if loss is not OrderLoss.SILENTLY:
            self._connection.abort()

    def _reject_unheard(self, ticket: OrderTicket, arrival: int) -> None:
        """This order and no later one, also where the book refuses it before it would reject it."""
        book = self._ibkr.book
        asked = book.faults.reject_next
        book.faults = replace(book.faults, reject_next="Rejected while nobody listened.")
        self._placed(ticket, arrival)
        left = asked if book.faults.reject_next else ""
        book.faults = replace(book.faults, reject_next=left)

    def _cancel(self, request: ClientRequest) -> None:
        client = self._connection.identity
        key = (client.account, client.client_id, request.req_id)
        book = self._ibkr.book
        asked = book.faults.refuse_cancel_next
        book.faults = replace(book.faults, refuse_cancel_next=0)
        if why := plain_refusal(asked):
            self._connection.error(key[2], why.code, why.text)
            return
        self._ibkr.publish(self._ibkr.book.cancel(key, unknown_ticket(key), self._ibkr.now()))

    def _cancel_all(self, _: ClientRequest) -> None:
        for order in self._working():
            self._ibkr.publish(
                self._ibkr.book.cancel(order.ticket.key, order.ticket, self._ibkr.now())
            )

    def _open_orders(self, _: ClientRequest) -> None:
        mine = self._connection.identity.client_id
        self._list([order for order in self._known() if order.ticket.client_id == mine])

    def _all_open_orders(self, _: ClientRequest) -> None:
        self._list(self._known())

    def _working(self) -> tuple[BookedOrder, ...]:
        return self._ibkr.book.open_orders(self._connection.identity.accounts)

    def _known(self) -> tuple[BookedOrder, ...]:
        """What is listed as open: nothing for a moment after the start, where that is asked for."""
        known = self._started_for(self._ibkr.book.faults.orders_empty_seconds)
        return self._working() if known else ()

    def _reports_known(self) -> bool:
        """Whether executions and completed orders are told already."""
        return self._started_for(self._ibkr.book.faults.reports_empty_seconds)

    def _started_for(self, seconds: float) -> bool:
        since = (self._ibkr.now() - self._connection.started).total_seconds()
        return not seconds or since >= seconds

    def _list(self, orders: Sequence[BookedOrder]) -> None:
        say = self._connection.say
        for order in orders:
            self._connection.send(say.open_order(order), say.order_status(order))
        self._connection.send(say.open_order_end())

    def _completed_orders(self, _: ClientRequest) -> None:
        """Of IBKR's day only: what was done before is told by nobody."""
        client = self._connection.identity
        known = self._started_for(self._ibkr.book.faults.completed_empty_seconds)
        for order in self._ibkr.book.orders.values() if known and self._reports_known() else ():
            today = order.completed is not None and self._is_today(order.completed)
            if order.done and today and order.ticket.account in client.accounts:
                self._connection.send(self._connection.say.completed_order(order))
        self._connection.send(self._connection.say.completed_orders_end())

    def _executions(self, request: ClientRequest) -> None:
        wanted, say = request.execution_filter(), self._connection.say
        client = self._connection.identity
        for execution in self._ibkr.book.executions if self._reports_known() else ():
            mine = execution.ticket.account in client.accounts
            if self._is_today(execution.at) and mine and wanted.matches(execution):
                self._connection.send(
                    say.exec_details(execution, wanted.req_id), say.commission_report(execution)
                )
        self._connection.send(say.exec_details_end(wanted.req_id))

    def _is_today(self, at: dt.datetime) -> bool:
        today = self._ibkr.now().astimezone(EASTERN).date()
        return at.astimezone(EASTERN).date() == today
