"""The contracts that a rebalance names, as the broker knows them, with their hours."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
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


Find = Callable[[Contract], Awaitable[tuple[Candidate, ...]]]
"""The contracts that fit a name; any BrokerError."""


async def resolved(find: Find, named: Iterable[Contract]) -> dict[Contract, Candidate]:
    """The one contract that fits each name. OrderRefusedError that lists the names which none or several fit; any BrokerError."""
    names = list(dict.fromkeys(named))
    answers = await asyncio.gather(*(find(name) for name in names))
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
    """Whether all markets are open for as long as is needed. `opens` is the latest opening where one is not.

    `closing` names those whose sessions end too soon, with their ends; `unknown` those without hours.
    """

    session_end: datetime | None
    opens: datetime | None
    closed: tuple[str, ...]
    closing: tuple[str, ...]
    unknown: tuple[str, ...]

    @property
    def all_open(self) -> bool:
        """Whether a rebalance may trade now: all of it or nothing."""
        return not self.closed and not self.closing and not self.unknown


def hours(
    candidates: Iterable[Candidate], now: datetime, *, lasting: timedelta = timedelta()
) -> MarketHours:
    """The markets of all of them together, each of which is to be open for `lasting` yet. A rebalance of none is open."""
    ends: list[datetime] = []
    opens: list[datetime | None] = []
    closed: list[str] = []
    closing: list[str] = []
    unknown: list[str] = []
    for candidate in candidates:
        name = str(candidate.contract)
        known = sessions(candidate.liquid_hours, candidate.time_zone_id)
        if isinstance(known, HoursUnknown):
            unknown.append(name)
            continue
        match market(known, now):
            case MarketOpen(end) if end - now >= lasting:
                ends.append(end)
            case MarketOpen(end):
                opens.append(min((s.start for s in known if s.start > now), default=None))
                closing.append(f"{name} (at {end.isoformat()})")
            case MarketClosed(at):
                opens.append(at)
                closed.append(name)
    told = [moment for moment in opens if moment is not None]
    latest = max(told) if told and len(told) == len(opens) else None
    return MarketHours(
        min(ends, default=None), latest, tuple(closed), tuple(closing), tuple(unknown)
    )


def closed_words(markets: MarketHours, lasting: timedelta) -> str:
    """Why a rebalance waits for its markets, and until when."""
    opens = markets.opens.isoformat() if markets.opens else "a time not known yet"
    parts = []
    if markets.closed:
        parts.append(f"{', '.join(markets.closed)} closed")
    if markets.closing:
        seconds = int(lasting.total_seconds())
        parts.append(
            f"{', '.join(markets.closing)} closes before {seconds} s have passed, the time that is kept for its orders "
            "(phaseSeconds for each side)"
        )
    return f"all of it or nothing: {'; '.join(parts)}; the last opens at {opens}"


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
