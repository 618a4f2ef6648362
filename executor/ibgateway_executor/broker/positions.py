"""What the accounts hold, for the limit on short sales: asked in the background and believed for a short while."""

from collections.abc import Callable
from decimal import Decimal
from typing import Final

from ibgateway_executor.broker.lookups import Lookups
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.orders.portfolio import PositionReport
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

FRESH_SECONDS: Final = 30.0
"""Somebody else may trade in the account meanwhile."""
RECENT_SECONDS: Final = 2.0
"""What a rebalance sells is believed for so long after the answer: shares that are sold by hand meanwhile would be sold twice. Not after
the question: one that takes longer would be of no use for ever.
"""
SETTLED_SECONDS: Final = 1.0
"""After a fill of ours the position is asked for only then: its report may be a moment before the new position."""
_ALL: Final = "positions"


class AccountPositions:
    """Positions by account and contract. `filled_at` is when an order of ours for them was last filled, by the monotonic clock."""

    def __init__(
        self, clock: Clock, changed: Wakeup, filled_at: Callable[[str, int], float]
    ) -> None:
        self._clock = clock
        self._filled_at = filled_at
        self._held: dict[tuple[str, int], Decimal] = {}
        self._asked_at = self._told_at = float("-inf")
        self._lookups = Lookups[str, tuple[float, tuple[PositionReport, ...]]](
            ask=self._ask, keep=self._keep, clock=clock, changed=changed
        )

    def held(self, account: str, con_id: int, *, within: float = FRESH_SECONDS) -> Decimal | None:
        """What the account holds, 0 for nothing, negative for a short position; None where that is not known now.

        `within`: so many seconds ago it was answered at most.
        """
        now = self._clock.monotonic()
        old = now - self._asked_at >= FRESH_SECONDS or now - self._told_at >= within
        if old or not self._settled(account, con_id, self._asked_at):
            return None
        return self._held.get((account, con_id), Decimal(0))

    def refresh(self, broker: Broker, account: str, con_id: int) -> None:
        """Have the broker asked, unless it is being asked, has failed a moment ago, or a fill is too fresh."""
        if self._settled(account, con_id, self._clock.monotonic()):
            self._lookups.want(broker, _ALL)

    def awaited(self, account: str, con_id: int) -> bool:
        """Whether it is too early to ask again, or being done."""
        if not self._settled(account, con_id, self._clock.monotonic()):
            return True
        return self._lookups.running(_ALL) or not self._lookups.due(_ALL)

    def failure(self) -> str:
        """Why the positions are not known."""
        return self._lookups.failure(_ALL)

    def _settled(self, account: str, con_id: int, at: float) -> bool:
        return at >= self._filled_at(account, con_id) + SETTLED_SECONDS

    async def _ask(self, broker: Broker, _: str) -> tuple[float, tuple[PositionReport, ...]]:
        began = self._clock.monotonic()
        return began, await broker.positions()

    def _keep(self, _: str, answer: tuple[float, tuple[PositionReport, ...]]) -> bool:
        self._asked_at, rows = answer
        self._told_at = self._clock.monotonic()
        self._held = {(row.account, row.contract.con_id): row.quantity for row in rows}
        return True
