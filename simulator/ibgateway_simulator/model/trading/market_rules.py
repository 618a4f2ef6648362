"""What the market and IBKR do to every order: one frozen value, changed as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from typing import Any

from ibgateway_simulator.errors import SimulatorConflictError


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The defaults are a calm market: whole fills at the quote, prices that stand still."""

    commission_per_share: Decimal = Decimal("0.005")
    """Commission of a share, in the contract's currency."""
    least_commission: Decimal = Decimal("1.00")
    """The least that one fill costs."""
    slippage: Decimal = Decimal(0)
    """What a market order gets worse than the quote, for each share."""
    lot: Decimal = Decimal(0)
    """Orders fill in lots of so many shares; 0: at once."""
    lot_seconds: float = 0.05
    """Seconds from one lot to the next."""
    active_orders: int = 20
    """Active orders that an account may have for one side of a contract."""
    cutoff_seconds: float = 0
    """So long before the auction an on-open or on-close order is refused."""
    unsettled_buys: bool = True
    """A cash account may buy with proceeds that have not settled."""
    walk_seed: int = 0
    """Begins another random walk of the prices, the same for the same seed."""
    walk_step: Decimal = Decimal(0)
    """Standard deviation of one step, as a part of the price; 0: prices stand still."""
    walk_seconds: float = 1
    """Seconds from one step to the next, by IBKR's clock."""


def changed_market(rules: MarketRules, patch: Mapping[str, Any]) -> MarketRules:
    """The rules with the given fields set, from JSON.

    Raises SimulatorConflictError on an unknown field or a value that is no number.
    """
    known = {item.name for item in fields(rules)}
    if not set(patch) <= known:
        raise SimulatorConflictError(f"market rules are {', '.join(sorted(known))}")
    return replace(
        rules, **{name: _typed(getattr(rules, name), value) for name, value in patch.items()}
    )


def _typed(present: Any, value: Any) -> Any:
    try:
        return type(present)(str(value)) if isinstance(present, Decimal) else type(present)(value)
    except (ArithmeticError, ValueError):
        raise SimulatorConflictError(f"{value!r} is no number") from None
