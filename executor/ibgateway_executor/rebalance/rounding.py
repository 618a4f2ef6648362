"""Whole shares: which quantities are rounded up, where the cash does not do for all that should be. Pure.

Rounding up instead of down brings a contract nearer to its target by (2f - 1) shares, f being the fraction that rounding
down would cut off, and costs one share. What is wanted is the smallest sum of the absolute differences between values and targets
that the cash allows: a knapsack. Largest remainder first is its greedy solution; the search here starts from it and is exact as long
as it ends within `MOST_STEPS`, which it does for any number of contracts that people have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

MOST_STEPS: Final = 20_000


@dataclass(frozen=True)
class Rounding:
    """A contract that may be rounded up: what one share costs, and what that brings it nearer to its target."""

    con_id: int
    cost: Decimal
    gain: Decimal


def rounded_up(choices: Sequence[Rounding], spare: Decimal) -> frozenset[int]:
    """The contracts to round up: the most gain that costs no more than `spare`."""
    useful = [choice for choice in choices if choice.gain > 0 and choice.cost <= spare]
    useful.sort(key=lambda choice: (-choice.gain / choice.cost, choice.con_id))
    return _Search(useful).best(spare)


class _Search:
    """Depth first, the larger remainder first; a branch that can't beat the best one any more is cut."""

    def __init__(self, choices: Sequence[Rounding]) -> None:
        self._choices = choices
        self._steps = 0
        self._best: tuple[Decimal, tuple[int, ...]] = (Decimal(0), ())

    def best(self, spare: Decimal) -> frozenset[int]:
        waiting: list[tuple[int, Decimal, Decimal, tuple[int, ...]]] = [(0, spare, Decimal(0), ())]
        while waiting and self._steps < MOST_STEPS:
            self._steps += 1
            at, left, gained, taken = waiting.pop()
            if gained > self._best[0]:
                self._best = (gained, taken)
            if at == len(self._choices) or gained + self._bound(at, left) <= self._best[0]:
                continue
            choice = self._choices[at]
            waiting.append((at + 1, left, gained, taken))
            if choice.cost <= left:
                taken_too = (*taken, choice.con_id)
                waiting.append((at + 1, left - choice.cost, gained + choice.gain, taken_too))
        return frozenset(self._best[1])

    def _bound(self, at: int, left: Decimal) -> Decimal:
        """More than this can't be gained from here on: as if a part of a share could be had."""
        bound = Decimal(0)
        for choice in self._choices[at:]:
            if choice.cost > left:
                return bound + choice.gain * left / choice.cost
            left -= choice.cost
            bound += choice.gain
        return bound
