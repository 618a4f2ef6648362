"""Contracts and their prices, pure: decimals in the contract's currency."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


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
    ListedContract(208813719, "GOOGL", "NASDAQ", "ALPHABET INC-CL A", Decimal("170.00")),
    ListedContract(107113386, "META", "NASDAQ", "META PLATFORMS INC-CLASS A", Decimal("560.00")),
    ListedContract(1520593, "JPM", "NYSE", "JPMORGAN CHASE & CO", Decimal("240.00")),
    ListedContract(8719, "JNJ", "NYSE", "JOHNSON & JOHNSON", Decimal("155.00")),
    ListedContract(8894, "KO", "NYSE", "COCA-COLA CO/THE", Decimal("63.00")),
    ListedContract(10291, "PG", "NYSE", "PROCTER & GAMBLE CO/THE", Decimal("172.00")),
    ListedContract(13977, "XOM", "NYSE", "EXXON MOBIL CORP", Decimal("120.00")),
    ListedContract(13824, "WMT", "NYSE", "WALMART INC", Decimal("88.00")),
    ListedContract(5684, "CAT", "NYSE", "CATERPILLAR INC", Decimal("390.00")),
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
