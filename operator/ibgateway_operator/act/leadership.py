"""Which of several operators works: the one that holds a Lease in the operator's own namespace.

client-go's rule: a Lease is good for 15 seconds, its holder renews it every 2 and gives up when no renewal
has gone through for 10. Only durations on one's own clock count, never another machine's time. Each step
names the version it has seen, so of two who take at once the API server lets one.

The watchdog reads the same Lease: one that stands still means that no operator works.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from ibgateway_api.names import Key
from ibgateway_operator.errors import ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import LEASE
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.times import micro_time
from ibgateway_runtime.clock import Clock

LEASE_SECONDS: Final = 15
"""After how long without a renewal another operator takes over."""
GIVE_UP_SECONDS: Final = 10.0
"""After how long without a renewal the holder writes no more: well before anybody takes over."""
RETRY_SECONDS: Final = 2.0
"""How often the holder renews, and a candidate looks."""
ANSWER_SECONDS: Final = 5.0
"""An answer that takes longer is none: the next try must come before the holder gives up."""

logger = logging.getLogger(__name__)


@dataclass
class Leadership:
    """One operator's hold on the Lease. `holder` names this process and no other."""

    api_server: ApiServer
    clock: Clock
    lease: Key
    holder: str
    _renewed_at: float = float("-inf")
    """When the last renewal that went through was begun."""
    _seen: Manifest | None = None
    """The Lease's spec as it was read last; None before the first reading."""
    _seen_at: float = 0.0
    """Since when it stands still."""
    _mine: Manifest | None = None
    """The Lease as the last renewal was answered; None where that is not known."""
    _said: str = ""

    def holds(self) -> bool:
        """Whether this operator may write now."""
        return self.clock.monotonic() < self._renewed_at + GIVE_UP_SECONDS

    async def vacant(self) -> bool:
        """Whether nobody else works, by one look at the Lease. Never raises OperatorError."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                stored = await self.api_server.get(LEASE, self.lease)
        except NotFoundError:
            return True
        except (OperatorError, TimeoutError):
            return False
        return (stored.get("spec") or {}).get("holderIdentity", "") in ("", self.holder)

    async def campaign(self) -> None:
        """Return once this operator holds the Lease."""
        while not await self.attempt():  # noqa: ASYNC110 - the Lease is polled, nobody tells
            await asyncio.sleep(RETRY_SECONDS)
        self._said = ""

    async def keep(self, works: Callable[[], bool]) -> None:
        """Renew while `works()`; return when the Lease is lost."""
        while self.holds():
            await asyncio.sleep(RETRY_SECONDS)
            await self.renew(works)

    async def renew(self, works: Callable[[], bool]) -> None:
        """One renewal; an operator whose work stands still makes none, and another one takes over."""
        if works():
            await self.attempt()
        else:
            logger.error("the Lease %s is not renewed: the work stands still", self.lease)

    async def attempt(self) -> bool:
        """Renew, or take what is free; whether this operator holds the Lease. Never raises OperatorError."""
        begun, (mine, self._mine) = self.clock.monotonic(), (self._mine, None)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                taken = await self._take(begun, mine if self.holds() else None)
        except (ConflictError, NotFoundError):
            return self.holds()
        except TimeoutError:
            self._say(f"the Lease {self.lease} can't be had: the API server does not answer")
            return self.holds()
        except OperatorError as error:
            self._say(f"the Lease {self.lease} can't be had: {error}")
            return self.holds()
        self._renewed_at = begun if taken else float("-inf")
        return taken

    async def give_up(self) -> None:
        """Let another operator take over at once. Never raises OperatorError."""
        held, self._renewed_at = self.holds(), float("-inf")
        if not held:
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                stored = await self.api_server.get(LEASE, self.lease)
                if stored["spec"].get("holderIdentity") == self.holder:
                    await self.api_server.apply(self._manifest(stored, holder="", seconds=1))
        except (OperatorError, TimeoutError) as error:
            logger.warning("the Lease %s could not be given up: %s", self.lease, error)

    async def _take(self, begun: float, mine: Manifest | None) -> bool:
        """`mine`: as the renewal before was answered, so that nobody need be asked; None: ask first."""
        if mine is not None:
            with contextlib.suppress(ConflictError):
                self._mine = await self.api_server.apply(self._manifest(mine, holder=self.holder))
                return True
        try:
            stored = await self.api_server.get(LEASE, self.lease)
        except NotFoundError:
            self._mine = await self.api_server.create(self._manifest(None, holder=self.holder))
            return True
        if not self._is_free(stored.get("spec") or {}, begun):
            return False
        self._mine = await self.api_server.apply(self._manifest(stored, holder=self.holder))
        return True

    def _is_free(self, spec: Manifest, now: float) -> bool:
        """Whether it is ours, nobody's, or stood still for as long as its holder had asked for."""
        if spec != self._seen:
            self._seen, self._seen_at = spec, now
        holder = spec.get("holderIdentity") or ""
        good_for = float(spec.get("leaseDurationSeconds") or LEASE_SECONDS)
        if holder in ("", self.holder) or now >= self._seen_at + good_for:
            return True
        self._say(f"{holder} works: this operator stands by")
        return False

    def _say(self, what: str) -> None:
        """Once, until there is something else to say."""
        if what != self._said:
            logger.warning(what)
        self._said = what

    def _manifest(
        self, stored: Manifest | None, *, holder: str, seconds: int = LEASE_SECONDS
    ) -> Manifest:
        """The Lease as this operator writes it, onto the very version it has seen."""
        spec = (stored or {}).get("spec") or {}
        now = micro_time(self.clock.now())
        same = spec.get("holderIdentity") == holder
        changes = int(spec.get("leaseTransitions") or 0) + int(bool(spec) and not same)
        version = {"resourceVersion": stored["metadata"]["resourceVersion"]} if stored else {}
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self.lease.name, "namespace": self.lease.namespace, **version},
            "spec": {
                "holderIdentity": holder,
                "leaseDurationSeconds": seconds,
                "acquireTime": spec.get("acquireTime") if same and spec.get("acquireTime") else now,
                "renewTime": now,
                "leaseTransitions": changes,
            },
        }
