"""What the server answers to each request of one API client, and to which it answers nothing."""

import datetime as dt
from dataclasses import replace

from ibgateway_simulator.ibkr.account_answers import AccountAnswers
from ibgateway_simulator.ibkr.api_connection import AnswerTable, ApiClientConnection
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.ibkr.market_answers import MarketAnswers
from ibgateway_simulator.ibkr.order_answers import OrderAnswers
from ibgateway_simulator.tws.requests import ApiRequest, ClientRequest
from ibgateway_simulator.tws.wire import integer

READ_ONLY = (
    "Error validating request.-'bW' : cause - The API interface is currently in Read-Only mode."
)
LOCAL = frozenset(
    {
        ApiRequest.REQ_IDS,
        ApiRequest.SET_SERVER_LOG_LEVEL,
        ApiRequest.REQ_MANAGED_ACCTS,
        ApiRequest.REQ_CURRENT_TIME,
        ApiRequest.REQ_CURRENT_TIME_IN_MILLIS,
        ApiRequest.PLACE_ORDER,
    }
)
"""Handled without IBKR: the gateway knows the answer, or keeps the order until the link is back."""
NOT_READ_ONLY = frozenset(
    {
        ApiRequest.PLACE_ORDER,
        ApiRequest.REQ_OPEN_ORDERS,
        ApiRequest.REQ_COMPLETED_ORDERS,
        ApiRequest.REQ_ALL_OPEN_ORDERS,
        ApiRequest.REQ_GLOBAL_CANCEL,
    }
)
"""Answered with 321 by a read-only API."""
UNANSWERED = (
    ApiRequest.SET_SERVER_LOG_LEVEL,
    ApiRequest.REQ_AUTO_OPEN_ORDERS,
    ApiRequest.REQ_MARKET_DATA_TYPE,
    ApiRequest.CANCEL_ACCOUNT_SUMMARY,
    ApiRequest.CANCEL_ACCOUNT_UPDATES_MULTI,
    ApiRequest.CANCEL_CONTRACT_DATA,
)
TIME_SPACING = dt.timedelta(seconds=1)


class ApiAnswers:
    """Finds the answer to each request of one client."""

    def __init__(self, ibkr: SimulatedIbkr, connection: ApiClientConnection) -> None:
        self._ibkr = ibkr
        self._connection = connection
        self._last_time: dt.datetime | None = None
        self._orders = OrderAnswers(ibkr, connection)
        self._account = AccountAnswers(ibkr, connection)
        self._market = MarketAnswers(ibkr, connection)
        self._table: AnswerTable = {
            **self._orders.table(),
            **self._account.table(),
            **self._market.table(),
            ApiRequest.REQ_MANAGED_ACCTS: self._managed_accounts,
            ApiRequest.REQ_CURRENT_TIME: self._current_time,
            ApiRequest.REQ_CURRENT_TIME_IN_MILLIS: self._current_time,
            **dict.fromkeys(UNANSWERED, self._nothing),
        }

    def answer(self, request: ClientRequest) -> None:
        """Answer one message; unknown ones get 505."""
        kind = request.kind
        if integer(kind) in self._ibkr.book.faults.silent_requests:
            if kind == ApiRequest.PLACE_ORDER:
                self._orders.ignore(request)
            return
        self._flap(integer(kind))
        handler = self._table.get(kind)
        if handler is None:
            self._connection.error(
                request.refused_id, 505, f"Fatal Error: Unknown message id {kind}."
            )
        elif kind in NOT_READ_ONLY and self._read_only():
            placed = kind == ApiRequest.PLACE_ORDER
            order_id = self._orders.refuse_all(request) if placed else -1
            self._connection.error(order_id, 321, READ_ONLY)
        elif kind in LOCAL or self._connection.reachable():
            handler(request)
        elif self._ibkr.book.faults.broker_link_down:
            self._market.unreachable(request)

    def send_next_id(self) -> None:
        """Send nextValidId."""
        self._orders.send_next_id()

    def link_restored(self) -> None:
        """Place orders kept while the link was lost, if the gateway keeps such orders."""
        self._orders.link_restored()

    def account_changed(self) -> None:
        """Send what the client has subscribed to."""
        self._account.changed()
        self._market.changed()

    def accounts(self) -> str:
        """What managedAccounts says: nothing for a moment after the login, where that is asked for."""
        session = self._ibkr.logins.sessions.get(self._connection.identity.session_id)
        faults = self._ibkr.book.faults
        if session is not None:
            since = (self._ibkr.now() - session.since).total_seconds()
            if faults.accounts_empty_seconds and since < faults.accounts_empty_seconds:
                return ""
        listed = faults.managed_accounts
        return ",".join(self._connection.identity.accounts) if listed is None else listed

    def _flap(self, request: int) -> None:
        """The link goes and comes while a request is under way."""
        book = self._ibkr.book
        session = self._ibkr.logins.sessions.get(self._connection.identity.session_id)
        if request and request == book.faults.flap_next and session is not None:
            book.faults = replace(book.faults, flap_next=0)
            self._ibkr.set_link(session, up=False, code=1102)
            self._ibkr.set_link(session, up=True, code=1102)

    def _read_only(self) -> bool:
        session = self._ibkr.logins.sessions.get(self._connection.identity.session_id)
        by_session = session is not None and session.read_only
        return by_session or self._ibkr.book.faults.read_only

    def _nothing(self, request: ClientRequest) -> None:
        """Accepted without an answer."""

    def _managed_accounts(self, _: ClientRequest) -> None:
        self._connection.send(self._connection.say.managed_accounts(self.accounts()))

    def _current_time(self, request: ClientRequest) -> None:
        now, say = self._ibkr.now(), self._connection.say
        last, self._last_time = self._last_time, now
        if last is None or now - last >= TIME_SPACING:
            seconds = request.kind == ApiRequest.REQ_CURRENT_TIME
            told = say.current_time(now) if seconds else say.current_time_in_millis(now)
            self._connection.send(told)
