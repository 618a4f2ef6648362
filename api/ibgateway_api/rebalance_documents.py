"""What the executor's API answers about rebalances, as documents.

Money, weights and quantities that may have fractions are text in JSON and `Decimal` here; a weight is a part of the account's value.
"""

from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, RootModel

from ibgateway_api.document import Document


class RebalanceTrade(Document):
    """Whole shares to buy or sell, and the price at which that was decided."""

    con_id: int
    symbol: str
    side: str
    quantity: int
    decision_price: Decimal
    value: Decimal


class RebalanceOutcome(RebalanceTrade):
    """What became of one. `state` is the order's, or Refused, or NotSent."""

    order_id: str | None
    state: str
    message: str
    filled_quantity: Decimal
    average_price: Decimal | None
    slippage: Decimal | None
    """What it cost more than the decision price said; negative: less."""
    commission: Decimal | None
    """Null: IBKR did not tell it."""


class RebalanceWeight(Document):
    """A contract's part of the account: as it is to be, as it was, and at the end."""

    con_id: int
    symbol: str
    target: Decimal
    before: Decimal
    after: Decimal
    price: Decimal | None = None
    """Of a plan: what it was decided at. Of a report: null."""


class RebalanceOmission(Document):
    """A contract that is not traded, or by less than its target asks for, and why."""

    con_id: int
    symbol: str
    reason: str
    message: str


class RebalancePlanDocument(Document):
    """What is to be traded, sells first, and what comes of it at the decision prices."""

    account_value: Decimal
    cash_reserve: Decimal
    cash_after: Decimal
    drift_before: Decimal
    """The part of the account that is not where it should be."""
    drift_after: Decimal
    orders: tuple[RebalanceTrade, ...]
    weights: tuple[RebalanceWeight, ...]
    left_out: tuple[RebalanceOmission, ...]


class PlanObjection(Document):
    """Why nothing of a plan would be traded: a limit, an order in doubt, or somebody else's working order."""

    reason: str
    message: str


class PlannedRebalance(RebalancePlanDocument):
    """A dry run: the plan of this moment. Nothing was stored or sent."""

    dry_run: bool
    account: str
    currency: str
    settlement: str
    """cash: what is sold pays for buys once it is settled; margin: at once."""
    markets_open: bool
    markets_open_at: AwareDatetime | None
    closed: tuple[str, ...]
    closing: tuple[str, ...]
    """Markets that are open, and whose session ends before both sides have had their time; when."""
    hours_unknown: tuple[str, ...]
    objections: tuple[PlanObjection, ...]
    """Why nothing of it would be traded now; empty where nothing forbids it."""
    prices: str


class RebalanceReportDocument(Document):
    """How it ended."""

    orders: tuple[RebalanceOutcome, ...]
    weights: tuple[RebalanceWeight, ...]
    drift_before: Decimal
    drift_after: Decimal
    account_value: Decimal
    cash: Decimal
    slippage: Decimal
    commission: Decimal | None


class RebalanceDocument(Document):
    """A rebalance, as it is now."""

    id: str
    state: str
    """Accepted, Waiting, Clearing, Selling, AwaitingSettlement, Buying, Completed, Stopped, Cancelled or Expired."""
    reason: str
    message: str
    until: AwareDatetime | None
    account: str
    accepted_at: AwareDatetime
    valid_until: AwareDatetime
    began_at: AwareDatetime | None
    session_end: AwareDatetime | None
    cancel_requested: bool
    plan: RebalancePlanDocument | None
    buys: tuple[RebalanceTrade, ...] | None
    """As they were frozen once the sells had ended: those of the plan, or fewer."""
    report: RebalanceReportDocument | None
    updated_at: AwareDatetime | None
    state_since: AwareDatetime | None = None
    """When it came to its state; null where that was before an upgrade."""
    request: dict[str, Any]


class RebalancePage(Document):
    """Rebalances, oldest first. `next` is the cursor of the following page, null on the last one."""

    rebalances: tuple[RebalanceDocument, ...]
    next: str | None


class RebalanceAnswer(RootModel[RebalanceDocument | PlannedRebalance]):
    """The rebalance of the request; of a dry run its plan."""


class KeptTargetsDocument(Document):
    """The last good document of a source."""

    source: str
    fetched_at: AwareDatetime
    age_seconds: int
    body: dict[str, Any]


class TargetsDocument(Document):
    """Where target weights are fetched, when next, and what became of the last ones."""

    url: str | None
    """Without user, password and query."""
    account: str | None
    next: AwareDatetime | None
    rebalance: str | None
    """Id of the last rebalance that was stored for it since the start."""
    problem: str | None
    last_good: KeptTargetsDocument | None
