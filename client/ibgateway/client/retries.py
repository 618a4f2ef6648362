"""When a call is repeated, and after which pause. Pure."""

from dataclasses import dataclass
from typing import Final

from ibgateway.client.errors import ClientError, ProblemError, UnansweredError

SAFE_CODES: Final = frozenset({"RequestInFlight", "TooManyRequests"})
"""Problems that pass by themselves beside those of 503."""
BETWEEN: Final = frozenset({502, 503, 504})
"""The executor can't now, or something between here and it can't reach it."""


@dataclass(frozen=True)
class RetryLimit:
    """At most `attempts` calls; the first pause is `pause` seconds, each further one twice as long, none above `longest`."""

    attempts: int = 4
    pause: float = 0.25
    longest: float = 10.0

    def wait(self, error: ClientError, attempt: int) -> float | None:
        """Seconds until the next attempt after the failed `attempt`-th; None where there is none."""
        if attempt >= self.attempts or not passing(error):
            return None
        asked = error.retry_after if isinstance(error, ProblemError) else None
        if asked is not None and asked > self.longest:
            return None
        return max(min(self.pause * 2.0 ** (attempt - 1), self.longest), asked or 0.0)


def passing(error: ClientError) -> bool:
    """Whether the same call may go well a moment later."""
    if isinstance(error, UnansweredError):
        return True
    return isinstance(error, ProblemError) and (error.status in BETWEEN or error.code in SAFE_CODES)
