"""Contracts, prices and trading hours, pure.

Prices are decimals in the contract's currency. Hours are text in IBKR's form
(`20261123:0930-20261123:1600;20261124:CLOSED`) in US/Eastern. `always` shows one session from
today's midnight to three days later, so that a test may run at any hour of any day.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")
TIME_ZONE_ID = "US/Eastern"
DAYS_AHEAD = 6


class HoursMode(StrEnum):
    """When the simulated market is open."""

    ALWAYS = "always"
    REGULAR = "regular"
    CLOSED = "closed"
    CUSTOM = "custom"


class ContractKind(StrEnum):
    """stockType of contractDetails."""

    COMMON = "COMMON"
    ETF = "ETF"


@dataclass(frozen=True, slots=True)
class ListedContract:
    """A stock or exchange-traded fund of the table."""

    con_id: int
    symbol: str
    primary: str
    name: str
    price: Decimal
    kind: ContractKind = ContractKind.COMMON
    currency: str = "USD"


CONTRACTS = (
    ListedContract(265598, "AAPL", "NASDAQ", "APPLE INC", Decimal("190.00")),
    ListedContract(272093, "MSFT", "NASDAQ", "MICROSOFT CORP", Decimal("420.00")),
    ListedContract(8314, "IBM", "NYSE", "INTL BUSINESS MACHINES CORP", Decimal("225.00")),
    ListedContract(4815747, "NVDA", "NASDAQ", "NVIDIA CORP", Decimal("130.00")),
    ListedContract(3691937, "AMZN", "NASDAQ", "AMAZON.COM INC", Decimal("185.00")),
    ListedContract(76792991, "TSLA", "NASDAQ", "TESLA INC", Decimal("250.00")),
    ListedContract(
        756733, "SPY", "ARCA", "SPDR S&P 500 ETF TRUST", Decimal("580.00"), ContractKind.ETF
    ),
    ListedContract(
        320227571,
        "QQQ",
        "NASDAQ",
        "INVESCO QQQ TRUST SERIES 1",
        Decimal("500.00"),
        ContractKind.ETF,
    ),
    ListedContract(
        136155102, "VOO", "ARCA", "VANGUARD S&P 500 ETF", Decimal("530.00"), ContractKind.ETF
    ),
    ListedContract(
        43645828, "BND", "NASDAQ", "VANGUARD TOTAL BOND MARKET", Decimal("73.00"), ContractKind.ETF
    ),
    ListedContract(
        51529211, "GLD", "ARCA", "SPDR GOLD SHARES", Decimal("245.00"), ContractKind.ETF
    ),
)
BY_ID = {contract.con_id: contract for contract in CONTRACTS}
BY_SYMBOL = {contract.symbol: contract for contract in CONTRACTS}
SPREAD = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Quote:
    """Bid, ask and last price."""

    bid: Decimal
    ask: Decimal
    last: Decimal


def quote(last: Decimal) -> Quote:
    """One cent on both sides of the last price."""
    return Quote(bid=last - SPREAD, ask=last + SPREAD, last=last)


def find(con_id: int, symbol: str, sec_type: str, currency: str) -> ListedContract | None:
    """The contract a client means: by its number, else by symbol, type and currency."""
    if con_id:
        return BY_ID.get(con_id)
    if sec_type not in ("", "STK") or currency not in ("", "USD"):
        return None
    return BY_SYMBOL.get(symbol)


@dataclass(frozen=True, slots=True)
class Hours:
    """When the market is open; `sessions` are used in mode `custom` only (start, end, aware)."""

    mode: HoursMode = HoursMode.ALWAYS
    sessions: tuple[tuple[dt.datetime, dt.datetime], ...] = ()

    def liquid(self, now: dt.datetime) -> tuple[tuple[dt.datetime, dt.datetime], ...]:
        """The sessions around `now`, in order."""
        midnight = now.astimezone(EASTERN).replace(hour=0, minute=0, second=0, microsecond=0)
        if self.mode is HoursMode.ALWAYS:
            return ((midnight, midnight + dt.timedelta(days=3)),)
        if self.mode is HoursMode.CUSTOM:
            return self.sessions
        if self.mode is HoursMode.CLOSED:
            return ()
        days = (midnight + dt.timedelta(days=n) for n in range(DAYS_AHEAD))
        return tuple(
            (day.replace(hour=9, minute=30), day.replace(hour=16))
            for day in days
            if day.weekday() < 5
        )

    def is_open(self, now: dt.datetime) -> bool:
        """Whether an order may fill now."""
        return any(start <= now < end for start, end in self.liquid(now))

    def next_open(self, now: dt.datetime) -> dt.datetime:
        """The next session's start, a day ahead when none is known."""
        starts = [start for start, _ in self.liquid(now) if start > now]
        return min(starts, default=now + dt.timedelta(days=1)).astimezone(EASTERN)

    def text(self, now: dt.datetime) -> str:
        """The sessions in IBKR's form, with CLOSED for days without one."""
        sessions = self.liquid(now)
        today = now.astimezone(EASTERN).date()
        parts = {start.astimezone(EASTERN).date(): _part(start, end) for start, end in sessions}
        covered = {
            start.astimezone(EASTERN).date() + dt.timedelta(days=n)
            for start, end in sessions
            for n in range((end - start).days + 1)
        }
        for n in range(DAYS_AHEAD):
            day = today + dt.timedelta(days=n)
            if day not in covered:
                parts[day] = f"{day:%Y%m%d}:CLOSED"
        return ";".join(parts[day] for day in sorted(parts))


def _part(start: dt.datetime, end: dt.datetime) -> str:
    first, last = start.astimezone(EASTERN), end.astimezone(EASTERN)
    return f"{first:%Y%m%d:%H%M}-{last:%Y%m%d:%H%M}"
