"""What the control API can make go wrong: one frozen value, changed as a whole.

Fields that end in `_next` are used up by what they are for; the others stay until changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from enum import StrEnum
from typing import Any

from ibgateway_simulator.errors import SimulatorConflictError
from ibgateway_simulator.model.choices import choice


class OrderLoss(StrEnum):
    """How the next order is lost: all but `silently` break its connection."""

    NONE = ""
    BEFORE_BOOKING = "before-booking"
    AFTER_BOOKING = "after-booking"
    REJECTED = "rejected"
    SILENTLY = "silently"
    LATE = "late"


class RejectSequence(StrEnum):
    """Whether error 201 comes before or after the Inactive status."""

    ERROR_FIRST = "error-first"
    STATUS_FIRST = "status-first"


@dataclass(frozen=True, slots=True)
class Faults:
    """Every fault of the TWS side; the defaults are a healthy IBKR."""

    read_only: bool = False
    """Orders, open and completed orders are answered with 321."""
    hold_fills: bool = False
    """Marketable orders work but do not fill; orders held so are released by `release`."""
    fill_delay: float = 0.05
    """Seconds from acceptance to the fill of a marketable order."""
    reject_next: str = ""
    """Reason of the 201 the next order gets."""
    reject_order: RejectSequence = RejectSequence.ERROR_FIRST
    """Whether a 201 comes before or after the Inactive status."""
    partial_next: tuple[Decimal, ...] = ()
    """Quantities the next order fills in; then it is held."""
    lose_next: OrderLoss = OrderLoss.NONE
    """The next order's connection is reset before or after the order is booked, or rejected while
    nobody listens; `silently`: the order is dropped and the connection stays; `late`: it is on its way for as
    long as nobody says that it arrives, and is booked then whatever has happened since."""
    refuse_next: int = 0
    """Code of the error that refuses the next order, for example 163; no status follows."""
    refuse_cancel_next: int = 0
    """Code of the error that refuses the next cancel, for example 161."""
    ack_seconds: float = 0
    """Seconds until a client hears of what has happened to its orders."""
    unacknowledged: bool = False
    """Orders are booked and filled, and their client hears nothing of it."""
    mute_symbols: tuple[str, ...] = ()
    """Contracts whose details and prices are asked for in vain."""
    snapshot_seconds: float = 0
    """Seconds between a snapshot's prices and its end; IBKR needs about 11 where little is traded."""
    no_last_price: bool = False
    """Prices have a bid and an ask and no last one, as of what was not traded today."""
    handshake_seconds: float = 0
    """Seconds until the first packet of a client is answered."""
    close_at_once: bool = False
    """Connections are accepted and closed without a word."""
    accounts_empty_seconds: float = 0
    """So long after a login the accounts are not known yet: managedAccounts is empty."""
    orders_empty_seconds: float = 0
    """So long after startApi the open orders are not known yet: none is listed."""
    reports_empty_seconds: float = 0
    """So long after startApi the executions and completed orders are not known yet: none is listed."""
    completed_empty_seconds: float = 0
    """The same for completed orders alone: executions are told."""
    order_ref_limit: int = 0
    """IBKR keeps so many characters of an orderRef; 0: all."""
    repeat_reports: bool = False
    """A client is told everything about its orders twice, and the status before the last once more."""
    reverse_reports: bool = False
    """What a client is told at once about its orders comes last thing first."""
    flap_next: int = 0
    """The next request with this message id meets a loss of the link: 1100, 1102, then its answer."""
    mute: bool = False
    """Sockets stay open, nothing is answered."""
    silent_requests: tuple[int, ...] = ()
    """Message ids of requests that get no answer, for example 7 (reqExecutions)."""
    ledger_prefix: bool = False
    """Per-currency account values carry `$LEDGER-`."""
    managed_accounts: str | None = None
    """What managedAccounts (15) says instead of the session's account."""
    no_next_valid_id: bool = False
    """nextValidId (9) is left out of the start-up."""
    broker_link_down: bool = False
    """Start-up succeeds, then 2110; contracts are answered with 200, prices with 10159, and orders get
    no further."""
    competing_data: bool = False
    """Prices are answered with 10197: another session has them."""
    client_id_lingers_seconds: float = 0
    """So long after a connection has ended its client id still counts as in use."""
    lost_said_once: bool = False
    """1100 is not repeated: who connects while the link is lost is told nothing."""
    time_zone_id: str | None = None
    """What contract details give as the time zone of their hours, instead of US/Eastern."""
    what_if_unset_first: bool = False
    """A what-if is answered twice, the first time without any figure."""
    tif_preset: bool = True
    """An empty time in force becomes DAY with notice 10349."""
    max_rate: int = 50
    """Messages a second above which 100 is sent; the third time closes the connection."""
    resubmit: bool = False
    """Orders sent while the link was lost are placed when it is back, instead of lost."""


def changed(faults: Faults, patch: Mapping[str, Any]) -> Faults:
    """The faults with the given fields set, from JSON.

    Raises SimulatorConflictError on an unknown field or value.
    """
    known = {item.name for item in fields(faults)}
    for name in patch:
        if name not in known:
            raise SimulatorConflictError(
                f"no fault is called {name!r}; known: {', '.join(sorted(known))}"
            )
    return replace(faults, **{name: _converted(name, value) for name, value in patch.items()})


def _converted(name: str, value: Any) -> Any:
    match name:
        case "lose_next":
            return choice(OrderLoss, value, of=name)
        case "reject_order":
            return choice(RejectSequence, value, of=name)
        case "partial_next":
            return tuple(Decimal(str(item)) for item in value)
        case "mute_symbols":
            return tuple(str(item) for item in value)
        case "silent_requests":
            return tuple(int(item) for item in value)
        case _:
            return value
