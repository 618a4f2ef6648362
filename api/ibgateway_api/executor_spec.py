"""The part of the spec that shapes the trade executor."""

from enum import StrEnum

from pydantic import Field

from ibgateway_api.document import Document
from ibgateway_api.fields import (
    AccountId,
    KeyRef,
    Money,
    ObjectName,
    Percent,
    StorageSpec,
    Symbol,
    TargetsUrl,
    Text,
)
from ibgateway_api.targets import TargetSchedule


class MarketClosedAction(StrEnum):
    """What becomes of an order while its market is closed."""

    WAIT = "wait"
    REJECT = "reject"


class ResendPolicy(StrEnum):
    """What becomes of an order that was sent and that IBKR shows nowhere."""

    NEVER = "never"
    PROVEN = "proven"


class DatabaseSpec(Document):
    """Where the ledger lives; empty is SQLite on the volume."""

    postgres_secret_ref: KeyRef | None = None
    """A PostgreSQL URL."""
    postgres_port: int = Field(default=5432, ge=1, le=65535)
    """The URL's port: the NetworkPolicy lets the executor out to it."""


class BackupSpec(Document):
    """Copies of a ledger in SQLite, taken by the executor while it works."""

    claim_name: ObjectName
    """A PersistentVolumeClaim of one's own, on other storage than the ledger's."""
    every_hours: int = Field(default=24, ge=1, le=168)
    """Hours between two copies."""
    keep: int = Field(default=7, ge=1, le=365)
    """How many copies are kept."""


class OrderLimits(Document):
    """Limits of the executor; unset ones do not limit."""

    max_order_value: Money | None = None
    """Largest value of one order, in the contract's currency."""
    max_orders_per_day: int | None = Field(default=None, ge=1, le=100000)
    """Orders accepted in one New York day."""
    allowed_symbols: list[Symbol] = Field(
        default=[], max_length=500, json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """Symbols that may be traded, as the broker writes them; empty allows all."""
    price_collar_percent: Percent | None = None
    """How far a limit price may be on the expensive side of the price of now (of a stop-limit order: of its stop price)."""
    short_selling: bool = False
    """Whether an order may sell more than the account holds."""


class TargetsTokenRef(Document):
    """The key of a Secret in the same namespace that has the source's bearer token."""

    name: ObjectName
    """The Secret's name."""
    key: Text = "token"
    """The key in it."""


class TargetsSpec(Document):
    """Where target weights are fetched, and when the account is rebalanced to them."""

    url: TargetsUrl
    """Answers the body of POST /v1/rebalances without account. https, unless it is a Service of the cluster."""
    token_secret_ref: TargetsTokenRef | None = None
    """A token that is sent to it."""
    account: AccountId | None = None
    """Account to rebalance; may be left out where there is exactly one."""
    schedule: TargetSchedule = TargetSchedule()
    """When."""


class ExecutorSpec(Document):
    """The trade executor."""

    enabled: bool = True
    """Whether the executor runs."""
    client_id: int = Field(default=17, ge=1, le=899)
    """API client id: fixed, because open orders belong to it. 900 and above are the sentinel's."""
    accounts: list[AccountId] = Field(
        default=[], max_length=32, json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """Account ids that may be traded; required in live mode."""
    storage: StorageSpec = StorageSpec()
    """The ledger's volume; it outlives the resource."""
    database: DatabaseSpec = DatabaseSpec()
    """Where the ledger lives."""
    backup: BackupSpec | None = None
    """Copies of the ledger; unset: none are taken."""
    market_closed: MarketClosedAction = MarketClosedAction.WAIT
    """wait: an order waits for its market. reject: it is refused."""
    resend: ResendPolicy = ResendPolicy.NEVER
    """never: an order that was sent and that IBKR shows nowhere waits for a person. proven: it is sent once more where everything proves that it never arrived."""
    archive_after_days: int = Field(default=30, ge=0, le=3650)
    """Days after its end until an order is archived: by its id it is found for ever, the list has it no more. 0: never."""
    cash_reserve_percent: Percent | None = None
    """Share of the account's value that rebalances leave in cash."""
    limits: OrderLimits = OrderLimits()
    """Limits of the executor."""
    targets: TargetsSpec | None = None
    """Where target weights come from; none by default."""
