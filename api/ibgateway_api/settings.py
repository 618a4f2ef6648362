"""The settings files of sentinel and executor, written by the operator and read again on change."""

from pydantic import AwareDatetime, Field

from ibgateway_api.accounts import TradingMode
from ibgateway_api.document import Document
from ibgateway_api.executor_spec import MarketClosedAction, ResendPolicy
from ibgateway_api.notifications import Severity
from ibgateway_api.permits import ExistingSession, LoginPolicy
from ibgateway_api.reports import HoldReport, TradingPause
from ibgateway_api.targets import TargetSchedule
from ibgateway_api.week import Calendar, RestartTime


class NotificationSettings(Document):
    """Whom the sentinel's messages speak of, and which are told when. Times in seconds."""

    namespace: str
    gateway: str
    minimum_severity: Severity = Severity.INFO
    batch_seconds: int = Field(default=60, ge=0)
    reminder_seconds: int = Field(default=3600, ge=0)


class SentinelSettings(Document):
    """`settings.json` of the sentinel; read again whenever it changes. Times in seconds."""

    trading_mode: TradingMode = TradingMode.PAPER
    expected_accounts: tuple[str, ...] = ()
    existing_session: ExistingSession = ExistingSession.YIELD
    daily_take_overs: int = Field(default=2, ge=0)
    login: LoginPolicy = LoginPolicy()
    restart: RestartTime = RestartTime()
    calendar: Calendar = Calendar()
    notifications: NotificationSettings | None = None
    """None: nobody is told."""
    logins_allowed: bool = True
    """False: no start gets a permit, because the API would be open to every pod of the cluster."""
    needs_turn: bool = False
    """Whether a push waits for its turn: the person who approves has other gateways too."""
    logged_in_before: bool = False
    """Whether this gateway has ever logged in: an attempt ledger that is missing now was lost."""
    holds: tuple[HoldReport, ...] = ()
    """What the operator holds trading for: the gate for programs is closed for it too."""
    pause: TradingPause | None = None
    """A pause from the console that the operator knows to stand: it stands also where the attempt ledger is lost."""
    resume_requested: AwareDatetime | None = None
    """The annotation that ends such a pause, where one was begun before it."""


class TargetSettings(Document):
    """Where targets come from, when, and for which account; empty: the only one."""

    url: str
    account: str = ""
    schedule: TargetSchedule = TargetSchedule()


class ExecutorSettings(Document):
    """`settings.json` of the executor; read again whenever it changes."""

    namespace: str
    gateway: str
    trading_mode: TradingMode = TradingMode.PAPER
    api_host: str
    api_port: int
    sentinel_url: str
    client_id: int = Field(default=17, ge=1)
    accounts: tuple[str, ...] = ()
    market_closed: MarketClosedAction = MarketClosedAction.WAIT
    max_order_value: str | None = None
    max_orders_per_day: int | None = None
    allowed_symbols: tuple[str, ...] = ()
    price_collar_percent: str | None = None
    short_selling: bool = False
    resend: ResendPolicy = ResendPolicy.NEVER
    gateway_time_zone: str = "America/New_York"
    """In which the gateway's lists of the day begin at midnight."""
    archive_after_days: int = Field(default=30, ge=0)
    cash_reserve_percent: str | None = None
    targets: TargetSettings | None = None
    restart: RestartTime = RestartTime()
    calendar: Calendar = Calendar()
    holds: tuple[HoldReport, ...] = ()
    """What the operator holds trading for, such as a suspension that has been asked for."""
