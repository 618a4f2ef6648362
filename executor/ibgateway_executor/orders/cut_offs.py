"""How long before an auction its exchange takes orders for it. Pure.

Counted from the session's own open and close in the broker's hours, so half days and daylight saving need no table of their
own. The source are the exchanges' published closing and opening cross timetables, as commonly known: NYSE and NYSE American
15:50, Nasdaq 15:55, IEX 15:50, on-open orders 09:28, all New York time on a day that closes at 16:00. Where an exchange
takes on-close orders until less than five minutes before (Arca, Cboe), five minutes count. The values were not checked against
IBKR, which may hold orders back earlier; what it refuses all the same is `Rejected` with its words.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from ibgateway_executor.orders.order import Contract

SMART: Final = "SMART"


@dataclass(frozen=True)
class AuctionCutOff:
    """Before the close for on-close orders, before the open for on-open orders."""

    close: timedelta
    open: timedelta


def _minutes(close: int, open_: int) -> AuctionCutOff:
    return AuctionCutOff(timedelta(minutes=close), timedelta(minutes=open_))


CUT_OFFS: Final[dict[str, AuctionCutOff]] = {
    "NYSE": _minutes(10, 2),
    "AMEX": _minutes(10, 2),
    "NASDAQ": _minutes(5, 2),
    "ISLAND": _minutes(5, 2),
    "ARCA": _minutes(5, 2),
    "BATS": _minutes(5, 2),
    "IEX": _minutes(10, 2),
}
"""By exchange, in IBKR's words."""
ANYWHERE: Final = _minutes(15, 5)
"""Where the exchange is not in the table: earlier than any that is."""


def cut_off(contract: Contract) -> AuctionCutOff:
    """Of the exchange that the order is routed to; a SMART order goes to the listing exchange's auction."""
    routed = contract.exchange
    name = contract.primary_exchange if routed in ("", SMART) else routed
    return CUT_OFFS.get(name.partition(".")[0], ANYWHERE)
