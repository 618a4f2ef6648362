"""What the arithmetic of a rebalance is given, and what it answers. Pure.

Money is `Decimal` in the account's base currency, weights are fractions of the account's value (0.25 is a quarter),
percentages are percentages. Quantities that are traded are whole shares.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from ibgateway_executor.orders.order import Contract, Side

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Replacement:
    """Instead of one symbol another one is bought, for `scale` times the money. What is held of the first one stays."""

    con_id: int
    scale: Decimal


def replacement_problems(pairs: Sequence[tuple[Contract, Contract]]) -> list[str]:
    """What is wrong with replacements, each a contract and what is bought instead of it: where the money ends has to be said once.

    Chains (A by B, B by C), circles and a contract by itself are refused, not followed: `scale` of which one would count?
    """
    times = Counter(first.con_id for first, _ in pairs)
    names = {first.con_id: first for first, _ in pairs}
    problems = [f"{names[number]} is replaced {n} times" for number, n in times.items() if n > 1]
    for first, instead in pairs:
        if first.con_id == instead.con_id:
            problems.append(f"{first} is replaced by itself")
        elif instead.con_id in times:
            problems.append(f"{instead} is bought instead of {first}, and is replaced itself")
    return problems


@dataclass(frozen=True)
class RebalanceRules:
    """How a rebalance goes. `replacements` are by the contract number of what is not to be bought."""

    reserve_percent: Decimal = NOTHING
    minimum_trade: Decimal = NOTHING
    tolerance_percent: Decimal = NOTHING
    keep_untargeted: bool = False
    replacements: Mapping[int, Replacement] = field(default_factory=dict)


@dataclass(frozen=True)
class AccountFunds:
    """An account's value with everything in it and the cash that may be spent.

    `other_value` is that of holdings which can't be traded here and are no lines.
    """

    value: Decimal
    cash: Decimal
    other_value: Decimal = NOTHING


@dataclass(frozen=True)
class TargetLine:
    """One contract: what is held, what is open of our own orders, what it costs and its target weight.

    `weight` None: without a target. `locked`: it stays as it is, and counts. `excluded`: it is not there for this
    rebalance, and the account is worth less by its value.
    """

    con_id: int
    symbol: str
    price: Decimal
    held: Decimal = NOTHING
    weight: Decimal | None = None
    open_buys: int = 0
    open_sells: int = 0
    locked: bool = False
    excluded: bool = False

    @property
    def value(self) -> Decimal:
        """What is held is worth."""
        return self.held * self.price


class OmissionReason(StrEnum):
    """Why a contract is not traded."""

    LOCKED = "Locked"
    EXCLUDED = "Excluded"
    KEPT = "KeptWithoutTarget"
    SHORT = "ShortPosition"
    ON_TARGET = "LessThanAShareAway"
    WITHIN_TOLERANCE = "WithinTolerance"
    BELOW_MINIMUM = "BelowMinimumTrade"
    NO_CASH = "NotEnoughCash"
    REPLACED = "Replaced"
    FRACTION = "LessThanAShareHeld"
    BEING_SOLD = "BeingSold"


@dataclass(frozen=True)
class Omission:
    """A contract that is not traded, or by less than its target asks for."""

    con_id: int
    symbol: str
    reason: OmissionReason
    message: str


@dataclass(frozen=True)
class PlannedTrade:
    """Whole shares to buy or sell, and the price at which that was decided."""

    con_id: int
    symbol: str
    side: Side
    quantity: int
    price: Decimal

    @property
    def value(self) -> Decimal:
        """What it moves, at the price it was decided at."""
        return self.quantity * self.price


@dataclass(frozen=True)
class PlannedWeight:
    """A contract's share of the account's value: as it is to be, as it is, and after the plan."""

    con_id: int
    symbol: str
    target: Decimal
    before: Decimal
    after: Decimal


@dataclass(frozen=True)
class RebalancePlan:
    """What is to be traded, sells first, and what comes of it at the prices it was decided at.

    `value` is the account's without what is excluded, `reserve` the cash that is kept, `cash_after` what is left.
    """

    trades: tuple[PlannedTrade, ...]
    omissions: tuple[Omission, ...]
    weights: tuple[PlannedWeight, ...]
    value: Decimal
    reserve: Decimal
    cash_after: Decimal
    prices: Mapping[int, Decimal] = field(default_factory=dict)
    """By contract number: what it was decided at."""

    def of_side(self, side: Side) -> tuple[PlannedTrade, ...]:
        """The sells or the buys."""
        return tuple(trade for trade in self.trades if trade.side is side)

    @property
    def drift_before(self) -> Decimal:
        """The part of the account that is not where it should be, from 0 to 1."""
        return drift((weight.target, weight.before) for weight in self.weights)

    @property
    def drift_after(self) -> Decimal:
        """The same at the end."""
        return drift((weight.target, weight.after) for weight in self.weights)


def drift(weights: Iterable[tuple[Decimal, Decimal]]) -> Decimal:
    """Half the sum of what the weights differ by: what has to change hands, as a part of the account."""
    return sum((abs(is_to_be - is_now) for is_to_be, is_now in weights), NOTHING) / 2
