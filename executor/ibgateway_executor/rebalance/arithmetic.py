"""From an account and its targets to the trades. Pure.

A contract's target is its weight of the account's value less the reserve. Contracts without a target are sold, unless they are to be
kept. Trading changes quantities to the target's whole shares, rounded down or up so that the sum of the absolute differences from the
targets is the smallest that the cash allows (`rounding`). Where the cash does not do even for rounding down, the buys shrink in proportion.
Buying never takes the cash below the reserve. A contract that is less than a share away from its target is left alone, so
a second rebalance right after the first one has nothing to do: the steps here are repeated until that is so.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_FLOOR, Decimal
from typing import Final

from ibgateway_executor.orders.order import Side
from ibgateway_executor.rebalance.plan import (
    NOTHING,
    AccountFunds,
    Omission,
    OmissionReason,
    PlannedTrade,
    PlannedWeight,
    RebalancePlan,
    RebalanceRules,
    TargetLine,
)
from ibgateway_executor.rebalance.rounding import Rounding, rounded_up

MOST_STEPS: Final = 100
"""Each step spends cash or ends it: a few are the rule."""

Deltas = dict[int, int]
"""Whole shares to buy (or, negative, to sell) by contract number."""


@dataclass(frozen=True)
class _Goal:
    """A contract that may be traded: whole shares as they are, the value they should have, shares that may be sold."""

    line: TargetLine
    shares: int
    target: Decimal
    sellable: int

    @property
    def gap(self) -> Decimal:
        """What is missing; negative: too much."""
        return self.target - self.shares * self.line.price


def plan(funds: AccountFunds, lines: Sequence[TargetLine], rules: RebalanceRules) -> RebalancePlan:
    """The trades, and what comes of them. Every line has a price above 0, each contract one line.

    An account that is worth nothing trades nothing.
    """
    value = funds.value - _sum(line.value for line in lines if line.excluded)
    reserve = max(value, NOTHING) * rules.reserve_percent / 100
    account = _Account(value, reserve, funds, rules)
    done: Deltas = {}
    for _ in range(MOST_STEPS if value > 0 else 0):
        deltas = _step(account, lines, done)
        if not deltas:
            break
        done = {key: done.get(key, 0) + deltas.get(key, 0) for key in done | deltas}
    trades = sorted(_trades(lines, done), key=lambda t: (t.side is Side.BUY, -t.value, t.con_id))
    targets = account.targets(lines, {})
    return RebalancePlan(
        trades=tuple(trades),
        omissions=tuple(_omissions(account, lines, done)),
        weights=tuple(_weights(account, lines, targets, done)),
        value=value,
        reserve=reserve,
        cash_after=funds.cash - _cost(lines, done),
        prices={line.con_id: line.price for line in lines},
    )


@dataclass(frozen=True)
class _Account:
    value: Decimal
    reserve: Decimal
    funds: AccountFunds
    rules: RebalanceRules

    def spendable(self, lines: Sequence[TargetLine], done: Deltas) -> Decimal:
        """Cash above the reserve, less what our open buys and closing the short positions would take."""
        open_buys = _sum(line.open_buys * line.price for line in lines)
        shorts = _sum(-line.value for line in lines if line.held < 0)
        return self.funds.cash - self.reserve - open_buys - shorts - _cost(lines, done)

    def targets(self, lines: Sequence[TargetLine], done: Deltas) -> dict[int, Decimal]:
        """What each contract that may be traded should be worth."""
        traded = [line for line in lines if not self.fixed(line)]
        fixed = _sum(max(x.value, NOTHING) for x in lines if self.fixed(x) and not x.excluded)
        invested = max(self.value - self.reserve, NOTHING)
        room = max(invested - fixed - self.funds.other_value, NOTHING)
        wanted = {line.con_id: (line.weight or NOTHING) * invested for line in traded}
        total = _sum(wanted.values())
        if total > room:
            wanted = {key: target * room / total for key, target in wanted.items()}
        return self._replaced(traded, wanted, done)

    def fixed(self, line: TargetLine) -> OmissionReason | None:
        """Why the contract's position stays whatever the targets are."""
        if line.excluded:
            return OmissionReason.EXCLUDED
        if line.locked:
            return OmissionReason.LOCKED
        if line.held < 0:
            return OmissionReason.SHORT
        bought_instead = any(r.con_id == line.con_id for r in self.rules.replacements.values())
        if line.weight is None and self.rules.keep_untargeted and not bought_instead:
            return OmissionReason.KEPT
        return None

    def _replaced(
        self, traded: Sequence[TargetLine], wanted: Mapping[int, Decimal], done: Deltas
    ) -> dict[int, Decimal]:
        """What is missing of a replaced contract is had of the other one; what is held of it stays up to its target.

        What is being sold of it already is missing: else it would be bought back.
        """
        targets = dict(wanted)
        for line in traded:
            instead = self.rules.replacements.get(line.con_id)
            if instead is None or instead.con_id not in targets:
                continue
            moved = done.get(line.con_id, 0)
            held = (line.held + line.open_buys - line.open_sells + moved) * line.price
            missing = wanted[line.con_id] - held
            if missing >= line.price or not held:
                targets[line.con_id] = min(wanted[line.con_id], held)
                targets[instead.con_id] += max(missing, NOTHING) * instead.scale
        return targets


