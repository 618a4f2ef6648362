"""The loop that moves orders on: level-triggered, it looks at the whole ledger at every wake.

Sweep what has expired, doubt what is not acknowledged, complete what may be sent, choose one, send
it. A closed gate stops only the sending: sweeping and cancelling go on.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from ibgateway_api.gate import Closed
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.submit import Sender, Tools
from ibgateway_executor.errors import BrokerError, IllegalMoveError
from ibgateway_executor.ledger.sqlite import Step
from ibgateway_executor.orders.market_hours import Market
from ibgateway_executor.orders.order import UNSENT, Job, JobState, Reason, cancel, expire, move
from ibgateway_executor.orders.queue import Choice, Wait, choose

log = logging.getLogger(__name__)

IDLE_SECONDS: Final = 0.5
ACKNOWLEDGEMENT_LIMIT: Final = timedelta(seconds=10)
PRICE_RETRY_SECONDS: Final = 5.0


class Dispatcher:
    """`wake` makes it look at once."""

    def __init__(
        self,
        tools: Tools,
        preparation: Preparation,
        sender: Sender,
        clock: Callable[[], datetime],
    ) -> None:
        self.beat = time.monotonic()
        self._tools = tools
        self._preparation = preparation
        self._sender = sender
        self._clock = clock
        self._wake = asyncio.Event()
        self._stopping = False
        self._priceless: dict[str, tuple[float, Wait]] = {}
        self._cancelled_over: Broker | None = None
        self._cancelled: set[str] = set()

    def wake(self) -> None:
        """Look at the ledger now."""
        self._wake.set()

    def stop(self) -> None:
        """Send nothing more; `run` ends after the turn it is in, never between commit and write."""
        self._stopping = True
        self._wake.set()

    async def run(self) -> None:
        """Turn until `stop`. A failing turn is an error of ours: it ends the process."""
        while not self._stopping:
            self._wake.clear()
            more = await self._turn()
            self.beat = time.monotonic()
            if not more:
                await self._sleep()

    async def _turn(self) -> bool:
        """One look at the ledger; True when something was sent and the next may follow."""
        jobs = await self._swept(await self._active())
        await self._cancel(jobs)
        gate, broker, tools = self._tools.desk.gate(), self._tools.link.broker, self._tools
        tools.metrics.gate_open.set(not isinstance(gate, Closed))
        delays: dict[str, Wait] = {}
        if not isinstance(gate, Closed) and broker is not None:
            delays = await self._preparation.prepare(broker, jobs)
            jobs, gate = await self._active(), tools.desk.gate()
        delays |= self._waiting_for_price()
        choice = choose(jobs, gate=gate, markets=self._markets(jobs), delays=delays)
        sent = False
        if choice.next is not None and self._sender.paced() and not self._stopping:
            sent = await self._attempt(choice.next)
        await self._tell(jobs, choice)
        return sent

    async def _attempt(self, job: Job) -> bool:
        checked = await self._sender.check_value(job)
        if isinstance(checked, Wait):
            self._priceless[job.id] = (time.monotonic() + PRICE_RETRY_SECONDS, checked)
            return True
        if not checked.terminal:
            await self._sender.send(checked)
        return True

    async def _swept(self, jobs: Sequence[Job]) -> list[Job]:
        """End what is over, and doubt what the broker has not acknowledged in time."""
        now, kept = self._clock(), []
        for job in jobs:
            after = job
            if expire(job, now) != job:
                after = await self._change(job, lambda job: expire(job, now))
            elif job.state in UNSENT and job.cancel_requested:
                after = await self._change(job, cancel)
            elif _overdue(job, now):
                after = await self._change(job, _unacknowledged)
                self._tools.link.doubt()
            if not after.terminal:
                kept.append(after)
        return kept

    async def _cancel(self, jobs: Sequence[Job]) -> None:
        """Write each wanted cancel once a connection."""
        broker, proof = self._tools.link.broker, self._tools.link.proof
        if broker is None or proof.link_lost or not proof.reconciled:
            return
        if self._cancelled_over is not broker:
            self._cancelled_over, self._cancelled = broker, set()
        ours = self._tools.desk.settings.client_id
        for job in jobs:
            wanted = job.state is JobState.WORKING and job.cancel_requested
            if not wanted or job.client_id != ours or job.id in self._cancelled:
                continue
            with suppress(BrokerError):
                broker.cancel(job.order_id)
                self._cancelled.add(job.id)
                log.info("order %s: cancel sent", job.id)

    async def _tell(self, jobs: Sequence[Job], choice: Choice) -> None:
        """Write down why orders wait, where it is news, in one transaction."""
        reject = self._tools.desk.settings.market_closed == "reject"
        steps: dict[str, Step] = {}
        for job in jobs:
            wait = choice.waits.get(job.id)
            if wait is None:
                continue
            if reject and wait.reason == Reason.MARKET_CLOSED:
                steps[job.id] = partial(_move, state=JobState.REJECTED, wait=wait)
            elif (job.state, job.reason) != (JobState.WAITING, wait.reason):
                steps[job.id] = partial(_move, state=JobState.WAITING, wait=wait)
        if steps:
            ledger = self._tools.ledger
            for job in await ledger.call(ledger.ledger.change_all, steps, self._clock()):
                self._moved(job)

    def _markets(self, jobs: Sequence[Job]) -> dict[int, Market]:
        numbers = {job.terms.instrument.con_id for job in jobs if job.state in UNSENT}
        return {number: self._tools.contracts.market(number) for number in numbers}

    def _waiting_for_price(self) -> dict[str, Wait]:
        now = time.monotonic()
        self._priceless = {k: v for k, v in self._priceless.items() if v[0] > now}
        return {job_id: wait for job_id, (_, wait) in self._priceless.items()}

    async def _active(self) -> list[Job]:
        ledger = self._tools.ledger
        return await ledger.call(ledger.ledger.active)

    async def _change(self, job: Job, step: Callable[[Job], Job]) -> Job:
        """Apply a step unless the broker or the client was faster."""
        ledger = self._tools.ledger
        try:
            after = await ledger.call(ledger.ledger.change, job.id, step, self._clock())
        except IllegalMoveError:
            return job
        if (after.state, after.reason) != (job.state, job.reason):
            self._moved(after)
        return after

    def _moved(self, job: Job) -> None:
        log.info("order %s is %s %s", job.id, job.state, job.reason)
        self._tools.metrics.job_moved(job)

    async def _sleep(self) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), IDLE_SECONDS)
        except TimeoutError:
            return


def _move(job: Job, state: JobState, wait: Wait) -> Job:
    return move(job, state, reason=wait.reason, message=wait.message)


def _overdue(job: Job, now: datetime) -> bool:
    sending = job.state is JobState.SENDING and job.sent_at is not None
    return sending and now - (job.sent_at or now) >= ACKNOWLEDGEMENT_LIMIT


def _unacknowledged(job: Job) -> Job:
    if job.state is not JobState.SENDING:
        return job
    return move(
        job,
        JobState.UNKNOWN,
        reason=Reason.NO_ACKNOWLEDGEMENT,
        message="the broker did not acknowledge the order in time; it is being asked",
    )
