"""The loop that has every rebalance go on: accounts beside each other, one step of each at a time."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError

from ibgateway_api.gate import Closed, Gate
from ibgateway_executor.errors import BrokerError, LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, OrderReason
from ibgateway_executor.rebalance.progress import (
    BEFORE_TRADING,
    TRADING,
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    RebalanceStep,
    RebalanceView,
    next_step,
)
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.steps import RebalanceSteps
from ibgateway_executor.rebalance_runs.turns import Turn, body_of
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

PAUSE_SECONDS: Final = 0.25
"""Between two looks at rebalances that have not ended."""
IDLE_SECONDS: Final = 60.0
CLEARING_SECONDS: Final = 60.0
"""So long the account's own orders may take to end."""
PATIENCE_SECONDS: Final = 30.0
"""So long the broker may take to show the sells' proceeds in the cash, and to tell commissions."""
AGAIN_SECONDS: Final = 5.0
"""After a broker that did not answer, and between looks at closed markets whose opening is not known."""
SLOW_SECONDS: Final = 60.0
"""Between looks at markets and at what is settled."""
BRISK_SECONDS: Final = 1.0
"""Between looks at cash and commissions that the broker is about to tell."""


@dataclass
class _Watch:
    """Since when a rebalance has been in its state, while the gate was open; when it is to be looked at again."""

    state: RebalanceState
    since: float
    step: RebalanceStep = RebalanceStep.NOTHING
    again_at: float = 0.0
    """When `step` may be taken again; another one may be taken at once."""
    fates_told: int = 0
    """As the ledger had counted them when `step` was taken."""
    over_since: float | None = None
    """Since when all that was sent in this state has ended."""

    def patient(self, step: RebalanceStep, now: float) -> bool:
        """Whether the broker may still need a moment to show what has happened."""
        if step not in {RebalanceStep.FUND, RebalanceStep.FINISH}:
            return True
        if self.over_since is None:
            self.over_since = now
        return now - self.over_since < PATIENCE_SECONDS


