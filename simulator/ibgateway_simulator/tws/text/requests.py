"""Client to server messages of the TWS text protocol, pure: fields in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading.orders import OrderTicket
from ibgateway_simulator.tws import wire
from ibgateway_simulator.tws.requests import (
    ContractQuery,
    ExecutionFilter,
    account_of,
    order_action,
)
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, integer, number

FA_PROFILE_GONE = 177


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


@dataclass(frozen=True, slots=True)
class TextRequest:
    """The fields of one message; IndexError where it lacks one that it must have."""

    fields: tuple[str, ...]
    version: int
    content: None = None
    refused_id: int = -1

    @property
    def kind(self) -> str:
        """Its first field."""
        return self.fields[0] if self.fields else ""

    @property
    def req_id(self) -> int:
        """The field after the message's version."""
        return integer(self.fields[2])

    @property
    def client_id(self) -> int:
        """In startApi (71)."""
        return integer(self._at(2))

    @property
    def account(self) -> str:
        """In reqAccountUpdates (6) and reqAccountUpdatesMulti (76)."""
        return self._at(3)

    @property
    def subscribes(self) -> bool:
        """In reqAccountUpdates (6)."""
        return self.fields[2] == "1"

    @property
    def tags(self) -> str:
        """In reqAccountSummary (62)."""
        return self.fields[4]

    @property
    def snapshot(self) -> bool:
        """In reqMktData (1)."""
        return self._at(17) == "1"

    def contract_query(self) -> ContractQuery:
        """In reqContractDetails (9) and reqMktData (1)."""
        return contract_query(self.fields, 3, 12)

    def execution_filter(self) -> ExecutionFilter:
        """In reqExecutions (7)."""
        at = self._at
        return ExecutionFilter(integer(at(2)), integer(at(3)), at(4), at(5), at(6), at(9))

    def ticket(self, accounts: Sequence[str], client_id: int) -> OrderTicket:
        """In placeOrder (3)."""
        fields = self.fields
        if len(fields) < 42:
            raise WireError(f"placeOrder with {len(fields)} fields")
        known = contract_query(fields, 2, 11).find()
        return OrderTicket(
            account=account_of(fields[23], accounts),
            client_id=client_id,
            order_id=integer(fields[1]),
            con_id=known.con_id if known else 0,
            symbol=known.symbol if known else fields[3],
            action=order_action(fields[16]),
            quantity=number(fields[17]),
            order_type=fields[18],
            limit_price=number(fields[19]),
            aux_price=number(fields[20]),
            tif=fields[21],
            order_ref=fields[26],
            exchange=fields[9] or "SMART",
            outside_rth=fields[33] == "1",
            what_if=what_if(fields, self.version),
            login=accounts[0],
        )

    def _at(self, index: int) -> str:
        return self.fields[index] if index < len(self.fields) else ""


def read(body: bytes, version: int) -> TextRequest:
    """A frame's body as a request."""
    return TextRequest(wire.split(body), version)


def contract_query(fields: Sequence[str], start: int, currency_at: int) -> ContractQuery:
    """The contract that begins at `start` with its number."""
    if len(fields) <= currency_at:
        raise WireError("a contract with too few fields")
    return ContractQuery(
        integer(fields[start]), fields[start + 1], fields[start + 2], fields[currency_at]
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
