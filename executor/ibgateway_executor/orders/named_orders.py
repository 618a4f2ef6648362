"""Unsent orders whose account or contract is only named so far: each may turn out to be for the same contract as a later one. Pure.

Two orders may name one contract differently, by number, by symbol, or by symbol and exchange. Until the broker has told which it is
they stand in no lane together, so a later one that was told sooner would overtake.
"""

import heapq
from collections.abc import Iterator, Mapping

from ibgateway_executor.orders.order import Contract, Order, OrderTerms

_Naming = tuple[str, int, str, str, str]
"""Account, contract number, symbol, secType, currency; what was left out is empty."""


class NamedOrders:
    """By what they name, the oldest first; `unsent` are all orders that have not left, by their sequence, as they stand now."""

    def __init__(self, unsent: Mapping[int, Order]) -> None:
        self._unsent = unsent
        self._by_symbol: dict[str, dict[_Naming, list[int]]] = {}

    def put(self, order: Order) -> None:
        """An unsent order as it stands; nothing where its account and contract are known."""
        if _settled(order.terms):
            return
        naming = _naming(order.terms)
        same_symbol = self._by_symbol.setdefault(_symbol(order.terms.contract), {})
        heapq.heappush(same_symbol.setdefault(naming, []), order.sequence)

    def before(self, order: Order) -> bool:
        """Whether an earlier one may be for this order's account and contract."""
        return any(
            first < order.sequence
            for symbol in self._symbols(order.terms.contract)
            for first in self._firsts(symbol, order.terms)
        )

    def _symbols(self, contract: Contract) -> tuple[str, ...]:
        """Under which names its contract may stand: its symbol's, or no symbol's."""
        if not contract.symbol:
            return tuple(self._by_symbol)
        return "", contract.symbol.casefold()

    def _firsts(self, symbol: str, terms: OrderTerms) -> Iterator[int]:
        for naming in tuple(self._by_symbol.get(symbol, ())):
            if _may_be(naming, terms) and (first := self._first(symbol, naming)) is not None:
                yield first

    def _first(self, symbol: str, naming: _Naming) -> int | None:
        numbers = self._by_symbol[symbol][naming]
        while numbers:
            order = self._unsent.get(numbers[0])
            if order is not None and _naming(order.terms) == naming:
                return numbers[0]
            heapq.heappop(numbers)
        del self._by_symbol[symbol][naming]
        if not self._by_symbol[symbol]:
            del self._by_symbol[symbol]
        return None


def _settled(terms: OrderTerms) -> bool:
    return bool(terms.account and terms.contract.con_id)


def _symbol(contract: Contract) -> str:
    """What stands beside a number does not tell more than the number."""
    return "" if contract.con_id else contract.symbol.casefold()


def _naming(terms: OrderTerms) -> _Naming:
    contract = terms.contract
    return (
        terms.account,
        contract.con_id,
        _symbol(contract),
        contract.sec_type.casefold(),
        contract.currency.casefold(),
    )


def _may_be(naming: _Naming, terms: OrderTerms) -> bool:
    """Whether an order that names this may be for the account and contract of these terms."""
    account, con_id, _, sec_type, currency = naming
    contract = terms.contract
    if account not in ("", terms.account):
        return False
    if con_id:
        return con_id == contract.con_id
    return _agree(sec_type, contract.sec_type) and _agree(currency, contract.currency)


def _agree(named: str, told: str) -> bool:
    return not named or not told or named == told.casefold()
