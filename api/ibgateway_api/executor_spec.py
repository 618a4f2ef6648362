"""The part of the spec that shapes the trade executor."""

from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import Field

from ibgateway_api.document import Document
from ibgateway_api.fields import (
    AccountId,
    KeyRef,
    Money,
    NamedRef,
    ObjectName,
    Percent,
    StorageSpec,
    Symbol,
    TargetsUrl,
    Text,
    rule,
    ruled,
)
from ibgateway_api.pod_fields import ProgramResources, verbatim
from ibgateway_api.program_fields import (
    Argument,
    ProgramEnvSource,
    ProgramEnvVar,
    ProgramImage,
    ProgramPort,
    ProgramProbe,
    ProgramSecurity,
)
from ibgateway_api.targets import TargetSchedule
from ibgateway_api.volume_fields import ProgramMount, ProgramVolume


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


class WhenClosed(StrEnum):
    """What becomes of a program of one's own while the gate is closed for long."""

    KEEP = "keep"
    STOP = "stop"


def _by_name(kind: str = "name") -> dict[str, Any]:
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [kind]}


_PROGRAMS_LISTS: Final = (
    *("command", "args", "env", "envFrom", "volumes", "volumeMounts", "ports"),
    "imagePullSecrets",
)
_PROGRAMS_PARTS: Final = (
    *("resources", "livenessProbe", "readinessProbe", "startupProbe", "securityContext"),
    "terminationGracePeriodSeconds",
)
PROGRAMS_FIELDS: Final = (*_PROGRAMS_LISTS, *_PROGRAMS_PARTS)
"""Fields that mean nothing without `image`, beside `whenClosed`."""
_NO_PROGRAM: Final = " && ".join(
    (
        *(f"size(self.{field}) == 0" for field in _PROGRAMS_LISTS),
        *(f"!has(self.{field})" for field in _PROGRAMS_PARTS),
        "self.whenClosed == 'keep'",
    )
)
_NOTHING_OF_OURS: Final = " && ".join(
    (
        *("!has(self.database.postgresSecretRef)", "!has(self.backup)", "!has(self.targets)"),
        *("!has(self.limits.maxOrderValue)", "!has(self.limits.maxOrdersPerDay)"),
        *("size(self.limits.allowedSymbols) == 0", "!has(self.limits.priceCollarPercent)"),
        *("!self.limits.shortSelling", "self.marketClosed == 'wait'", "self.resend == 'never'"),
        *("self.archiveAfterDays == 30", "!has(self.cashReservePercent)"),
    )
)


class ExecutorSpec(Document):
    """The trade executor, or a program of one's own in its place."""

    model_config = ruled(
        rule(
            f"has(self.image) || ({_NO_PROGRAM})",
            "executor.image is missing: command, args, env, envFrom, volumes, volumeMounts, ports,"
            " resources, probes, securityContext, imagePullSecrets, terminationGracePeriodSeconds and"
            " whenClosed: stop are of a program of your own, so name its image or leave them out",
        ),
        rule(
            f"!has(self.image) || ({_NOTHING_OF_OURS})",
            "database, backup, targets, limits, marketClosed, resend, archiveAfterDays and"
            " cashReservePercent are of the executor whose place executor.image takes, and nothing"
            " of them would hold: take them out, and have your program do it",
        ),
        rule(
            "self.volumeMounts.all(m, self.volumes.exists(v, v.name == m.name))",
            "executor.volumeMounts names a volume that executor.volumes does not have",
        ),
        rule(
            "!has(self.readinessProbe) || !has(self.readinessProbe.terminationGracePeriodSeconds)",
            "executor.readinessProbe ends nothing: leave its terminationGracePeriodSeconds out",
        ),
        *(
            rule(
                f"!has(self.{probe}) || !has(self.{probe}.successThreshold)"
                f" || self.{probe}.successThreshold == 1",
                f"executor.{probe}.successThreshold is 1, or left out",
            )
            for probe in ("livenessProbe", "startupProbe")
        ),
    )

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
    image: ProgramImage | None = None
    """A program of one's own that runs in the executor's place; unset: the executor."""
    command: list[Argument] = Field(default=[], max_length=32)
    """Command of the program; empty takes the image's."""
    args: list[Argument] = Field(default=[], max_length=32)
    """Its arguments; empty takes the image's."""
    env: list[Annotated[dict[str, Any], verbatim(ProgramEnvVar)]] = Field(
        default=[], max_length=64, json_schema_extra=_by_name()
    )
    """More environment variables of the program."""
    env_from: list[Annotated[dict[str, Any], verbatim(ProgramEnvSource)]] = Field(
        default=[], max_length=16
    )
    """Secrets and ConfigMaps whose keys are more of them."""
    volumes: list[Annotated[dict[str, Any], verbatim(ProgramVolume)]] = Field(
        default=[], max_length=16, json_schema_extra=_by_name()
    )
    """Volumes of its pod: configMap, secret, emptyDir, persistentVolumeClaim, projected, downwardAPI or csi."""
    volume_mounts: list[Annotated[dict[str, Any], verbatim(ProgramMount)]] = Field(
        default=[], max_length=16, json_schema_extra=_by_name("mountPath")
    )
    """Where they stand in its container."""
    resources: Annotated[dict[str, Any], verbatim(ProgramResources)] | None = None
    """Resource requirements of the program; unset asks for 50m of CPU and 128Mi of memory, and limits nothing."""
    ports: list[ProgramPort] = Field(default=[], max_length=16, json_schema_extra=_by_name())
    """Ports that it listens on; without one there are no Services for it."""
    liveness_probe: Annotated[dict[str, Any], verbatim(ProgramProbe)] | None = None
    """When the kubelet starts it anew."""
    readiness_probe: Annotated[dict[str, Any], verbatim(ProgramProbe)] | None = None
    """When it is ready, beside the gate."""
    startup_probe: Annotated[dict[str, Any], verbatim(ProgramProbe)] | None = None
    """When it has started."""
    security_context: Annotated[dict[str, Any], verbatim(ProgramSecurity)] | None = None
    """Its container's security context, over what Pod Security's restricted asks for."""
    image_pull_secrets: list[NamedRef] = Field(
        default=[], max_length=8, json_schema_extra=_by_name()
    )
    """Secrets for pulling its image."""
    termination_grace_period_seconds: int | None = Field(default=None, ge=1, le=600)
    """Seconds from SIGTERM to SIGKILL; unset: 30."""
    when_closed: WhenClosed = WhenClosed.KEEP
    """keep: the program runs on while the gate is closed. stop: it is ended where that is no short loss, and started once the gate is open."""

    @property
    def runs_executor(self) -> bool:
        """Whether it is the executor that runs, and no program of one's own."""
        return self.enabled and self.image is None
