"""One look at a gateway, as the value that decisions and outcomes are made from. Pure."""

from dataclasses import dataclass
from datetime import datetime

from ibgateway_agent.sentinel.permits.records import Records
from ibgateway_api.login import Login
from ibgateway_api.reports import TradingPause
from ibgateway_api.settings import SentinelSettings


@dataclass(frozen=True)
class SentinelSnapshot:
    """Everything that is known at one moment.

    `attempt` is the id of the running process' attempt, 0 without one. `waiting`: a start of the
    container waits for a permit. `running`: the wrapper has started run.sh. `token_at_hand`: exactly
    one autorestart file is there. `permit_on_its_way`: one lies ready, or was taken by this start.
    `clock_wrong`: it is far off IBKR's. `starts_over`: when the driver met a dead token after which it begins anew by itself.
    """

    now: datetime
    login: Login
    records: Records
    settings: SentinelSettings
    attempt: int = 0
    started: int = 0
    """The newest permit of which this pod's log tells that it was taken; 0 for none."""
    waiting: bool = False
    running: bool = False
    token_at_hand: bool = False
    permit_on_its_way: bool = False
    starts_over: datetime | None = None
    clock_wrong: bool = False
    port_closed: bool = False
    """Nobody listened on the API's port when it was probed last."""
    kept_pause: TradingPause | None = None
    """A pause of trading that the run directory remembers."""
    looked_since: datetime | None = None
    """When this sentinel had read what was written before its start; only from then on the API is heard."""
