"""One rebalance from its request to its report. Pure and frozen.

`MOVES` is the whole state machine, `next_step` says what is to be done about one now: from what the ledger has, so that it is the same
after a crash at any line. What it trades is frozen in two parts: the sells and the planned buys before the first sell leaves, the buys
once the sells have ended. Buys only ever shrink: nothing more is sent because a part failed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from ibgateway_executor.errors import IllegalMoveError
from ibgateway_executor.orders.order import Contract, Order, OrderReason, OrderState, Side
from ibgateway_executor.rebalance.plan import PlannedTrade, PlannedWeight, RebalancePlan


class RebalanceState(StrEnum):
    """Where a rebalance stands."""

    ACCEPTED = "Accepted"
    WAITING = "Waiting"
    CLEARING = "Clearing"
    SELLING = "Selling"
    AWAITING_SETTLEMENT = "AwaitingSettlement"
    BUYING = "Buying"
    COMPLETED = "Completed"
    STOPPED = "Stopped"
    CANCELLED = "Cancelled"
    EXPIRED = "Expired"


BEFORE_TRADING: Final = frozenset(
    {RebalanceState.ACCEPTED, RebalanceState.WAITING, RebalanceState.CLEARING}
)
"""Nothing has been traded."""
TRADING: Final = frozenset({RebalanceState.SELLING, RebalanceState.BUYING})
ENDED: Final = frozenset(
    {
        RebalanceState.COMPLETED,
        RebalanceState.STOPPED,
        RebalanceState.CANCELLED,
        RebalanceState.EXPIRED,
    }
)

MOVES: Final[dict[RebalanceState, frozenset[RebalanceState]]] = {
    RebalanceState.ACCEPTED: BEFORE_TRADING | ENDED - {RebalanceState.COMPLETED},
    RebalanceState.WAITING: BEFORE_TRADING | ENDED - {RebalanceState.COMPLETED},
    RebalanceState.CLEARING: BEFORE_TRADING | ENDED | {RebalanceState.SELLING},
    RebalanceState.SELLING: ENDED - {RebalanceState.EXPIRED}
    | TRADING
    | {RebalanceState.AWAITING_SETTLEMENT},
    RebalanceState.AWAITING_SETTLEMENT: ENDED - {RebalanceState.EXPIRED}
    | {RebalanceState.AWAITING_SETTLEMENT, RebalanceState.BUYING},
    RebalanceState.BUYING: ENDED - {RebalanceState.EXPIRED} | {RebalanceState.BUYING},
} | dict.fromkeys(ENDED, frozenset())


class RebalanceReason(StrEnum):
    """Why a rebalance waits or ended, beside the gate's reasons and those of orders."""

    NOTHING_TO_DO = "NothingToDo"
    AWAITING_SETTLEMENT = "AwaitingSettlement"
    NOT_ALL_FILLED = "NotAllFilled"
    ORDERS_NOT_CANCELLED = "OrdersNotCancelled"
    UNKNOWN_ORDER = "UnknownOrder"
    SESSION_ENDED = "SessionEnded"
    CANCELLED_BY_CLIENT = "CancelledByClient"
    VALIDITY_ENDED = "ValidityEnded"
    NOT_SETTLED = "NotSettled"
    BROKER_SILENT = "BrokerSilent"
    REFUSED = "Refused"
    OTHER_ORDERS = "OtherOrders"
    PLAN_OUTDATED = "PlanOutdated"
    UNREADABLE = "UnreadableRequest"


@dataclass(frozen=True)
class TradeOutcome:
    """What became of a planned trade. `slippage` is what it cost more than the decision price said, in all its shares.

    `commission` None: the broker has not told it. `state` is the order's, or `Refused`, or `NotSent`.
    """

    trade: PlannedTrade
    order_id: str
    state: str
    message: str
    filled: Decimal
    average_price: Decimal | None
    slippage: Decimal | None
    commission: Decimal | None


@dataclass(frozen=True)
class RebalanceReport:
    """The end of a rebalance: outcomes, and the account's weights before and after at the plan's prices."""

    outcomes: tuple[TradeOutcome, ...]
    weights: tuple[PlannedWeight, ...]
    drift_before: Decimal
    drift_after: Decimal
    value_after: Decimal
    cash_after: Decimal
    slippage: Decimal
    commission: Decimal | None


