"""The JSON documents that the programs exchange over HTTP and in settings files."""

from datetime import datetime

from pydantic import Field

from ibgateway_api.document import Document
from ibgateway_api.gate import GateReason, Hold
from ibgateway_api.login import Login, LoginState
from ibgateway_api.permits import LoginPolicy, PermitRefusal
from ibgateway_api.week import Calendar, RestartTime


class HoldReport(Document):
    """A hold on trading that the sentinel knows of."""

    reason: GateReason
    until: datetime | None = None

    def as_hold(self) -> Hold:
        """The value the gate takes."""
        return Hold(self.reason, self.until)


class PermitReport(Document):
    """Why a waiting gateway has no permit yet."""

    refusal: PermitRefusal
    until: datetime | None = None


class SentinelReport(Document):
    """`GET /v1/status` of the sentinel: everything the operator and the executor know of a login.

    `sequence` grows with every change; `GET /v1/status?after=N&wait=S` answers once it is above N or
    after S seconds, and sends an empty line every second until then. `boot` tells one sentinel
    process from the next: a sequence means nothing across boots.
    """

    boot: str
    sequence: int
    at: datetime
    state: LoginState
    since: datetime
    deadline: datetime | None = None
    accounts: tuple[str, ...] = ()
    full_auth_time: datetime | None = None
    attempts_today: int = 0
    waiting: PermitReport | None = None
    holds: tuple[HoldReport, ...] = ()
    handled_login_request: str = ""
    handled_restart: str = ""

    def as_login(self) -> Login:
        """The value the gate and the conditions are computed from."""
        return Login(
            state=self.state,
            since=self.since,
            deadline=self.deadline,
            accounts=self.accounts,
            full_auth_time=self.full_auth_time,
        )


class LoginRequest(Document):
    """`POST /v1/login-requests` of the sentinel: a person asks for one more attempt.

    `id` is the annotation's time stamp as written; a handled or older id is answered with 200 and
    does nothing.
    """

    id: str


class RestartRequest(Document):
    """`POST /v1/restarts` of the sentinel: stop cleanly, then one `full` attempt in the same pod.

    `id` is the boundary's time in RFC 3339 UTC: the same week never restarts twice.
    """

    id: str


class AgentSettings(Document):
    """`settings.json` of the sentinel; read again whenever it changes. Times in seconds."""

    trading_mode: str = "paper"
    expected_accounts: tuple[str, ...] = ()
    existing_session: str = "yield"
    daily_take_overs: int = Field(default=2, ge=0)
    login: LoginPolicy = LoginPolicy()
    calendar: Calendar = Calendar()


class ExecutorSettings(Document):
    """`settings.json` of the executor; read again whenever it changes."""

    namespace: str
    gateway: str
    trading_mode: str = "paper"
    api_host: str
    api_port: int
    sentinel_url: str
    client_id: int = Field(default=17, ge=1)
    accounts: tuple[str, ...] = ()
    market_closed: str = "wait"
    cash_reserve_percent: str = "1"
    max_order_value: str | None = None
    max_orders_per_day: int | None = None
    restart: RestartTime = RestartTime()
    calendar: Calendar = Calendar()
    holds: tuple[HoldReport, ...] = ()
    """What the operator holds trading for, such as a suspension that has been asked for."""


class ExecutorReport(Document):
    """`GET /v1/gate` of the executor (agent token): its own view of the gate, and whether it has drained.

    `unacknowledged` counts submissions whose fate the broker has not told; a planned stop waits for 0.
    """

    open: bool
    reason: str = ""
    message: str = ""
    unacknowledged: int = 0
    open_orders: int = 0
