"""How often one address may ask: a bucket of requests that fills again as time passes. Pure.

So generous that only a client in an endless loop meets it: what it takes from the event loop is missing to the orders.
"""

from collections import OrderedDict
from typing import Final

A_SECOND: Final = 1_000.0
"""Requests from one address, in the long run."""
AT_ONCE: Final = 30_000
"""Requests from one address that was quiet before."""
ADDRESSES: Final = 1_000
"""So many are remembered; who asked longest ago is forgotten first."""


class RateLimit:
    """Buckets by address; `now` is seconds of one monotonic clock."""

    def __init__(
        self, rate: float = A_SECOND, burst: int = AT_ONCE, addresses: int = ADDRESSES
    ) -> None:
        self.rate = rate
        self.burst = burst
        self._addresses = addresses
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """What was left, and when."""

    def take(self, address: str, now: float) -> float:
        """Charge one request: 0 where there was room for it, else the seconds until there is."""
        left, at = self._buckets.get(address, (float(self.burst), now))
        left = min(left + (now - at) * self.rate, float(self.burst))
        room = left >= 1
        self._buckets[address] = (left - 1 if room else left, now)
        self._buckets.move_to_end(address)
        if len(self._buckets) > self._addresses:
            self._buckets.popitem(last=False)
        return 0.0 if room else (1 - left) / self.rate

    def headers(self, seconds: float) -> dict[str, str]:
        """What a client is told that has to wait so long (draft-ietf-httpapi-ratelimit-headers-10)."""
        wait = max(int(-(-seconds // 1)), 1)
        window = max(round(self.burst / self.rate), 1)
        return {
            "Retry-After": str(wait),
            "RateLimit-Policy": f'"address";q={self.burst};w={window}',
            "RateLimit": f'"address";r=0;t={wait}',
        }
