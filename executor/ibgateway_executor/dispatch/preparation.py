"""What an order needs before it may be sent: an account, a contract number, hours, a validity."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime

from ibgateway_executor.broker.contracts import Contracts, Unresolvable
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError, IllegalMoveError
from ibgateway_executor.gate import Desk
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.orders.order import UNSENT, Instrument, Job, JobState, Reason, Terms, move
from ibgateway_executor.orders.queue import Wait


class Preparation:
    """Fills in what the client left out, asking the broker where needed."""

    def __init__(
        self,
        ledger: LedgerThread,
        desk: Desk,
        contracts: Contracts,
        clock: Callable[[], datetime],
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._contracts = contracts
        self._clock = clock

    async def prepare(self, broker: Broker, jobs: Iterable[Job]) -> dict[str, Wait]:
        """Complete the unsent jobs in the ledger; what could not be completed, by job id."""
        delays: dict[str, Wait] = {}
        for job in jobs:
            if job.state in UNSENT:
                wait = await self._prepared(broker, job)
                if wait is not None:
                    delays[job.id] = wait
        return delays

    async def _prepared(self, broker: Broker, job: Job) -> Wait | None:
        job = await self._with_account(job)
        if job.terminal:
            return None
        if not job.terms.instrument.con_id or not job.terms.instrument.symbol:
            try:
                job = await self._with_contract(broker, job)
            except BrokerError as error:
                return Wait(Reason.CONTRACT_UNRESOLVED, f"the broker told no contract: {error}")
            if job.terminal:
                return None
        instrument = job.terms.instrument
        await self._contracts.refresh(broker, instrument)
        end = self._contracts.session_end(instrument.con_id, job.accepted_at)
        if job.valid_by_default and end is not None:
            await self._change(
                job, lambda job: replace(job, valid_until=end, valid_by_default=False)
            )
        return None

    async def _with_account(self, job: Job) -> Job:
        known, named = self._desk.accounts(), job.terms.account
        if named in known:
            return job
        if not named and len(known) == 1:
            return await self._terms(job, lambda terms: replace(terms, account=known[0]))
        listed = ", ".join(known)
        text = f"{named} may not be traded here" if named else "the login has several accounts"
        return await self._reject(job, Reason.UNKNOWN_ACCOUNT, f"{text}: name one of {listed}")

    async def _with_contract(self, broker: Broker, job: Job) -> Job:
        found = await self._contracts.resolve(broker, job.terms.instrument)
        if isinstance(found, Unresolvable):
            return await self._reject(job, found.reason, found.message)
        instrument: Instrument = found
        return await self._terms(job, lambda terms: replace(terms, instrument=instrument))

    async def _terms(self, job: Job, step: Callable[[Terms], Terms]) -> Job:
        return await self._change(job, lambda job: replace(job, terms=step(job.terms)))

    async def _reject(self, job: Job, reason: Reason, message: str) -> Job:
        return await self._change(
            job, lambda job: move(job, JobState.REJECTED, reason=reason, message=message)
        )

    async def _change(self, job: Job, step: Callable[[Job], Job]) -> Job:
        """A client's cancel may have come first: then the job stays as it is."""
        try:
            return await self._ledger.call(self._ledger.ledger.change, job.id, step, self._clock())
        except IllegalMoveError:
            return job
