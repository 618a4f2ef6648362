"""What came in and what IBKR made of it: every placeOrder in the order of arrival, also those that were lost.

Kept beside the order book, for tests that compare it with somebody's own record.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from ibgateway_simulator.model.trading.orders import OrderTicket


class ArrivalFate(StrEnum):
    """What became of a placeOrder."""

    UNANSWERED = "unanswered"
    BOOKED = "booked"
    CHANGED = "changed"
    REFUSED = "refused"
    WHAT_IF = "what-if"
    LOST = "lost"
    KEPT = "kept"
    READ_ONLY = "read-only"


@dataclass(frozen=True, slots=True)
class OrderArrival:
    """One placeOrder: `number` counts them from 1, `perm_id` is 0 where nothing was booked or changed.

    `unanswered` is also the fate of one that the simulator was told to ignore; `kept` ones arrived while the
    link was lost.
    """

    number: int
    at: dt.datetime
    connection: int
    ticket: OrderTicket
    fate: ArrivalFate = ArrivalFate.UNANSWERED
    perm_id: int = 0


class OrderAudit:
    """The list of arrivals."""

    def __init__(self) -> None:
        self._arrivals: list[OrderArrival] = []

    def arrived(self, ticket: OrderTicket, connection: int, now: dt.datetime) -> int:
        """Note a placeOrder; its number."""
        number = len(self._arrivals) + 1
        self._arrivals.append(OrderArrival(number, now, connection, ticket))
        return number

    def became(self, number: int, fate: ArrivalFate, perm_id: int = 0) -> None:
        """Note what became of it."""
        known = self._arrivals[number - 1]
        self._arrivals[number - 1] = replace(known, fate=fate, perm_id=perm_id)

    @property
    def arrivals(self) -> Iterable[OrderArrival]:
        """In the order in which they came."""
        return tuple(self._arrivals)
