"""What the executor's API answers, as documents: the OpenAPI page is made of them, and the client reads with them.

Money and quantities that may have fractions are text in JSON and `Decimal` here; times are RFC 3339 and aware.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from pydantic import AwareDatetime, Field

from ibgateway_api.document import Document


class ProblemEntry(Document):
    """One part of a request that is not valid: a `pointer` into its body, a `parameter` of its query, or a `header`."""

    detail: str
    pointer: str | None = None
    parameter: str | None = None
    header: str | None = None


class ProblemDocument(Document):
    """Every error (RFC 9457, `application/problem+json`)."""

    type: str = "about:blank"
    """`urn:ibgateway:problem:` and the code: a name, not an address."""
    title: str = ""
    status: int = 0
    detail: str = ""
    """What to do."""
    code: str = ""
    """For programs."""
    errors: tuple[ProblemEntry, ...] = ()
    """Of a request that is not valid."""
    rebalance: str = ""
    """Of `RebalanceActive`: the id of the one that the account has."""


class ContractDocument(Document):
    """A contract as far as it is known; `conId` is filled in from IBKR."""

    con_id: int | None = None
    symbol: str = ""
    sec_type: str = "STK"
    exchange: str = ""
    currency: str = ""
    primary_exchange: str = ""
    multiplier: str | None = None


class OrderDocument(Document):
    """An order, as it is now."""

    id: str
    state: str
    """Accepted, Waiting, Sending, Working, Filled, Cancelled, Rejected, Expired, Unknown or Unverified."""
    reason: str
    """Why it waits, ended or is in doubt, for programs."""
    message: str
    """The same for people."""
    broker_message: str
    """The last error or notice of IBKR's about it."""
    resolution: str | None
    note: str | None
    account: str
    contract: ContractDocument
    side: str
    quantity: int
    order_type: str
    limit_price: Decimal | None
    stop_price: Decimal | None
    time_in_force: str
    outside_regular_hours: bool
    not_before: AwareDatetime | None
    market_closed: str | None
    priority: str
    client_reference: str | None
    replaces: str | None
    """Id of the order in whose place it is."""
    replaced_by: str | None
    """Id of the order that has taken its place."""
    rebalance: str | None
    """Id of the rebalance that placed it."""
    valid_until: AwareDatetime
    order_ref: str
    """How IBKR's own screens show it."""
    order_id: int | None
    perm_id: int | None
    filled_quantity: Decimal
    average_price: Decimal | None
    cancel_requested: bool
    accepted_at: AwareDatetime
    sent_at: AwareDatetime | None
    resent_at: AwareDatetime | None
    """When it was sent a second time, which is the last: the first sending provably never arrived."""
    updated_at: AwareDatetime | None
    cancel_written: bool | None = None
    """Whether the cancel that was asked for has left; only there while that matters."""


class OrderPage(Document):
    """Orders, oldest first. `next` is the cursor of the following page, null on the last one."""

    orders: tuple[OrderDocument, ...]
    next: str | None


class HistoryEntry(Document):
    """One change of an order or a rebalance."""

    number: int
    at: AwareDatetime
    before: str | None = Field(alias="from")
    after: str = Field(alias="to")
    reason: str
    message: str
    cause: str
    """client, executor, broker, person, restart or upgrade."""
    evidence: Mapping[str, Any]
    """What else changed, and the broker's report behind it."""


class OrderChange(HistoryEntry):
    """Data of the event `order`: one change, and whose it is."""

    order: str


class RebalanceChange(HistoryEntry):
    """Data of the event `rebalance`: one change, and whose it is."""

    rebalance: str


class GateDocument(Document):
    """Data of the event `gate`: whether an order would be sent now, and why not."""

    open: bool
    reason: str
    message: str


class StreamEnd(Document):
    """Data of the event `closed`, the last one: the reader was `slow`, or the executor `ends`."""

    reason: str
    message: str


class HistoryPage(Document):
    """Changes, oldest first. `next` is the cursor of the following page, null on the last one."""

    history: tuple[HistoryEntry, ...]
    next: str | None


class DatedDocument(Document):
    """What IBKR told last."""

    as_of: AwareDatetime
    """When IBKR told it."""
    problem: str | None
    """Why it is not of now: the executor could not ask."""


class PositionDocument(Document):
    """What an account holds of a contract; `quantity` is negative for a short one, `averageCost` a share's."""

    account: str
    contract: ContractDocument
    quantity: Decimal
    average_cost: Decimal


class PositionPage(DatedDocument):
    """Positions, none of 0. `next` is the cursor of the following page, null on the last one and where all were asked for."""

    positions: tuple[PositionDocument, ...]
    next: str | None = None


class AccountDocument(DatedDocument):
    """An account's values in its base `currency`, `cash` by currency. Null: IBKR did not tell that one."""

    account: str
    currency: str
    settlement: str
    """margin, or cash where nothing shows that it is a margin account."""
    net_liquidation: Decimal
    total_cash: Decimal
    settled_cash: Decimal | None
    available_funds: Decimal | None
    buying_power: Decimal | None
    cash: Mapping[str, Decimal]


class ExecutionDocument(Document):
    """One execution, of an order of ours or of anybody's."""

    exec_id: str
    at: AwareDatetime
    account: str
    contract: ContractDocument
    side: str
    quantity: Decimal
    price: Decimal
    order_ref: str | None
    """That of the order's document; null for an order made by hand."""
    order_id: int | None
    client_id: int
    perm_id: int | None


class ExecutionPage(DatedDocument):
    """Executions since midnight in New York, oldest first. `next` is as with positions."""

    executions: tuple[ExecutionDocument, ...]
    next: str | None = None


class CancelResult(Document):
    """What `POST /v1/cancel-all` has done to the orders that had not ended."""

    cancelled: int
    """They were unsent."""
    asked: int
    """IBKR has them or is about to: it is asked to cancel them."""
    in_doubt: int
    """Their fate is not known: they are cancelled once they are found."""


class PauseDocument(Document):
    """Whether trading is paused, and how many orders are on their way yet."""

    paused: bool
    by: str | None
    reason: str | None
    since: AwareDatetime | None
    unacknowledged: int
