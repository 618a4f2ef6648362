"""What the broker says about orders, folded into jobs. Pure.

The library's own order status is not used: it turns notices into `Cancelled` (10349) or
`ValidationError` (399). Only orderStatus, openOrder, completedOrder, executions and the errors named
here change a job, and never backwards: quantities grow, and a terminal word stays unless a fill
crossed it. Error codes: https://ibkrcampus.com/campus/ibkr-api-page/tws-api-error-codes/
"""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

from ibgateway_executor.orders.order import MOVES, Job, JobState, Reason, move


@dataclass(frozen=True)
class OrderSeen:
    """openOrder, completedOrder or orderStatus. `order_ref` is empty where the message has none.

    completedOrder carries no order id and no client id: both 0. `filled` None where not told.
    """

    order_id: int
    client_id: int
    perm_id: int
    status: str
    order_ref: str = ""
    filled: Decimal | None = None
    average_price: Decimal | None = None


@dataclass(frozen=True)
class ExecutionSeen:
    """execDetails: one fill with the order's cumulative quantity and average price."""

    order_id: int
    client_id: int
    perm_id: int
    order_ref: str
    exec_id: str
    cumulative: Decimal
    average_price: Decimal


@dataclass(frozen=True)
class OrderError:
    """An error or notice with an order id; `client_id` is ours."""

    order_id: int
    client_id: int
    code: int
    text: str


OrderEvent = OrderSeen | ExecutionSeen | OrderError

REJECTED: Final = 201
CANCELLED: Final = 202
NOTICES: Final = frozenset({399, 404, 2109, 10147, 10148, 10167, 10349})
"""The order stays as it is: market closed, short locate, preset time in force, cancel crossed."""
REFUSALS: Final = frozenset({110, 111, 200, 203, 321, 387, 434, 460, 10242, 10243, 10244, 10318})
"""A new order was not taken: bad price, field, contract or permission, or a read-only API."""
AMBIGUOUS: Final = frozenset({103, 104, 105})
"""Says nothing about this order's fate: ask."""

_ENDED: Final = frozenset({"Cancelled", "ApiCancelled"})
_INACTIVE: Final = "Inactive"
_AWAITED: Final = frozenset({JobState.SENDING, JobState.UNKNOWN, JobState.UNVERIFIED})


def concerns(job: Job, event: OrderEvent) -> bool:
    """Whether the event is about this job: by orderRef where told, else by ids."""
    if not job.order_id:
        return False
    if not isinstance(event, OrderError) and event.order_ref:
        return event.order_ref == job.order_ref
    if not isinstance(event, OrderError) and job.perm_id and event.perm_id:
        return event.perm_id == job.perm_id
    return (event.client_id, event.order_id) == (job.client_id, job.order_id)


def apply(job: Job, event: OrderEvent) -> Job:
    """The job after the event; unchanged where it tells nothing new."""
    if isinstance(event, OrderError):
        return _told(job, event)
    if isinstance(event, ExecutionSeen):
        return _filled(job, event)
    return _seen(job, event)


def _seen(job: Job, event: OrderSeen) -> Job:
    after = _quantity(job, event.filled, event.average_price)
    after = replace(after, perm_id=job.perm_id or event.perm_id)
    if event.status == "Filled":
        return _step(after, JobState.FILLED)
    if event.status in _ENDED:
        return _step(after, JobState.CANCELLED, *_cancel_words(job))
    note = "the broker holds the order as Inactive" if event.status == _INACTIVE else ""
    return _acknowledged(after, note)


def _filled(job: Job, event: ExecutionSeen) -> Job:
    after = _quantity(job, event.cumulative, event.average_price)
    after = replace(after, perm_id=job.perm_id or event.perm_id)
    if after.filled >= job.terms.quantity:
        return _step(after, JobState.FILLED)
    return _acknowledged(after)


def _told(job: Job, event: OrderError) -> Job:
    text = f"{event.code}: {event.text}"
    if job.terminal:
        return job
    if event.code == CANCELLED:
        return _step(job, JobState.CANCELLED, *_cancel_words(job, event.text))
    if event.code == REJECTED:
        return _step(job, JobState.REJECTED, Reason.REJECTED_BY_BROKER, text)
    unacknowledged = job.state is JobState.SENDING and not job.perm_id
    if event.code in REFUSALS and unacknowledged:
        return _step(job, JobState.REJECTED, Reason.REJECTED_BY_BROKER, text)
    if event.code in AMBIGUOUS and unacknowledged:
        return _step(job, JobState.UNKNOWN, Reason.AMBIGUOUS_ANSWER, text)
    return replace(job, message=text)


def _acknowledged(job: Job, note: str = "") -> Job:
    """Working once the broker has given its permanent id; Inactive alone may become active again."""
    if job.state in _AWAITED and job.perm_id:
        return _step(job, JobState.WORKING, "", note)
    return replace(job, message=note) if note and job.state is JobState.WORKING else job


def _cancel_words(job: Job, text: str = "") -> tuple[str, str]:
    if job.cancel_requested:
        return Reason.CANCELLED_BY_CLIENT, "cancelled at the client's request"
    return Reason.CANCELLED_BY_BROKER, text or job.message or "the broker cancelled it"


def _quantity(job: Job, filled: Decimal | None, average: Decimal | None) -> Job:
    if filled is None or filled <= job.filled:
        return job
    return replace(job, filled=filled, average_price=average)


def _step(job: Job, state: JobState, reason: str = "", message: str = "") -> Job:
    """Move where allowed; the broker repeats itself and crosses its own words."""
    if state is job.state or state not in MOVES[job.state]:
        return job
    return move(job, state, reason=reason, message=message)
