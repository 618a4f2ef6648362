"""Answers about the account: positions and values, once or for as long as they are subscribed."""

from ibgateway_simulator.ibkr.api_connection import AnswerTable, ApiClientConnection
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.model.trading.accounts import AccountValue, Position, account_values
from ibgateway_simulator.tws.requests import ApiRequest, ClientRequest


class AccountAnswers:
    """Requests of one client about its login's accounts, and the subscriptions they leave behind."""

    def __init__(self, ibkr: SimulatedIbkr, connection: ApiClientConnection) -> None:
        self._ibkr = ibkr
        self._connection = connection
        self._positions = False
        self._updates = ""
        self._shown: set[tuple[str, int]] = set()

    def table(self) -> AnswerTable:
        """What answers which request."""
        return {
            ApiRequest.REQ_POSITIONS: self._subscribe_positions,
            ApiRequest.CANCEL_POSITIONS: self._cancel_positions,
            ApiRequest.REQ_ACCOUNT_UPDATES: self._account_updates,
            ApiRequest.REQ_ACCOUNT_UPDATES_MULTI: self._account_updates_multi,
            ApiRequest.REQ_ACCOUNT_SUMMARY: self._account_summary,
        }

    def changed(self) -> None:
        """Send what the client has subscribed to."""
        if self._positions:
            self._send_positions()
        if self._updates:
            self._send_updates()

    def _values(self, account: str) -> tuple[AccountValue, ...]:
        book = self._ibkr.book
        prefix = "$LEDGER-" if book.faults.ledger_prefix else ""
        return account_values(book.accounts[account], book.prices, ledger_prefix=prefix)

    def _named(self, code: str) -> str:
        """The account of the login that a request names; the first where it names none or another's."""
        accounts = self._connection.identity.accounts
        return code if code in accounts else accounts[0]

    def _subscribe_positions(self, _: ClientRequest) -> None:
        self._positions = True
        self._send_positions()
        self._connection.send(self._connection.say.position_end())

    def _cancel_positions(self, _: ClientRequest) -> None:
        self._positions = False

    def _send_positions(self) -> None:
        for account in self._connection.identity.accounts:
            for con_id, held in self._held(account):
                self._connection.send(self._connection.say.position(con_id, held, account))

    def _held(self, account: str) -> list[tuple[int, Position]]:
        """The positions, and zero for those this client has been shown and that are gone."""
        now = dict(self._ibkr.book.accounts[account].positions)
        shown = {con_id for name, con_id in self._shown if name == account}
        gone = {con_id: Position() for con_id in shown - now.keys()}
        self._shown |= {(account, con_id) for con_id in now}
        return [*now.items(), *gone.items()]

    def _account_updates(self, request: ClientRequest) -> None:
        account = self._named(request.account)
        self._updates = account if request.subscribes else ""
        if self._updates:
            self._send_updates()
            self._connection.send(self._connection.say.account_download_end(account))

    def _send_updates(self) -> None:
        account, prices = self._updates, self._ibkr.book.prices
        for value in self._values(account):
            self._connection.send(self._connection.say.account_value(value, account))
        for con_id, held in self._held(account):
            self._connection.send(
                self._connection.say.portfolio(con_id, held, prices[con_id], account)
            )
        self._connection.send(self._connection.say.account_update_time(self._ibkr.now()))

    def _account_updates_multi(self, request: ClientRequest) -> None:
        req_id, accounts = request.req_id, self._connection.identity.accounts
        for account in [self._named(request.account)] if request.account else accounts:
            for value in self._values(account):
                self._connection.send(
                    self._connection.say.account_value_multi(value, account, req_id)
                )
        self._connection.send(self._connection.say.account_update_multi_end(req_id))

    def _account_summary(self, request: ClientRequest) -> None:
        req_id, tags = request.req_id, set(request.tags.split(","))
        for account in self._connection.identity.accounts:
            for value in self._values(account):
                if value.key in tags and value.currency in ("", "USD"):
                    self._connection.send(
                        self._connection.say.account_summary(value, account, req_id)
                    )
        self._connection.send(self._connection.say.account_summary_end(req_id))
