"""Prices that move by themselves: a random walk by a seed, the same for the same seed. Pure but for its own state."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from decimal import Decimal

from ibgateway_simulator.model.trading.market_rules import MarketRules

CENT = Decimal("0.01")
MOST_STEPS = 1000
"""At once: a clock that jumps by days leaves the rest out."""
SPREAD = Decimal(3).sqrt()
"""Half the width of an even distribution whose standard deviation is 1."""


class PriceWalk:
    """Steps of one walk; another seed begins another walk."""

    def __init__(self) -> None:
        self._seed: int | None = None
        self._taken = 0
        self._next: dt.datetime | None = None

    def moved(
        self, prices: Mapping[int, Decimal], rules: MarketRules, now: dt.datetime
    ) -> dict[int, Decimal] | None:
        """The prices after the steps that are due; None where none is. The first step is due a period from now."""
        if not rules.walk_step:
            self._next = None
            return None
        period = dt.timedelta(seconds=max(rules.walk_seconds, 0.001))
        if self._seed != rules.walk_seed or self._next is None:
            self._seed, self._taken, self._next = rules.walk_seed, 0, now + period
        due = min(MOST_STEPS, (now - self._next) // period + 1)
        if due <= 0:
            return None
        first, self._taken = self._taken, self._taken + due
        self._next = max(self._next + due * period, now)
        moved = dict(prices)
        for number in range(first, self._taken):
            for con_id, price in moved.items():
                change = rules.walk_step * step(rules.walk_seed, con_id, number)
                moved[con_id] = max(CENT, (price * (1 + change)).quantize(CENT))
        return moved


def step(seed: int, con_id: int, number: int) -> Decimal:
    """One number of a sequence with mean 0 and standard deviation 1, the same for the same arguments."""
    digest = hashlib.sha256(f"{seed}/{con_id}/{number}".encode()).digest()
    part = Decimal(int.from_bytes(digest[:4], "big")) / Decimal(2**32)
    return (2 * part - 1) * SPREAD