def _goals(account: _Account, lines: Sequence[TargetLine], done: Deltas) -> list[_Goal]:
    """What is held in fractions of a share can't be traded: it counts towards the target and stays."""
    targets = account.targets(lines, done)
    goals = []
    for line in lines:
        if line.con_id not in targets:
            continue
        moved = done.get(line.con_id, 0)
        whole = int(line.held.to_integral_value(ROUND_FLOOR))
        target = max(targets[line.con_id] - (line.held - whole) * line.price, NOTHING)
        shares = whole + line.open_buys - line.open_sells + moved
        sellable = max(whole - line.open_sells + min(moved, 0), 0)
        goals.append(_Goal(line, shares, target, sellable))
    return goals


def _step(account: _Account, lines: Sequence[TargetLine], done: Deltas) -> Deltas:
    """The trades of one step; none where nothing is left to do. A trade that turns out too small frees its cash for others."""
    goals = [goal for goal in _goals(account, lines, done) if _idle(account, goal) is None]
    budget = account.spendable(lines, done)
    while True:
        deltas = _rounded(goals, budget)
        small = [goal for goal in goals if _too_small(account, goal, deltas)]
        if not small:
            return {key: delta for key, delta in deltas.items() if delta}
        least = min(small, key=lambda g: (abs(deltas[g.line.con_id]) * g.line.price, g.line.con_id))
        goals.remove(least)


def _idle(account: _Account, goal: _Goal) -> OmissionReason | None:
    """Why a contract is not traded although it may be."""
    gap, rules = abs(goal.gap), account.rules
    if gap < goal.line.price:
        return OmissionReason.ON_TARGET
    if gap * 100 <= rules.tolerance_percent * account.value:
        return OmissionReason.WITHIN_TOLERANCE
    if gap < rules.minimum_trade:
        return OmissionReason.BELOW_MINIMUM
    return None


def _too_small(account: _Account, goal: _Goal, deltas: Deltas) -> bool:
    delta = deltas[goal.line.con_id]
    return bool(delta) and abs(delta) * goal.line.price < account.rules.minimum_trade


def _rounded(goals: Sequence[_Goal], budget: Decimal) -> Deltas:
    """Whole shares for each goal, the buys within `budget` and what the sells bring."""
    down = {goal.line.con_id: _down(goal) for goal in goals}
    spare = budget - _sum(down[goal.line.con_id] * goal.line.price for goal in goals)
    if spare < 0:
        goals, down, spare = _shrunk(goals, down, budget)
    choices = [_rounding(goal, down[goal.line.con_id]) for goal in goals]
    up = rounded_up([choice for choice in choices if choice is not None], spare)
    return {key: delta + (key in up) for key, delta in down.items()}


def _down(goal: _Goal) -> int:
    """The change that rounding the target down asks for, no more than may be sold."""
    shares = int((goal.target / goal.line.price).to_integral_value(ROUND_FLOOR))
    return max(shares - goal.shares, -goal.sellable)


def _rounding(goal: _Goal, down: int) -> Rounding | None:
    price = goal.line.price
    after = (goal.shares + down) * price
    gain = abs(goal.target - after) - abs(goal.target - after - price)
    return Rounding(goal.line.con_id, price, gain) if down >= -goal.sellable else None