@dataclass(frozen=True)
class RebalanceRun:
    """One rebalance. `request` is the client's body as JSON.

    `contracts` and `held_before` are by the numbers that the trades name, `session_end` is the first end of their markets' sessions: no order of
    it is sent after that. `state_since` is None where it came to its state before that was kept. `buys` None until they are frozen. `refused` has why a trade was not accepted as an order.
    `given_up`: what has begun is not gone on with, because the ledger is a copy from before what may have come of it.
    """

    id: str
    sequence: int
    account: str
    request: str
    accepted_at: datetime
    valid_until: datetime
    state: RebalanceState = RebalanceState.ACCEPTED
    reason: str = ""
    message: str = ""
    until: datetime | None = None
    began_at: datetime | None = None
    session_end: datetime | None = None
    cash_before: Decimal = Decimal(0)
    plan: RebalancePlan | None = None
    contracts: Mapping[int, Contract] = field(default_factory=dict)
    held_before: Mapping[int, Decimal] = field(default_factory=dict)
    buys: tuple[PlannedTrade, ...] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    cancel_requested: bool = False
    given_up: bool = False
    report: RebalanceReport | None = None
    updated_at: datetime | None = None
    state_since: datetime | None = None

    @property
    def ended(self) -> bool:
        """Nothing more is done."""
        return self.state in ENDED

    @property
    def ending(self) -> bool:
        """Nothing more is sent for it; its open orders are cancelled."""
        return self.cancel_requested or self.given_up

    @property
    def sells(self) -> tuple[PlannedTrade, ...]:
        """The frozen sells."""
        return () if self.plan is None else self.plan.of_side(Side.SELL)

    @property
    def trades(self) -> tuple[PlannedTrade, ...]:
        """What has been frozen so far."""
        return (*self.sells, *(self.buys or ()))

    @property
    def trading(self) -> tuple[PlannedTrade, ...]:
        """The trades of the state it is in."""
        if self.state is RebalanceState.SELLING:
            return self.sells
        return self.buys or () if self.state is RebalanceState.BUYING else ()

    def key(self, trade: PlannedTrade) -> str:
        """The Idempotency-Key of a trade's order: derived, so that a crash can't place it twice."""
        return f"rebalance-{self.id}-{trade.side}-{trade.con_id}"


def move(
    run: RebalanceRun,
    state: RebalanceState,
    *,
    reason: str = "",
    message: str = "",
    until: datetime | None = None,
) -> RebalanceRun:
    """The rebalance in `state`; IllegalMoveError where `MOVES` does not allow it."""
    if state not in MOVES[run.state]:
        raise IllegalMoveError(f"rebalance {run.id} can't go from {run.state} to {state}")
    return replace(run, state=state, reason=str(reason), message=message, until=until)


def wait(
    run: RebalanceRun, reason: str, message: str, until: datetime | None = None
) -> RebalanceRun:
    """The rebalance as it is, with why it waits; one that has not begun is Waiting."""
    state = RebalanceState.WAITING if run.state in BEFORE_TRADING else run.state
    return move(run, state, reason=reason, message=message, until=until)


def cancel(run: RebalanceRun) -> RebalanceRun:
    """The client's cancel: ends one that has not begun, is noted for one whose orders may be at the broker."""
    if run.ended:
        return run
    if run.state in BEFORE_TRADING:
        return move(
            run,
            RebalanceState.CANCELLED,
            reason=RebalanceReason.CANCELLED_BY_CLIENT,
            message="cancelled before anything was traded",
        )
    return replace(run, cancel_requested=True)


def give_up(run: RebalanceRun, *, restored: bool = False, hidden: bool = False) -> RebalanceRun:
    """In a ledger that may be a copy: one that had not begun may have run since, and the broker knows it by no name.

    What has begun goes on within the day, because its orders are known by their orderRefs and it ends with its session; not where
    a person has put the copy back (`restored`), nor where it waits over a midnight that hides what was bought (`hidden`).
    """
    if run.ended or (run.state in TRADING and not restored):
        return run
    if run.state not in BEFORE_TRADING:
        outlived = restored or hidden
        return replace(run, given_up=True) if outlived else run
    return move(
        run,
        RebalanceState.STOPPED,
        reason=OrderReason.LEDGER_RESTORED,
        message="the ledger was not written for more than five minutes before the executor started: if it was restored from a "
        "copy, this has been traded already. Look at what the account holds, and ask for another one with a new key",
    )


class RebalanceStep(StrEnum):
    """What is to be done about a rebalance now."""

    NOTHING = "nothing"
    EXPIRE = "expire"
    LOOK = "look"
    CLEAR = "clear"
    SEND = "send"
    CANCEL_ORDERS = "cancelOrders"
    DOUBT = "doubt"
    FUND = "fund"
    FINISH = "finish"


@dataclass(frozen=True)
class RebalanceView:
    """What `next_step` goes by beside the ledger. `late`: the state has lasted longer than it may."""

    now: datetime
    gate_open: bool
    late: bool


def next_step(
    run: RebalanceRun, orders: Mapping[str, Order], around: RebalanceView
) -> RebalanceStep:
    """What is to be done; `orders` are those of its trades that were accepted, by their keys."""
    if run.ended:
        return RebalanceStep.NOTHING
    if run.state in BEFORE_TRADING:
        return _before_trading(run, around)
    if run.state is RebalanceState.AWAITING_SETTLEMENT:
        if run.ending or around.now >= run.valid_until:
            return RebalanceStep.FINISH
        return RebalanceStep.FUND if around.gate_open else RebalanceStep.NOTHING
    return _trading(run, orders, around)


def _before_trading(run: RebalanceRun, around: RebalanceView) -> RebalanceStep:
    if around.now >= run.valid_until:
        return RebalanceStep.EXPIRE
    if not around.gate_open:
        return RebalanceStep.NOTHING
    if run.state is RebalanceState.CLEARING:
        return RebalanceStep.CLEAR
    return RebalanceStep.LOOK


