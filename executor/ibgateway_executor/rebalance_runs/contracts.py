"""The contracts that a rebalance names, as the broker knows them, with their hours."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ibgateway_executor.broker.protocol import Broker, Candidate
from ibgateway_executor.errors import NoAnswerError, OrderRefusedError, RequestRefusedError
from ibgateway_executor.orders.market_hours import (
    HoursUnknown,
    MarketClosed,
    MarketOpen,
    market,
    sessions,
)
from ibgateway_executor.orders.order import Contract
from ibgateway_executor.orders.portfolio import MarketQuote, PriceKind

logger = logging.getLogger(__name__)


async def resolved(broker: Broker, named: Iterable[Contract]) -> dict[Contract, Candidate]:
    """The one contract that fits each name. OrderRefusedError that lists the names which none or several fit; any BrokerError."""
    names = list(dict.fromkeys(named))
    answers = await asyncio.gather(*(broker.candidates(name) for name in names))
    found: dict[Contract, Candidate] = {}
    problems: list[str] = []
    for name, candidates in zip(names, answers, strict=True):
        unique = tuple({c.contract.con_id: c for c in candidates}.values())
        if len(unique) == 1:
            found[name] = unique[0]
        else:
            problems.append(f"{name}: {_fits(unique)}")
    if problems:
        raise OrderRefusedError(
            422,
            "UnknownContract",
            f"name each contract by conId, or by symbol and primaryExchange: {'; '.join(problems)}",
        )
    return found


def _fits(candidates: Sequence[Candidate]) -> str:
    if not candidates:
        return "the broker knows no such contract"
    return "fits " + ", ".join(
        f"{c.contract.con_id} ({c.contract.symbol}, {c.contract.primary_exchange}, {c.contract.currency})"
        for c in candidates[:5]
    )


@dataclass(frozen=True)
class MarketHours:
    """Whether all markets are open. `opens` is the latest opening where one is closed; `unknown` names those without hours."""

    session_end: datetime | None
    opens: datetime | None
    closed: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def all_open(self) -> bool:
        """Whether a rebalance may trade now: all of it or nothing."""
        return not self.closed and not self.unknown


def hours(candidates: Iterable[Candidate], now: datetime) -> MarketHours:
    """The markets of all of them together. A rebalance of none is open."""
    ends: list[datetime] = []
    opens: list[datetime | None] = []
    closed: list[str] = []
    unknown: list[str] = []
    for candidate in candidates:
        known = sessions(candidate.liquid_hours, candidate.time_zone_id)
        now_there = known if isinstance(known, HoursUnknown) else market(known, now)
        match now_there:
            case MarketOpen(end):
                ends.append(end)
            case MarketClosed(at):
                opens.append(at)
                closed.append(str(candidate.contract))
            case HoursUnknown():
                unknown.append(str(candidate.contract))
    told = [moment for moment in opens if moment is not None]
    latest = max(told) if told and len(told) == len(opens) else None
    return MarketHours(min(ends, default=None), latest, tuple(closed), tuple(unknown))


async def quoted(
    broker: Broker, contracts: Mapping[int, Contract], *, delayed: bool
) -> dict[int, Decimal]:
    """Prices by contract number, of those that have one. NotConnectedError alone ends it."""
    prices = await asyncio.gather(
        *(_price(broker, contract, delayed=delayed) for contract in contracts.values())
    )
    found = zip(contracts, prices, strict=True)
    return {number: price for number, price in found if price is not None}


async def _price(broker: Broker, contract: Contract, *, delayed: bool) -> Decimal | None:
    try:
        return usable(await broker.quote(contract, delayed=delayed), delayed=delayed)
    except (NoAnswerError, RequestRefusedError) as error:
        logger.info("no price of %s: %s", contract, error)
        return None


def usable(quote: MarketQuote, *, delayed: bool) -> Decimal | None:
    """The price to decide by: last, else ask, else bid. A late one where that was asked for alone, and never the day before's close."""
    if quote.delayed and not delayed:
        return None
    found = quote.price
    return None if found is None or found[1] is PriceKind.CLOSE else found[0]