class RebalanceRunner:
    """`look` takes one step of each rebalance; `run` does that for ever."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        gate: Callable[[], Gate],
        steps: RebalanceSteps,
        orders: RebalanceOrders,
        clock: Clock,
    ) -> None:
        self._ledger = ledger
        self._gate = gate
        self._steps = steps
        self._orders = orders
        self._clock = clock
        self._watches: dict[str, _Watch] = {}
        self._turns: dict[str, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Have every rebalance go on, until cancelled."""
        changed = self._ledger.rebalances.changed
        try:
            while True:
                changed.clear()
                busy = True
                with suppress(LedgerUnavailableError):
                    busy = await self.look()
                await changed.pause(PAUSE_SECONDS if busy else IDLE_SECONDS)
        finally:
            for turn in self._turns.values():
                turn.cancel()

    async def look(self) -> bool:
        """Begin a step of each rebalance that has none under way; whether there are any. Raises what a step has failed with."""
        if not self._ledger.begun:
            return True
        active = await self._ledger.rebalances.active()
        for run_id in [run_id for run_id, turn in self._turns.items() if turn.done()]:
            self._turns.pop(run_id).result()
        names = {run.id for run in active}
        self._watches = {name: watch for name, watch in self._watches.items() if name in names}
        for run in active:
            if run.id not in self._turns:
                self._turns[run.id] = asyncio.create_task(self._turn(run))
        return bool(active)

    async def settle(self) -> None:
        """Wait for the steps that are under way."""
        await asyncio.gather(*self._turns.values())

    async def _turn(self, run: RebalanceRun) -> None:
        gate, now = self._gate(), self._clock.monotonic()
        watch = self._watch(run, now, closed=isinstance(gate, Closed))
        with suppress(LedgerUnavailableError):
            orders = await self._orders.of(run)
            try:
                body = body_of(run)
            except ValidationError as error:
                await self._give_up(run, orders, error)
                return
            limit = body.phase_seconds if run.state in TRADING else CLEARING_SECONDS
            late = now - watch.since >= limit
            around = RebalanceView(self._clock.now(), not isinstance(gate, Closed), late)
            step = next_step(run, orders, around)
            turn = Turn(run, orders, late=late, patient=watch.patient(step, now))
            if step is RebalanceStep.NOTHING:
                await self._idle(turn, gate)
            elif step is not watch.step or now >= watch.again_at or self._due(run, watch):
                watch.step, watch.fates_told = step, self._ledger.fates_told
                await self._take(step, turn, watch)

    async def _give_up(
        self, run: RebalanceRun, orders: Mapping[str, Order], error: ValidationError
    ) -> None:
        """One that another version has stored, and this one can't read, ends by itself and holds up nobody else."""
        told = error.errors(include_url=False, include_input=False, include_context=False)
        where = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in told[:5])
        marked = [order for order in self._ledger.active if order.rebalance == run.id]
        await self._orders.cancel([*orders.values(), *marked])
        await self._steps.stop(
            Turn(run, orders, late=False, patient=False),
            RebalanceReason.UNREADABLE,
            f"this version can't read its request ({where}): its open orders are cancelled and nothing follows. Look at what "
            "the account holds, and ask for another rebalance",
        )

    async def _idle(self, turn: Turn, gate: Gate) -> None:
        """Why nothing is done, where there is a reason; none any more where its orders are on their way."""
        if isinstance(gate, Closed):
            await self._steps.note(turn, gate.reason, gate.message)
        elif turn.run.state in TRADING and turn.run.reason:
            await self._steps.note(turn, "", "")

    async def _take(self, step: RebalanceStep, turn: Turn, watch: _Watch) -> None:
        try:
            await self._do(step, turn)
        except OrderRefusedError as refused:
            if turn.run.state in BEFORE_TRADING:
                message = f"{refused.code}: {refused.message}"
                await self._steps.stop(turn, RebalanceReason.REFUSED, message)
                return
            await self._failed(turn, watch, refused.message)
        except BrokerError as error:
            await self._failed(turn, watch, str(error))
        else:
            watch.again_at = self._clock.monotonic() + _pause(step, turn.run)

    async def _failed(self, turn: Turn, watch: _Watch, message: str) -> None:
        watch.again_at = self._clock.monotonic() + AGAIN_SECONDS
        await self._steps.note(turn, RebalanceReason.BROKER_SILENT, message)

    async def _do(self, step: RebalanceStep, turn: Turn) -> None:
        steps = self._steps
        match step:
            case RebalanceStep.EXPIRE:
                await steps.expire(turn)
            case RebalanceStep.LOOK:
                await steps.look(turn)
            case RebalanceStep.CLEAR:
                await steps.clear(turn)
            case RebalanceStep.SEND:
                await steps.send(turn)
            case RebalanceStep.CANCEL_ORDERS:
                await steps.cancel_orders(turn)
            case RebalanceStep.DOUBT:
                await steps.doubt(turn)
            case RebalanceStep.FUND:
                await steps.fund(turn)
            case RebalanceStep.FINISH:
                await steps.finish(turn)

    def _watch(self, run: RebalanceRun, now: float, *, closed: bool) -> _Watch:
        """The time that a state may take counts while trading is allowed."""
        watch = self._watches.get(run.id)
        if watch is None or watch.state is not run.state:
            watch = self._watches[run.id] = _Watch(run.state, now)
        elif closed:
            watch.since = now
        return watch

    def _due(self, run: RebalanceRun, watch: _Watch) -> bool:
        """Whether the moment that it waited for has come, or something is known of an order in doubt."""
        if run.reason == RebalanceReason.UNKNOWN_ORDER:
            return watch.fates_told != self._ledger.fates_told
        closed = run.reason == OrderReason.MARKET_CLOSED
        return closed and run.until is not None and self._clock.now() >= run.until


def _pause(step: RebalanceStep, run: RebalanceRun) -> float:
    """Until the same step is taken again where it has changed nothing."""
    if step is RebalanceStep.LOOK or run.state is RebalanceState.AWAITING_SETTLEMENT:
        return SLOW_SECONDS
    return BRISK_SECONDS if step in {RebalanceStep.FUND, RebalanceStep.FINISH} else 0.0