def _trading(
    run: RebalanceRun, orders: Mapping[str, Order], around: RebalanceView
) -> RebalanceStep:
    open_orders = [order for order in orders.values() if not order.terminal]
    over = run.session_end is not None and around.now >= run.session_end
    if not run.ending and not over and unsent(run, orders):
        return RebalanceStep.SEND if around.gate_open else RebalanceStep.NOTHING
    if open_orders:
        if all(order.state is OrderState.UNKNOWN for order in open_orders):
            return RebalanceStep.DOUBT
        ending = run.ending or around.late
        return RebalanceStep.CANCEL_ORDERS if ending else RebalanceStep.NOTHING
    if run.ending or over or run.state is RebalanceState.BUYING or unverified(orders):
        return RebalanceStep.FINISH
    return RebalanceStep.FUND


def unsent(run: RebalanceRun, orders: Mapping[str, Order]) -> list[PlannedTrade]:
    """Trades of the present state that are no orders yet, and were not refused."""
    keys = {run.key(trade): trade for trade in run.trading}
    return [trade for key, trade in keys.items() if key not in orders and key not in run.refused]


def planned(run: RebalanceRun) -> int:
    """How many orders it has or may have yet, refused ones left out: its buys may become fewer until they are frozen."""
    trades = run.trades if run.buys is not None or run.plan is None else run.plan.trades
    return len(trades) - len(run.refused)


def unverified(orders: Mapping[str, Order]) -> list[Order]:
    """Orders of which nobody knows what became."""
    return [order for order in orders.values() if order.state is OrderState.UNVERIFIED]


def ending(
    run: RebalanceRun, orders: Mapping[str, Order], now: datetime
) -> tuple[RebalanceState, str, str]:
    """State, reason and message of a rebalance whose trades have ended."""
    if run.cancel_requested:
        return (
            RebalanceState.CANCELLED,
            RebalanceReason.CANCELLED_BY_CLIENT,
            "cancelled; what was traded before is in the report",
        )
    if stopped := _stopped(run, orders):
        return RebalanceState.STOPPED, *stopped
    short = [t for t in run.trades if filled(run, t, orders) < t.quantity]
    if short:
        words = ", ".join(
            f"{t.side} {t.symbol} {filled(run, t, orders)} of {t.quantity}" for t in short
        )
        return RebalanceState.COMPLETED, RebalanceReason.NOT_ALL_FILLED, f"filled: {words}"
    return RebalanceState.COMPLETED, "", ""


def _stopped(run: RebalanceRun, orders: Mapping[str, Order]) -> tuple[str, str] | None:
    """Reason and message of one that has not done what was asked."""
    if doubted := unverified(orders):
        return RebalanceReason.UNKNOWN_ORDER, _doubt(doubted)
    if run.given_up:
        return OrderReason.LEDGER_RESTORED, _GIVEN_UP
    if run.state is RebalanceState.AWAITING_SETTLEMENT:
        return RebalanceReason.NOT_SETTLED, _NOT_SETTLED
    if run.buys is None:
        words = f"the session ended at {run.session_end} before the sells were done"
        return RebalanceReason.SESSION_ENDED, f"{words}: nothing was bought"
    return None


def filled(run: RebalanceRun, trade: PlannedTrade, orders: Mapping[str, Order]) -> Decimal:
    """Shares of a trade that the broker has filled."""
    order = orders.get(run.key(trade))
    return order.filled if order else Decimal(0)


def outcome(
    run: RebalanceRun,
    trade: PlannedTrade,
    orders: Mapping[str, Order],
    commissions: Mapping[str, Decimal],
) -> TradeOutcome:
    """What became of a trade; `commissions` by orderRef."""
    key = run.key(trade)
    order = orders.get(key)
    if order is None:
        state, why = ("Refused", run.refused[key]) if key in run.refused else ("NotSent", "")
        return TradeOutcome(trade, "", state, why, Decimal(0), None, None, None)
    slippage = None
    if order.average_price is not None:
        worse = order.average_price - trade.price
        slippage = order.filled * (worse if trade.side is Side.BUY else -worse)
    return TradeOutcome(
        trade,
        order.id,
        order.state.value,
        order.message or order.broker_message,
        order.filled,
        order.average_price,
        slippage,
        commissions.get(order.order_ref),
    )


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """Their sum; what is not known counts nothing."""
    return sum((amount for amount in amounts if amount is not None), Decimal(0))


def _doubt(orders: Iterable[Order]) -> str:
    ids = ", ".join(order.id for order in orders)
    return (
        f"nobody knows what became of {ids}: say what you found with POST /v1/orders/{{id}}/resolve"
    )


_GIVEN_UP: Final = (
    "the ledger is, or may be, a copy from before what came of this rebalance: its open orders are cancelled and nothing follows. Look "
    "at what the account holds, and ask for another one with a new key"
)
_NOT_SETTLED: Final = "the proceeds of the sells were not settled by validUntil: nothing was bought"
