"""How far the node's clock is off IBKR's, counted on from the last answer that came quickly.

It outlives the connection: whether an attempt is allowed is asked when there is none. IBKR's time goes
on by the monotonic clock, so a clock that jumps is seen to. While nobody answers a jump may be a wrong
clock that was set right, or a machine that slept: then nothing is known until the next answer.
"""

import logging
from datetime import UTC, datetime, timedelta
from typing import Final

from ibgateway_api.clock_skew import SKEW_LIMIT_SECONDS, WRONG_CLOCK_SECONDS, ibkrs_time
from ibgateway_runtime.clock import Clock

QUICK_SECONDS: Final = 1.0
"""A slower answer tells of a busy gateway, not of the clock."""
RIGHT_AGAIN_SECONDS: Final = 4.0
"""Whole seconds make half a second of noise: what is held is let go well inside the limit."""

STALE_SECONDS: Final = 10.0
"""After so long without an answer that could be used nobody will tell what a jump was."""

logger = logging.getLogger(__name__)


class ClockWatch:
    """Compares our clock with IBKR's; nothing is concluded before the first answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._asked_at: float | None = None
        self._theirs: tuple[datetime, float] | None = None
        self._off = False
        self._seen: float | None = None

    def connected(self) -> None:
        """A new connection: what was asked over the old one is not answered any more."""
        self._asked_at = None

    def asked(self) -> None:
        """reqCurrentTime leaves; of several without an answer the first counts."""
        if self._asked_at is None:
            self._asked_at = self._clock.monotonic()

    def answered(self, epoch: str) -> None:
        """IBKR's time in whole seconds since 1970; what is no time is none."""
        now, asked_at, self._asked_at = self._clock.monotonic(), self._asked_at, None
        if asked_at is None or now - asked_at > QUICK_SECONDS:
            return
        try:
            answer = datetime.fromtimestamp(int(epoch), UTC)
        except (ValueError, OverflowError, OSError):
            return
        self._theirs = ibkrs_time(answer, round_trip=now - asked_at), now

    @property
    def skew(self) -> float | None:
        """Our clock minus IBKR's in seconds; None before they were compared."""
        if self._theirs is None:
            return None
        theirs, at = self._theirs
        counted_on = theirs + timedelta(seconds=self._clock.monotonic() - at)
        return (self._clock.now() - counted_on).total_seconds()

    def _look(self) -> float | None:
        skew = self.skew
        if skew is not None and self._has_jumped(skew) and self._is_stale():
            logger.warning("the clock has jumped while nobody could be asked for the time")
            self._theirs = skew = None
        self._seen = skew
        return skew

    def _has_jumped(self, skew: float) -> bool:
        return self._seen is not None and abs(skew - self._seen) > SKEW_LIMIT_SECONDS

    def _is_stale(self) -> bool:
        return (
            self._theirs is not None and self._clock.monotonic() - self._theirs[1] > STALE_SECONDS
        )

    def is_off(self) -> bool:
        """Whether trading is to be held for it. Each turn is logged once."""
        skew, before = self._look(), self._off
        limit = RIGHT_AGAIN_SECONDS if before else SKEW_LIMIT_SECONDS
        self._off = skew is not None and abs(skew) > limit
        if self._off and not before:
            logger.error("this clock is %+.1f s off IBKR's: set the node's clock right", skew)
        elif before and not self._off and skew is not None:
            logger.info("this clock agrees with IBKR's again")
        return self._off

    def is_wrong(self) -> bool:
        """Whether no budget can be kept by it."""
        skew = self._look()
        return skew is not None and abs(skew) > WRONG_CLOCK_SECONDS
