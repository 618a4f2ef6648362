"""Contracts as the broker knows them: numbers and trading hours, asked once and kept for a while."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ibgateway_executor.broker.protocol import Broker, Candidate
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.orders.market_hours import (
    HoursUnknown,
    Market,
    MarketOpen,
    TradingSession,
    market,
    session_end,
    sessions,
)
from ibgateway_executor.orders.order import Contract, OrderReason
from ibgateway_runtime.clock import Clock

FRESH: Final = timedelta(hours=1)
"""Hours are asked again this often: IBKR announces early closes during the day."""
FRESH_WHILE_CLOSED: Final = timedelta(seconds=15)
"""And this often while an order waits for them."""


@dataclass(frozen=True)
class Unresolvable:
    """No contract, or more than one, fits: the order can't be sent as it is."""

    reason: OrderReason
    message: str


@dataclass(frozen=True)
class _Known:
    asked_at: datetime
    hours: tuple[TradingSession, ...] | HoursUnknown


class Contracts:
    """Hours by contract number."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: dict[int, _Known] = {}

    async def resolve(self, broker: Broker, named: Contract) -> Contract | Unresolvable:
        """The contract with its number; its hours are kept, too. BrokerError passes."""
        found = await broker.candidates(_question(named))
        if not found:
            return Unresolvable(
                OrderReason.UNKNOWN_CONTRACT,
                f"the broker knows no contract {named}: check symbol, secType, exchange and currency",
            )
        if len(found) > 1:
            return Unresolvable(
                OrderReason.AMBIGUOUS_CONTRACT,
                f"{len(found)} contracts fit {named}: name one by conId or primaryExchange",
            )
        self._remember(found[0])
        return replace(found[0].contract, exchange=named.exchange)

    async def refresh(self, broker: Broker, contract: Contract) -> None:
        """Ask for the hours when they are stale; without an answer they are unknown."""
        if not self._stale(contract.con_id):
            return
        try:
            found = await broker.candidates(_question(contract))
        except BrokerError as error:
            self._unknown(contract.con_id, f"the broker did not tell the trading hours: {error}")
            return
        if len(found) == 1:
            self._remember(found[0])
        else:
            self._unknown(contract.con_id, "the broker does not know the contract any more")

    def market(self, con_id: int) -> Market:
        """Whether the contract's market takes an order now."""
        known = self._known.get(con_id)
        if known is None:
            return HoursUnknown("the trading hours have not been asked for yet")
        if isinstance(known.hours, HoursUnknown):
            return known.hours
        return market(known.hours, self._clock.now())

    def session_end(self, con_id: int, accepted_at: datetime) -> datetime | None:
        """End of the session an order accepted then belongs to; None when not known."""
        known = self._known.get(con_id)
        if known is None or isinstance(known.hours, HoursUnknown):
            return None
        return session_end(known.hours, accepted_at)

    def _stale(self, con_id: int) -> bool:
        known = self._known.get(con_id)
        if known is None:
            return True
        limit = FRESH if isinstance(self.market(con_id), MarketOpen) else FRESH_WHILE_CLOSED
        return self._clock.now() - known.asked_at >= limit

    def _remember(self, candidate: Candidate) -> None:
        hours = sessions(candidate.liquid_hours, candidate.time_zone_id)
        self._known[candidate.contract.con_id] = _Known(self._clock.now(), hours)

    def _unknown(self, con_id: int, message: str) -> None:
        self._known[con_id] = _Known(self._clock.now(), HoursUnknown(message))


def _question(named: Contract) -> Contract:
    """By number alone where it is known: a currency that differs would find nothing."""
    if not named.con_id:
        return named
    return Contract(con_id=named.con_id, sec_type="", exchange=named.exchange, currency="")
