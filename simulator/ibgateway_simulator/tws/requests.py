"""What clients ask for, whichever protocol carries it, pure.

A ClientRequest is one message as its protocol reads it: what a request does not have is empty or zero.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.hours import EASTERN
from ibgateway_simulator.model.trading.orders import Execution, OrderAction, OrderKey, OrderTicket


class ApiRequest(StrEnum):
    """The number of a request, under the name that the TWS API gives it."""

    REQ_MKT_DATA = "1"
    CANCEL_MKT_DATA = "2"
    PLACE_ORDER = "3"
    CANCEL_ORDER = "4"
    REQ_OPEN_ORDERS = "5"
    REQ_ACCOUNT_UPDATES = "6"
    REQ_EXECUTIONS = "7"
    REQ_IDS = "8"
    REQ_CONTRACT_DETAILS = "9"
    SET_SERVER_LOG_LEVEL = "14"
    REQ_AUTO_OPEN_ORDERS = "15"
    REQ_ALL_OPEN_ORDERS = "16"
    REQ_MANAGED_ACCTS = "17"
    REQ_CURRENT_TIME = "49"
    REQ_GLOBAL_CANCEL = "58"
    REQ_MARKET_DATA_TYPE = "59"
    REQ_POSITIONS = "61"
    REQ_ACCOUNT_SUMMARY = "62"
    CANCEL_ACCOUNT_SUMMARY = "63"
    CANCEL_POSITIONS = "64"
    START_API = "71"
    REQ_ACCOUNT_UPDATES_MULTI = "76"
    CANCEL_ACCOUNT_UPDATES_MULTI = "77"
    REQ_COMPLETED_ORDERS = "99"
    REQ_CURRENT_TIME_IN_MILLIS = "105"
    CANCEL_CONTRACT_DATA = "106"


@dataclass(frozen=True, slots=True)
class ContractQuery:
    """What a client says about a contract; the server finds the rest."""

    con_id: int
    symbol: str
    sec_type: str
    currency: str

    def find(self) -> market.ListedContract | None:
        """The contract meant, or None."""
        return market.find(self.con_id, self.symbol, self.sec_type, self.currency)


@dataclass(frozen=True, slots=True)
class ExecutionFilter:
    """reqExecutions (7); client id 0 and empty texts match everything."""

    req_id: int
    client_id: int
    account: str
    since: str
    symbol: str
    side: str

    def matches(self, execution: Execution) -> bool:
        """Whether the execution is asked for."""
        made = execution.ticket
        side = OrderAction.BUY if self.side in ("BUY", "BOT") else OrderAction.SELL
        return (
            self.client_id in (0, made.client_id)
            and self.account in ("", made.account)
            and self.symbol in ("", made.symbol)
            and (not self.side or side == made.action)
            and (not self.since or execution.at >= _moment(self.since))
        )


def order_action(word: str) -> OrderAction:
    """BUY or SELL as it stands there; anything else is neither."""
    return OrderAction(word) if word in (OrderAction.BUY, OrderAction.SELL) else OrderAction.NEITHER


class ClientRequest(Protocol):
    """One message of a client."""

    @property
    def kind(self) -> str:
        """Which request it is: an ApiRequest, or a number that none has."""

    @property
    def fields(self) -> tuple[str, ...]:
        """What is recorded of it as text; the first one is `kind`."""

    @property
    def content(self) -> dict[str, Any] | None:
        """What is recorded of it by name, where its protocol has names."""

    @property
    def refused_id(self) -> int:
        """What an error names where the request is not known: its number, or -1."""

    @property
    def req_id(self) -> int:
        """The request's number, in a cancelOrder the order's."""

    @property
    def client_id(self) -> int:
        """Who starts the API."""

    @property
    def account(self) -> str:
        """Whose values are asked for."""

    @property
    def subscribes(self) -> bool:
        """Whether account updates are to start, rather than to end."""

    @property
    def tags(self) -> str:
        """Which values of an account summary are asked for, between commas."""

    @property
    def snapshot(self) -> bool:
        """Whether prices are asked for once."""

    def contract_query(self) -> ContractQuery:
        """The contract whose details or prices are asked for."""

    def execution_filter(self) -> ExecutionFilter:
        """Which executions are asked for."""

    def ticket(self, accounts: Sequence[str], client_id: int) -> OrderTicket:
        """The order that a login with these accounts is sent.

        A contract nobody knows keeps number 0, several accounts and none named leaves it empty: both are
        refused later.
        """


def account_of(named: str, accounts: Sequence[str]) -> str:
    """Whose an order is: what it names, else the login's only account."""
    return named or (accounts[0] if len(accounts) == 1 else "")


def unknown_ticket(key: OrderKey) -> OrderTicket:
    """A ticket that only names an order nobody has."""
    login, client_id, order_id = key
    return OrderTicket(login, client_id, order_id, 0, "", OrderAction.BUY, Decimal(0), "")


def _moment(value: str) -> dt.datetime:
    digits = "".join(char for char in value if char.isdigit())[:14]
    zone = dt.UTC if "-" in value or "UTC" in value else EASTERN
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        raise WireError(f"no time in {value!r}") from None
