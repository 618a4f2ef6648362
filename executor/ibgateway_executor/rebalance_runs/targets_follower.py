"""The loop of the pull source: at each moment of the schedule the targets are fetched, planned, and rebalanced to.

A moment's rebalance has a key of its own, so it is stored once, whatever is restarted meanwhile. What could not be fetched within `LATE_SECONDS` of its moment
is left: old targets are shown and never traded.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from ibgateway_api.settings import ExecutorSettings, TargetSettings
from ibgateway_api.targets import last_moment, next_moment, shown
from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError, TargetsError
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance
from ibgateway_executor.rebalance_runs.target_source import TargetSource
from ibgateway_runtime.backoff import backoff
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

LATE: Final = timedelta(minutes=30)
"""So long after its moment a fetch is still tried."""
VALID: Final = timedelta(hours=6)
"""So long after its moment it may begin, where the source does not say: Friday's targets are not traded on Monday."""
FIRST_BACKOFF: Final = 5.0
LONGEST_BACKOFF: Final = 60.0
LOOK_SECONDS: Final = 1.0

Sleep = Callable[[float], Awaitable[None]]


@dataclass
class TargetsStanding:
    """What was done last: the moment that is done with, the rebalance it had, and why there was none."""

    done: datetime | None = None
    rebalance: str = ""
    problem: str = ""
    failures: int = 0
    again_at: float = float("-inf")


class TargetsFollower:
    """`look` does what is due; `run` does that for ever."""

    def __init__(
        self,
        *,
        settings: Callable[[], ExecutorSettings],
        source: TargetSource,
        intake: RebalanceAcceptance,
        clock: Clock,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._source = source
        self._intake = intake
        self._clock = clock
        self._sleep = sleep
        self.standing = TargetsStanding()

    async def run(self) -> None:
        """Do what is due, until cancelled."""
        while True:
            await self.look()
            await self._sleep(LOOK_SECONDS)

    async def look(self) -> None:
        """Fetch, plan and store, where a moment has come that is not done with."""
        wanted = self._settings().targets
        if wanted is None:
            return
        now = self._clock.now()
        due = last_moment(wanted.schedule, now)
        standing = self.standing
        if standing.done == due or now - due > LATE:
            return
        if self._clock.monotonic() < standing.again_at:
            return
        try:
            standing.rebalance = await self._rebalance(wanted, due)
        except (TargetsError, OrderRefusedError, LedgerUnavailableError) as error:
            if str(error) != standing.problem:
                logger.warning("targets of %s: %s; tried again until %s", due, error, due + LATE)
            standing.problem = str(error)
            pause = backoff(standing.failures, first=FIRST_BACKOFF, longest=LONGEST_BACKOFF)
            standing.failures += 1
            standing.again_at = self._clock.monotonic() + pause
        else:
            standing.done, standing.problem = due, ""
            standing.failures, standing.again_at = 0, float("-inf")

    async def _rebalance(self, wanted: TargetSettings, due: datetime) -> str:
        """The dry run first: what it refuses is not stored."""
        key = f"targets-{due.astimezone(UTC):%Y-%m-%dT%H:%MZ}"
        known = await self._intake.stored(key)
        if known is not None:
            return known.id
        body = await self._source.fetch(wanted.url, self._clock.now())
        ends = body.valid_until or due + VALID
        body = body.model_copy(update={"account": wanted.account, "valid_until": ends})
        plan = await self._intake.preview(body)
        if forbidden := plan["objections"]:
            raise TargetsError("; ".join(f"{o['reason']}: {o['message']}" for o in forbidden))
        logger.info("targets of %s: %d orders planned", shown(wanted.url), len(plan["orders"]))
        return (await self._intake.accept(key, body))[0].id

    def document(self) -> dict[str, Any]:
        """How it stands, as `GET /v1/targets` shows it."""
        wanted, now = self._settings().targets, self._clock.now()
        kept = self._source.last_good()
        return {
            "url": None if wanted is None else shown(wanted.url),
            "account": None if wanted is None else wanted.account or None,
            "next": None if wanted is None else next_moment(wanted.schedule, now).isoformat(),
            "rebalance": self.standing.rebalance or None,
            "problem": self.standing.problem or None,
            "lastGood": None
            if kept is None
            else {
                "source": kept.source,
                "fetchedAt": kept.fetched_at.isoformat(),
                "ageSeconds": int((now - kept.fetched_at).total_seconds()),
                "body": kept.body,
            },
        }