def _shrunk(
    goals: Sequence[_Goal], down: Deltas, budget: Decimal
) -> tuple[list[_Goal], Deltas, Decimal]:
    """The buys, their targets moved towards what is held by the same part of the way, and what that leaves.

    The sells stay: rounded down, they bring the most.
    """
    buys = [goal for goal in goals if goal.gap > 0]
    proceeds = -_sum(down[g.line.con_id] * g.line.price for g in goals if g.gap <= 0)
    room = max(budget + proceeds, NOTHING)
    missing = _sum(goal.gap for goal in buys)
    part = min(room / missing, Decimal(1)) if missing else NOTHING
    smaller = [replace(goal, target=goal.target - goal.gap * (1 - part)) for goal in buys]
    shrunk = down | {goal.line.con_id: max(_down(goal), 0) for goal in smaller}
    spent = _sum(shrunk[goal.line.con_id] * goal.line.price for goal in smaller)
    return smaller, shrunk, room - spent


def _trades(lines: Iterable[TargetLine], done: Deltas) -> Iterable[PlannedTrade]:
    for line in lines:
        delta = done.get(line.con_id, 0)
        if delta:
            side = Side.BUY if delta > 0 else Side.SELL
            yield PlannedTrade(line.con_id, line.symbol, side, abs(delta), line.price)


def _omissions(account: _Account, lines: Sequence[TargetLine], done: Deltas) -> Iterable[Omission]:
    goals = {goal.line.con_id: goal for goal in _goals(account, lines, done)}
    for line in lines:
        goal = goals.get(line.con_id)
        reason = account.fixed(line) if goal is None else _left(account, goal, done)
        if reason is not None:
            yield Omission(line.con_id, line.symbol, reason, _WORDS[reason])


def _left(account: _Account, goal: _Goal, done: Deltas) -> OmissionReason | None:
    """Why the contract is not where its target is; None where it was traded and is."""
    traded = bool(done.get(goal.line.con_id))
    if goal.line.con_id in account.rules.replacements and goal.gap >= 0:
        return OmissionReason.REPLACED
    reason = _idle(account, goal)
    if traded and reason is not None:
        return None
    if reason is OmissionReason.ON_TARGET and 0 < goal.line.held < 1 and not goal.target:
        return OmissionReason.FRACTION
    if reason is None:
        return OmissionReason.NO_CASH if goal.gap > 0 else OmissionReason.BEING_SOLD
    return reason


def _weights(
    account: _Account, lines: Iterable[TargetLine], targets: Mapping[int, Decimal], done: Deltas
) -> Iterable[PlannedWeight]:
    """Of every contract that counts; one that stays as it is has its weight as its target."""
    if account.value <= 0:
        return
    for line in lines:
        if line.excluded:
            continue
        after = (line.held + done.get(line.con_id, 0)) * line.price
        target = targets.get(line.con_id, line.value)
        yield PlannedWeight(
            line.con_id,
            line.symbol,
            target / account.value,
            line.value / account.value,
            after / account.value,
        )


def _cost(lines: Iterable[TargetLine], done: Deltas) -> Decimal:
    """What the trades cost in all; negative: what they bring."""
    return _sum(done.get(line.con_id, 0) * line.price for line in lines)


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, NOTHING)


_WORDS: Final = {
    OmissionReason.LOCKED: "it is locked: it stays as it is, and counts",
    OmissionReason.EXCLUDED: "it is excluded: neither traded nor counted",
    OmissionReason.KEPT: "it has no target, and what has none is kept",
    OmissionReason.SHORT: "it is a short position: close it yourself, nothing is sold short or bought back here",
    OmissionReason.ON_TARGET: "it is less than one share away from its target",
    OmissionReason.WITHIN_TOLERANCE: "its drift is within driftTolerancePercent",
    OmissionReason.BELOW_MINIMUM: "the trade would be smaller than minTradeValue",
    OmissionReason.NO_CASH: "there is not enough cash above the reserve for more of it",
    OmissionReason.REPLACED: "another one is bought instead, as replacements says",
    OmissionReason.FRACTION: "less than a share is left of it, and fractions can't be traded over the API",
    OmissionReason.BEING_SOLD: "what could be sold of it is in open orders already",
}
