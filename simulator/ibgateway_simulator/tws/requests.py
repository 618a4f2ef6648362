"""Client to server messages of the TWS text protocol, pure: fields in, values out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.hours import EASTERN
from ibgateway_simulator.model.trading.orders import Execution, OrderAction, OrderKey, OrderTicket
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, integer, number

FA_PROFILE_GONE = 177


class ApiRequest(StrEnum):
    """The first field of a request, under the name that the TWS API gives it."""

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


class Cursor:
    """Walks over fields whose number depends on their content."""

    def __init__(self, fields: Sequence[str], start: int) -> None:
        self._fields = fields
        self._at = start

    def take(self) -> str:
        """The next field; empty past the end."""
        self._at += 1
        return self._fields[self._at - 1] if self._at <= len(self._fields) else ""

    def skip(self, count: int) -> None:
        """Pass over `count` fields."""
        self._at += count


def contract_query(fields: Sequence[str], start: int, currency_at: int) -> ContractQuery:
    """The contract that begins at `start` with its number."""
    if len(fields) <= currency_at:
        raise WireError("a contract with too few fields")
    return ContractQuery(
        integer(fields[start]), fields[start + 1], fields[start + 2], fields[currency_at]
    )


def ticket(
    fields: Sequence[str], *, accounts: Sequence[str], client_id: int, version: int
) -> OrderTicket:
    """placeOrder (3) of a login with these accounts.

    A contract nobody knows keeps number 0, several accounts and none named leaves it empty: both are refused
    later.
    """
    if len(fields) < 42:
        raise WireError(f"placeOrder with {len(fields)} fields")
    known = contract_query(fields, 2, 11).find()
    action = OrderAction.BUY if fields[16] == "BUY" else OrderAction.SELL
    return OrderTicket(
        account=fields[23] or (accounts[0] if len(accounts) == 1 else ""),
        client_id=client_id,
        order_id=integer(fields[1]),
        con_id=known.con_id if known else 0,
        symbol=known.symbol if known else fields[3],
        action=action,
        quantity=number(fields[17]),
        order_type=fields[18],
        limit_price=number(fields[19]),
        aux_price=number(fields[20]),
        tif=fields[21],
        order_ref=fields[26],
        exchange=fields[9] or "SMART",
        outside_rth=fields[33] == "1",
        what_if=what_if(fields, version),
        login=accounts[0],
    )


def what_if(fields: Sequence[str], version: int) -> bool:
    """The whatIf flag of placeOrder: at index 84 for a plain order, later with optional groups."""
    cursor = Cursor(fields, 42 if version >= FA_PROFILE_GONE else 43)
    cursor.skip(22)
    delta_neutral = cursor.take()
    cursor.skip(1 + (8 if delta_neutral else 0))
    cursor.skip(6)
    increment = cursor.take()
    scaled = increment not in ("", UNSET_DOUBLE) and number(increment) > 0
    cursor.skip(3 + (7 if scaled else 0))
    hedge = cursor.take()
    cursor.skip(4 + (1 if hedge else 0))
    if cursor.take() == "1":
        cursor.skip(3)
    if cursor.take():
        cursor.skip(2 * integer(cursor.take()))
    cursor.skip(1)
    return cursor.take() == "1"


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


def execution_filter(fields: Sequence[str]) -> ExecutionFilter:
    """The filter of reqExecutions."""
    padded = (*fields, *[""] * 10)
    return ExecutionFilter(
        integer(padded[2]), integer(padded[3]), padded[4], padded[5], padded[6], padded[9]
    )


def _moment(value: str) -> dt.datetime:
    digits = "".join(char for char in value if char.isdigit())[:14]
    zone = dt.UTC if "-" in value or "UTC" in value else EASTERN
    try:
        return dt.datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=zone)
    except ValueError:
        raise WireError(f"no time in {value!r}") from None


def unknown_ticket(key: OrderKey) -> OrderTicket:
    """A ticket that only names an order nobody has."""
    login, client_id, order_id = key
    return OrderTicket(login, client_id, order_id, 0, "", OrderAction.BUY, Decimal(0), "")
