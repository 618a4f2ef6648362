"""The spec of an IBGateway: every field with its default, its bounds and the rule behind it."""

from datetime import datetime, time
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field

from ibgateway_api.accounts import PAPER_PREFIX, TradingMode
from ibgateway_api.document import Document
from ibgateway_api.executor_spec import ExecutorSpec
from ibgateway_api.fields import (
    ACCOUNT_PATTERN,
    Clock,
    LabelMap,
    NamedRef,
    Origin,
    PersonName,
    ZoneName,
    rule,
    ruled,
)
from ibgateway_api.gateway_spec import GatewaySpec
from ibgateway_api.notifications import Severity
from ibgateway_api.permits import ExistingSession, LoginPolicy, QuietHours
from ibgateway_api.week import RestartTime


class ConsoleAuth(StrEnum):
    """What the noVNC console asks for."""

    PASSWORD = "password"  # noqa: S105 - a mode, not a secret
    TOKEN = "token"  # noqa: S105 - a mode, not a secret


class ConsoleButtons(StrEnum):
    """Of which gateways the console may ask something, once the VNC password was shown."""

    NONE = "none"
    PAPER = "paper"
    ALL = "all"

    def allow(self, mode: TradingMode) -> bool:
        """Whether a gateway of this mode has buttons."""
        return self is ConsoleButtons.ALL or (
            self is ConsoleButtons.PAPER and mode is TradingMode.PAPER
        )


class QuietHoursSpec(Document):
    """A daily span without automatic attempts that may push."""

    start: Clock
    """hh:mm"""
    end: Clock
    """hh:mm; before start it means the next day."""
    time_zone: ZoneName = "America/New_York"
    """The zone of both."""

    def as_quiet_hours(self) -> QuietHours:
        """The value that the permits are decided with."""
        return QuietHours(
            start=time.fromisoformat(self.start),
            end=time.fromisoformat(self.end),
            time_zone=self.time_zone,
        )


class LoginSpec(Document):
    """The push budget."""

    model_config = ruled(
        rule(
            "self.maxAttempts <= self.dailyAttempts",
            "login.maxAttempts can't exceed login.dailyAttempts: raise the daily budget or lower it",
        )
    )

    existing_session: ExistingSession = ExistingSession.YIELD
    """yield: a person's login wins. takeOver: it is taken back, at most dailyTakeOvers a day."""
    daily_take_overs: int = Field(default=2, ge=0, le=10)
    """How often a day a session is taken back."""
    approval_seconds: int = Field(default=180, ge=30, le=900)
    """How long a push waits for its approval."""
    attempt_interval_seconds: int = Field(default=900, ge=30, le=86400)
    """Least time between two automatic attempts."""
    max_attempts: int = Field(default=3, ge=1, le=10)
    """Attempts without a lasting login, requested ones included, after which only a person's request is tried."""
    daily_attempts: int = Field(default=6, ge=1, le=24)
    """Attempts in 24 hours that may push; those that a person asked for count and are not refused."""
    quiet_hours: QuietHoursSpec | None = None
    """No automatic attempt that may push in this span."""
    person: PersonName = ""
    """Whose phone gets the pushes: one waits at a time. Empty: whom the Secret of spec.notifications tells."""

    def as_policy(self) -> LoginPolicy:
        """The push budget as the permits are decided with."""
        return LoginPolicy(
            approval_seconds=self.approval_seconds,
            attempt_interval_seconds=self.attempt_interval_seconds,
            max_attempts=self.max_attempts,
            daily_attempts=self.daily_attempts,
            quiet_hours=self.quiet_hours and self.quiet_hours.as_quiet_hours(),
        )


@lru_cache(maxsize=128)
def _restart_time(at: str, zone: str, passed: datetime | None) -> RestartTime:
    """Kept, because every look at a gateway asks for the same one many times."""
    return RestartTime(restart_at=time.fromisoformat(at), time_zone=zone, passed=passed)


class WeeklyRestartSpec(Document):
    """The weekly restart with its push, at a time of the user's choice."""

    restart_at: Clock = "09:00"
    """hh:mm; the first such time at least an hour after IBKR's token boundary (Sunday 01:00)."""
    time_zone: ZoneName = "America/New_York"
    """The zone of restartAt."""

    def as_restart_time(self, passed: datetime | None = None) -> RestartTime:
        """The value that the week is computed with."""
        return _restart_time(self.restart_at, self.time_zone, passed)


