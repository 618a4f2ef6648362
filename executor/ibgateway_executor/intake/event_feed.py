"""What happens, told to whoever listens: each line of the orders' and rebalances' histories, the gate, the pause.

A stream reads the ledger itself, from its own place on: nothing is kept for it, however slow it is. One loop looks for all of
them whether there is something new.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from fastapi.sse import format_sse_event

from ibgateway_api.gate import Closed, Gate
from ibgateway_api.reports import PauseReport
from ibgateway_executor.errors import LedgerUnavailableError, OrderRefusedError
from ibgateway_executor.intake.pausing import pause_document
from ibgateway_executor.intake.schema import history_document
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import LedgerLine

LOOK_SECONDS: Final = 0.05
"""Between looks at gate, pause and ledger while there are streams."""
BEAT_SECONDS: Final = 15.0
"""A stream that has nothing to tell shows that it lives; proxies close what is silent for a minute."""
SLOW_SECONDS: Final = 10.0
"""A reader that took longer for what it was sent is told so, and closed."""
RETRY_MILLISECONDS: Final = 2_000
AT_ONCE: Final = 100
"""Lines that are read from the ledger together."""
MOST_STREAMS: Final = 32
BEAT: Final = b": beat\n\n"


class FeedStanding(NamedTuple):
    """What is told beside orders. The gate's words may change each second: it is told anew for another reason."""

    reason: str | None
    pause: PauseReport | None


@dataclass(frozen=True)
class StreamTimings:
    """How long a stream waits, in seconds."""

    look: float = LOOK_SECONDS
    beat: float = BEAT_SECONDS
    slow: float = SLOW_SECONDS


class EventFeed:
    """Streams of events, at most `most` at a time. `run` belongs to the process, `streams` to its clients."""

    def __init__(
        self,
        ledger: Ledger,
        gate: Callable[[], Gate],
        *,
        monotonic: Callable[[], float],
        timings: StreamTimings | None = None,
        most: int = MOST_STREAMS,
    ) -> None:
        self._ledger = ledger
        self._gate = gate
        self._monotonic = monotonic
        self._timings = timings or StreamTimings()
        self._most = most
        self.streams = 0
        """How many are open."""
        self._ending = False
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Wake the streams when there is something to tell; for ever."""
        seen: object = None
        while True:
            await asyncio.sleep(self._timings.look)
            if self.streams:
                now = (self._ledger.commits, self._ledger.rebalances.commits, self._standing())
                if now != seen:
                    seen = now
                    self._wake()

    async def end(self) -> None:
        """Tell every stream that the executor ends, and wait a moment until they have heard it."""
        self._ending = True
        self._wake()
        for _ in range(20):
            if not self.streams:
                return
            await asyncio.sleep(self._timings.look)

    async def begin(self, last: int | None) -> int:
        """From where a new stream goes on: after event `last`, or from now on. Whoever begins one says when it was `left`.

        OrderRefusedError where there is no such event, or too many streams are open.
        """
        newest = await self._ledger.newest_line()
        if last and not await self._there(last):
            raise OrderRefusedError(
                422,
                "UnknownEvent",
                f"the newest event is {newest}: the ledger may have been restored. Read the orders anew, then "
                "listen without Last-Event-ID",
            )
        if self.streams >= self._most or self._ending:
            raise OrderRefusedError(
                503, "TooManyStreams", f"{self.streams} streams are open: close one, or try again"
            )
        self.streams += 1
        return newest if last is None else last

    async def _there(self, position: int) -> bool:
        """Whether the ledger has this line: one that was put back lacks what came after its copy, also once it has newer ones."""
        found = await self._ledger.lines(after=position - 1, limit=1)
        return bool(found) and found[0].position == position

    def left(self) -> None:
        """A stream is no more."""
        self.streams -= 1

    async def events(self, place: int) -> AsyncGenerator[bytes]:
        """Everything beyond that event as it comes, until the client goes away, is too slow, or the executor ends."""
        told: FeedStanding | None = None
        yield format_sse_event(retry=RETRY_MILLISECONDS, id=str(place))
        while True:
            news = self._news
            lines, standing = await self._lines(place), self._standing()
            parts = self._changes(standing, told, place)
            parts += [_line_event(line) for line in lines]
            place = lines[-1].position if lines else place
            told = standing
            if parts:
                began = self._monotonic()
                yield b"".join(parts)
                if self._monotonic() - began > self._timings.slow:
                    yield _closed("slow", "you read too slowly: go on from Last-Event-ID", place)
                    return
            elif self._ending:
                yield _closed("ends", "the executor ends: go on from Last-Event-ID", place)
                return
            elif not await _set_within(news, self._timings.beat):
                yield BEAT

    async def _lines(self, place: int) -> list[LedgerLine]:
        try:
            return await self._ledger.lines(after=place, limit=AT_ONCE)
        except LedgerUnavailableError:
            return []

    def _standing(self) -> FeedStanding:
        gate = self._gate()
        reason = str(gate.reason) if isinstance(gate, Closed) else None
        return FeedStanding(reason, self._ledger.pause.standing)

    def _changes(self, now: FeedStanding, told: FeedStanding | None, place: int) -> list[bytes]:
        """What is new beside orders; everything to a stream that was told nothing yet."""
        parts = []
        if told is None or now.reason != told.reason:
            parts.append(_event("gate", gate_document(self._gate()), place))
        if told is None or now.pause != told.pause:
            parts.append(_event("pause", pause_document(self._ledger), place))
        return parts

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


def gate_document(gate: Gate) -> dict[str, Any]:
    """Whether an order would be sent now, and why not."""
    closed = gate if isinstance(gate, Closed) else None
    return {
        "open": closed is None,
        "reason": str(closed.reason) if closed else "",
        "message": closed.message if closed else "",
    }


def _line_event(line: LedgerLine) -> bytes:
    document = {line.subject.value: line.uid, **history_document(line.line)}
    return _event(line.subject.value, document, line.position)


def _closed(reason: str, message: str, place: int) -> bytes:
    return _event("closed", {"reason": reason, "message": message}, place)


def _event(kind: str, document: Mapping[str, Any], place: int) -> bytes:
    return format_sse_event(event=kind, data_str=json.dumps(document), id=str(place))


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
