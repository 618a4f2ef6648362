"""Whether the sentinel still sees its gateway, and what it can't write down.

Reading and writing are kept apart: who can't read knows nothing, so the login is unknown and the gate
closes; who can't write still sees, and a restart would not make room on a volume.
"""

import logging
from dataclasses import replace
from typing import Final

from ibgateway_api.login import Login, unknown
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

BLIND_AFTER: Final = 3.0
"""A login that was not looked at for so long is not known any more."""
STALLED_AFTER: Final = 10.0
"""From here on /healthz fails; the kubelet restarts the container a minute later."""


class GatewayWatch:
    """When the gateway was last seen, and the errors that are in the way."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._seen_at = clock.monotonic()
        self._lost_at = clock.now()
        self._unread = ""
        self.unwritten = ""

    def saw(self, now: float) -> None:
        """Wrapper and log were read."""
        self._seen_at = now
        if self._unread:
            logger.info("the gateway is seen again")
        self._unread = ""

    def failed(self, error: Exception) -> None:
        """Wrapper or log could not be read."""
        if not self._unread:
            self._lost_at = self._clock.now()
            logger.error("the gateway can't be looked at: %s", error)
        self._unread = str(error)

    def not_written(self, error: Exception) -> None:
        """A duty failed; it is tried again."""
        if self.unwritten != str(error):
            logger.error("what the gateway needs can't be written down: %s", error)
        self.unwritten = str(error)

    def alive(self, now: float) -> bool:
        """Whether a look has succeeded lately."""
        return now - self._seen_at < STALLED_AFTER

    def age(self, now: float) -> float:
        """Seconds since the gateway was seen."""
        return now - self._seen_at

    def blind(self, now: float) -> bool:
        """Whether looks have failed for so long that the login is not known."""
        return bool(self._unread) and now - self._seen_at >= BLIND_AFTER

    def unseen(self, login: Login) -> Login:
        """What is left of a login that can't be seen: the week's authentication."""
        return replace(unknown(self._lost_at), full_auth_time=login.full_auth_time)

    def trouble(self, *, blind: bool, unsaved: str) -> str:
        """What is in the way and what a person can do, for the report; empty when nothing is."""
        if blind:
            return (
                f"the gateway's log can't be read ({self._unread}): trading is held until it can be;"
                " look after the pod's volumes and its node"
            )
        if unwritten := self.unwritten or unsaved:
            return (
                f"the sentinel can't write to its volume ({unwritten}): no login attempt is allowed"
                " until it can; a restart does not help: make room on the volume or enlarge it"
            )
        return ""
