"""One look at a rebalance, and what is written down about it: committed before the next thing is done."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import NotConnectedError
from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order, OrderReason
from ibgateway_executor.rebalance.progress import (
    RebalanceReason,
    RebalanceRun,
    RebalanceState,
    move,
    wait,
)
from ibgateway_executor.rebalance_runs.contracts import MarketHours, closed_words
from ibgateway_executor.rebalance_runs.objections import RebalanceObjection


@dataclass(frozen=True)
class Turn:
    """One look at a rebalance: `late` as in `RebalanceView`; `patient`: the broker may need a moment yet to tell what has happened."""

    run: RebalanceRun
    orders: Mapping[str, Order]
    late: bool
    patient: bool


def body_of(run: RebalanceRun) -> RebalanceBody:
    """What was asked for. ValidationError for one that another version has stored."""
    return RebalanceBody.model_validate_json(run.request)


def reconciled_broker(connection: CurrentConnection) -> Broker:
    """The connection of the moment; NotConnectedError where there is none that is reconciled."""
    broker = connection.broker
    if broker is None or not connection.state.reconciled:
        raise NotConnectedError("there is no reconciled connection to the gateway")
    return broker


def open_orders(ledger: Ledger, run: RebalanceRun) -> list[Order]:
    """Ours of the account that have not ended."""
    return [o for o in ledger.active if o.terms.account in ("", run.account)]


class RebalanceWriter:
    """Commits what becomes of a rebalance."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def hold_up(self, turn: Turn, objections: Sequence[RebalanceObjection]) -> None:
        """It waits for what a person finds out, and ends for what only another plan or other settings put right."""
        final = [each for each in objections if each.reason != RebalanceReason.UNKNOWN_ORDER]
        if not final:
            await self.wait(turn, RebalanceReason.UNKNOWN_ORDER, objections[0].message)
            return
        others = [each for each in final if each.reason == RebalanceReason.OTHER_ORDERS]
        if others == final:
            message = others[0].message
            await self.end(turn, RebalanceState.STOPPED, RebalanceReason.OTHER_ORDERS, message)
            return
        words = "; ".join(f"{each.reason}: {each.message}" for each in final)
        await self.end(turn, RebalanceState.STOPPED, RebalanceReason.REFUSED, words)

    async def await_markets(self, turn: Turn, markets: MarketHours, lasting: timedelta) -> None:
        """It waits until all of them are open for so long."""
        if markets.unknown:
            names = ", ".join(markets.unknown)
            await self.wait(turn, OrderReason.HOURS_UNKNOWN, f"no trading hours of {names}")
            return
        message = closed_words(markets, lasting)
        step = partial(wait, reason=OrderReason.MARKET_CLOSED, message=message, until=markets.opens)
        await self.advance(turn, step)

    async def wait(self, turn: Turn, reason: str, message: str) -> None:
        """Why it waits; written only where that is news."""
        if (turn.run.reason, turn.run.message) != (reason, message):
            await self.advance(turn, partial(wait, reason=reason, message=message))

    async def end(self, turn: Turn, state: RebalanceState, reason: str, message: str) -> None:
        """It is over."""
        await self.advance(turn, partial(move, state=state, reason=reason, message=message))

    async def advance(
        self, turn: Turn, step: Callable[[RebalanceRun], RebalanceRun]
    ) -> RebalanceRun:
        """Nothing is done to a rebalance that a client has cancelled in the meantime: it is looked at again first."""

        def unless_cancelled(run: RebalanceRun) -> RebalanceRun:
            same = run.state is turn.run.state and run.cancel_requested == turn.run.cancel_requested
            return step(run) if same else run

        return await self._ledger.rebalances.advance(turn.run.id, unless_cancelled)
