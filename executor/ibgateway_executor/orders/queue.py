"""Which order may be sent next, and why the others wait. Pure.

One lane per account and contract, first in first out. An order that waits for its market leaves the
lane's head. One unacknowledged submission at a time for the whole client id; an order of unknown
fate blocks its own lane.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ibgateway_api.gate import Closed, Gate
from ibgateway_executor.orders.market_hours import HoursUnknown, Market, MarketClosed
from ibgateway_executor.orders.order import UNSENT, Job, JobState, Reason

Lane = tuple[str, int]


@dataclass(frozen=True)
class Wait:
    """Why an order is not sent now; `until` where known."""

    reason: str
    message: str
    until: datetime | None = None


@dataclass(frozen=True)
class Choice:
    """The order to send next, if any, and why each of the other unsent ones waits, by job id."""

    next: Job | None
    waits: Mapping[str, Wait]


def lane(job: Job) -> Lane:
    """Account and contract number."""
    return job.terms.account, job.terms.instrument.con_id


def choose(
    jobs: Sequence[Job], *, gate: Gate, markets: Mapping[int, Market], delays: Mapping[str, Wait]
) -> Choice:
    """The oldest order that nothing holds.

    `jobs` are the active ones in order of acceptance; `markets` by contract number, `delays` by job
    id for orders that lack an account, a contract or a price.
    """
    busy = any(job.state is JobState.SENDING for job in jobs)
    lost = {lane(job) for job in jobs if job.state is JobState.UNKNOWN}
    heads: set[Lane] = set()
    chosen: Job | None = None
    waits: dict[str, Wait] = {}
    for job in (job for job in jobs if job.state in UNSENT):
        wait = _own_wait(job, gate, markets, delays) or _lane_wait(job, lost, heads)
        if wait is None and (busy or chosen is not None):
            wait = Wait(Reason.ONE_AT_A_TIME, "another order is on its way to the broker")
        if wait is None:
            chosen = job
        else:
            waits[job.id] = wait
        if wait is None or wait.reason != Reason.MARKET_CLOSED:
            heads.add(lane(job))
    return Choice(chosen, waits)


def _own_wait(
    job: Job, gate: Gate, markets: Mapping[int, Market], delays: Mapping[str, Wait]
) -> Wait | None:
    if isinstance(gate, Closed):
        return Wait(gate.reason, gate.message, gate.until)
    if job.id in delays:
        return delays[job.id]
    known = markets.get(job.terms.instrument.con_id, HoursUnknown("not asked yet"))
    if isinstance(known, HoursUnknown):
        return Wait(Reason.HOURS_UNKNOWN, known.message)
    if isinstance(known, MarketClosed):
        opens = known.opens.isoformat() if known.opens else "a time not known yet"
        return Wait(Reason.MARKET_CLOSED, f"the market opens at {opens}", known.opens)
    return None


def _lane_wait(job: Job, lost: Iterable[Lane], heads: Iterable[Lane]) -> Wait | None:
    if lane(job) in lost:
        return Wait(
            Reason.BEHIND_UNKNOWN,
            "an earlier order for this account and contract has an unknown fate",
        )
    if lane(job) in heads:
        return Wait(Reason.BEHIND_EARLIER, "an earlier order for this contract goes first")
    return None