class NoVncSpec(Document):
    """The browser console."""

    enabled: bool = True
    """Whether the console runs."""
    auth: ConsoleAuth = ConsoleAuth.PASSWORD
    """password: the VNC password. token: a token of its own before it."""
    actions: ConsoleButtons = ConsoleButtons.PAPER
    """Whether a login, a restart, a handover or a pause may be asked for there: none, of a paper gateway, or all, live too."""
    allowed_origins: list[Origin] = Field(
        default=[], max_length=16, json_schema_extra={"x-kubernetes-list-type": "set"}
    )
    """More origins a browser may come from than the address it opened."""


class NotificationsSpec(Document):
    """Where people are told."""

    secret_ref: NamedRef | None = None
    """Secret with the keys URLS and HEARTBEAT_URL; one named NAME-notifications is used without a restart."""
    minimum_severity: Severity = Severity.INFO
    """info: everything, also what goes as planned. warning: what is wrong. critical: what needs a person now."""
    batch_seconds: int = Field(default=60, ge=0, le=3600)
    """How long ordinary messages wait for each other; critical ones go at once."""
    reminder_seconds: int = Field(default=3600, ge=0, le=172800)
    """How long before the weekly restart it is announced; 0: not at all."""


class NetworkPolicyPeer(Document):
    """Pods that may reach something."""

    pod_selector: LabelMap = {}
    """Labels of the pods."""
    namespace_selector: LabelMap = {}
    """Labels of their namespaces; empty is the gateway's own."""


class NetworkPolicySpec(Document):
    """Who may reach what."""

    enabled: bool = True
    """Whether NetworkPolicies are written."""
    executor_clients: list[NetworkPolicyPeer] = Field(default=[], max_length=16)
    """Pods that may send orders to the executor, or reach the ports of a program of one's own; empty: none but port-forward."""
    api_clients: list[NetworkPolicyPeer] = Field(default=[], max_length=16)
    """Pods that reach IB Gateway's API and the gate's report, beside those in its namespace that name the gateway in the label ibgateway.dev/gateway."""
    allow_unenforced: bool = False
    """Run live although the cluster enforces no NetworkPolicy."""


_NO_ID: Final = f"!a.matches(r'{ACCOUNT_PATTERN}')"
"""What is no account id is told so, and nothing about a mode it might belong to."""
_PAPER: Final = f"a.startsWith('{PAPER_PREFIX}')"


class IBGatewaySpec(Document):
    """What a user asks for."""

    model_config = ruled(
        rule(
            "self.tradingMode != 'live' || size(self.executor.accounts) > 0",
            "live trading needs executor.accounts: name the account ids that may be traded,"
            " e.g. spec.executor.accounts: [U1234567]",
        ),
        rule(
            f"self.tradingMode != 'live' || self.executor.accounts.all(a, {_NO_ID} || !{_PAPER})",
            "executor.accounts names a paper account (D...) in live mode: use the live account's id",
        ),
        rule(
            f"self.tradingMode != 'paper' || self.executor.accounts.all(a, {_NO_ID} || {_PAPER})",
            "executor.accounts names a live account in paper mode: use the paper account's id (D...)",
        ),
    )

    trading_mode: Annotated[
        TradingMode,
        Field(
            json_schema_extra={
                "x-kubernetes-validations": [
                    rule(
                        "self == oldSelf",
                        "tradingMode is immutable: create a second IBGateway for the other mode",
                    )
                ]
            }
        ),
    ] = TradingMode.PAPER
    """paper or live; can't be changed."""
    credentials_secret_ref: NamedRef
    """Secret with the keys IB_USERNAME, IB_PASSWORD and optionally VNC_PASSWORD."""
    suspend: bool = False
    """Stop cleanly and keep the volumes."""
    gateway: GatewaySpec = GatewaySpec()
    """The IB Gateway pod."""
    login: LoginSpec = LoginSpec()
    """The push budget."""
    weekly_restart: WeeklyRestartSpec = WeeklyRestartSpec()
    """The weekly restart."""
    novnc: NoVncSpec = NoVncSpec()
    """The browser console."""
    executor: ExecutorSpec = ExecutorSpec()
    """The trade executor, or a program of one's own in its place."""
    notifications: NotificationsSpec = NotificationsSpec()
    """Where people are told."""
    network_policy: NetworkPolicySpec = NetworkPolicySpec()
    """Who may reach what."""
