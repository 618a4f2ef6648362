"""The sentinel's long poll and its requests, for every program that needs the login state.

Silence tells something too: the sentinel sends an empty line every second, and `age` is the time
since the last one. After any break the status is asked afresh, because a sequence means nothing to
a new sentinel process.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.gate_documents import DrainRequest, GateDrain
from ibgateway_api.reports import SentinelReport
from ibgateway_api.requests import (
    ConsoleRequest,
    HandoverRequest,
    LoginRequest,
    RestartRequest,
    TurnRequest,
)
from ibgateway_runtime.errors import EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient

WAIT_SECONDS: Final = 30
DRAIN_LOOK_SECONDS: Final = 0.2
"""So often who trades through a gateway that is about to stop says whether it has drained."""
QUEUE_LOOK_SECONDS: Final = 5
"""So often who has orders says how many: people see the number at the console."""
RETRY_SECONDS: Final = 0.25


@dataclass(frozen=True)
class DrainReport:
    """What a sentinel is told by who trades through its gateway.

    `drained`: nothing is on its way any more, and nothing more is sent; None while no stop waits for that. `closes`: when the
    session of what is traded ends; None where that is not known, or no session runs. `queued`: orders that wait, `sent`:
    those that the broker has or may have; None where nobody counts.
    """

    drained: bool | None = None
    closes: datetime | None = None
    queued: int | None = None
    sent: int = 0


TellDrain = Callable[[SentinelReport], DrainReport]

logger = logging.getLogger(__name__)


class SentinelFollower:
    """The last report of one sentinel and when it was last heard (monotonic seconds of `clock`).

    `on_change` is called when a report differs from the one before, and when a silence ends.
    `first_silence` is the log level of a sentinel that was never heard: for the operator that is a pod
    that starts, for an executor it is trouble.
    """

    def __init__(
        self,
        client: HttpClient,
        *,
        clock: Callable[[], float],
        on_change: Callable[[], None],
        first_silence: int = logging.INFO,
    ) -> None:
        self.report: SentinelReport | None = None
        self.heard_at = float("-inf")
        self._client = client
        self._clock = clock
        self._on_change = on_change
        self._first_silence = first_silence
        self._silence_logged = False

    @property
    def age(self) -> float:
        """Seconds since anything was heard; infinite before."""
        return self._clock() - self.heard_at

    async def follow(self, endpoint: Callable[[], Endpoint], tell: TellDrain | None = None) -> None:
        """Ask for ever; `endpoint` is asked anew with each request, because tokens change.

        Who gives `tell` trades through the gateway, and its word goes along with each question: a connection of
        its own might find neither name nor Service of a gateway that is being deleted.
        """
        while True:
            try:
                await self._poll(endpoint, tell)
            except EndpointUnavailableError as error:
                self._silent(error)
            await asyncio.sleep(RETRY_SECONDS)

    async def _poll(self, endpoint: Callable[[], Endpoint], tell: TellDrain | None) -> None:
        """The state now, then each change; the first request carries no sequence of an older process."""
        sequence = await self._ask(endpoint(), "/v1/status")
        while sequence is not None:
            path = f"/v1/status?after={sequence}&{self._word(tell)}"
            sequence = await self._ask(endpoint(), path)

    def _word(self, tell: TellDrain | None) -> str:
        """How long the answer may take, and what the sentinel is told with the question."""
        if tell is None:
            return f"wait={WAIT_SECONDS}"
        told = tell(self.report) if self.report is not None else DrainReport()
        word = f"wait={_patience(told)}&drained={'true' if told.drained else 'false'}"
        if told.queued is not None:
            word += f"&queued={told.queued}&sent={told.sent}"
        if told.closes is None:
            return word
        return f"{word}&closes={told.closes.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"

    async def _ask(self, endpoint: Endpoint, path: str) -> int | None:
        """One answer: heartbeats, then a report. Gives its sequence."""
        sequence = None
        async with aclosing(self._client.lines(endpoint, path)) as lines:
            async for line in lines:
                report = _report(line) if line else None
                sequence = report.sequence if report else sequence
                self.hear(report)
        return sequence

    def hear(self, report: SentinelReport | None) -> None:
        """A heartbeat (None) or a report has come."""
        before, silent = self.report, self.age > NEWS_LIMIT_SECONDS
        self.heard_at = self._clock()
        if report is not None:
            self.report, self._silence_logged = report, False
        if silent or (report is not None and _differs(before, report)):
            self._on_change()

    def _silent(self, error: EndpointUnavailableError) -> None:
        """Said once, until the sentinel has told something again."""
        if not self._silence_logged:
            level = self._first_silence if self.report is None else logging.WARNING
            logger.log(level, "the sentinel is not heard: %s", error)
        self._silence_logged = True


async def request_login(client: HttpClient, endpoint: Endpoint, request: str) -> None:
    """Hand on a person's request for one attempt.

    Raises EndpointRefusedError where it can't be now, EndpointUnavailableError.
    """
    await client.post(endpoint, "/v1/login-requests", LoginRequest(id=request).to_json())


async def request_restart(client: HttpClient, endpoint: Endpoint, request: str) -> None:
    """Ask for the week's restart; the same id never restarts twice.

    Raises EndpointRefusedError where it can't be now, EndpointUnavailableError.
    """
    await client.post(endpoint, "/v1/restarts", RestartRequest(id=request).to_json())


async def request_handover(
    client: HttpClient, endpoint: Endpoint, request: str, until: datetime | None
) -> None:
    """Let a person have the login until then; None: no longer.

    Raises EndpointRefusedError for a time that can't be, EndpointUnavailableError.
    """
    body = HandoverRequest(id=request, until=until).to_json()
    await client.post(endpoint, "/v1/handovers", body)


async def ask_at_console(client: HttpClient, endpoint: Endpoint, asked: ConsoleRequest) -> None:
    """Hand on what a person has asked for with a button.

    Raises EndpointRefusedError where it can't be had now, EndpointUnavailableError.
    """
    await client.post(endpoint, "/v1/console-requests", asked.to_json())


async def give_turn(client: HttpClient, endpoint: Endpoint, turn: str, until: datetime) -> None:
    """Let one attempt push that begins until then. Raises EndpointUnavailableError."""
    await client.post(endpoint, "/v1/turns", TurnRequest(id=turn, until=until).to_json())


async def request_drain(client: HttpClient, endpoint: Endpoint, reason: str) -> GateDrain:
    """A stop for that reason is due: trading is held, and programs are asked to drain. To be asked for as long as it is due.

    Raises EndpointUnavailableError, with the status 404 where the sentinel is of a version that knows no programs.
    """
    asked = DrainRequest(id=reason, reason=reason).to_json()
    try:
        return GateDrain.model_validate_json(await client.post(endpoint, "/v1/drains", asked))
    except ValueError as error:
        raise EndpointUnavailableError("the sentinel's drain is not readable") from error


def _patience(told: DrainReport) -> float:
    """Seconds that an answer may take: what is told is asked for no sooner than the next question."""
    if told.drained is False:
        return DRAIN_LOOK_SECONDS
    return QUEUE_LOOK_SECONDS if told.queued or told.sent else WAIT_SECONDS


def _differs(before: SentinelReport | None, after: SentinelReport) -> bool:
    return before is None or before.model_copy(update={"at": after.at}) != after


def _report(line: bytes) -> SentinelReport:
    try:
        return SentinelReport.model_validate_json(line)
    except ValueError as error:
        raise EndpointUnavailableError("the sentinel's report is not readable") from error
