"""`python -m ibgateway_operator.watchdog`: says in the status that the operator is away.

A program and a pod of its own, because whoever is away can't say so. It reads one Lease and goes by its
own clock, so no other machine's clock matters. It never touches a gate: the executor's pod judges.
"""

import asyncio
import logging
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from ibgateway_api.names import Key
from ibgateway_operator.errors import ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.client import ApiServer, KubernetesApi, connect
from ibgateway_operator.model.kinds import GATEWAY, LEASE
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import DEFAULT_LEASE, namespaces_from
from ibgateway_operator.status.away import away_status
from ibgateway_runtime import log
from ibgateway_runtime.clock import Clock, system_clock
from ibgateway_runtime.errors import SettingsError

AWAY_SECONDS: Final = 60.0
"""A Lease that stood still for so long: the operator is away."""
LOOK_SECONDS: Final = 5.0
"""How often the Lease is read."""
MARKED_SECONDS: Final = 60.0
"""How often the IBGateways are listed while all of them are marked: nobody else writes their status. Not longer than
an operator has to be away, so that one that was back meanwhile finds nothing put off."""
FIELD_MANAGER: Final = "ibgateway-watchdog"

logger = logging.getLogger("ibgateway_operator.watchdog")


class WatchdogSettings(NamedTuple):
    """Which Lease is read, and where the IBGateways are; no namespace means all."""

    lease: Key
    namespaces: tuple[str, ...]


@dataclass
class Watchdog:
    """Looks at the Lease, and marks what nobody keeps."""

    settings: WatchdogSettings
    api_server: ApiServer
    clock: Clock
    _seen: Manifest | None = None
    """The Lease's spec as it was read last; None before the first reading."""
    _since: float = 0.0
    """Since when it stands still, by our own clock."""
    _mark_at: float = 0.0
    """When the IBGateways are to be looked at again."""

    async def look(self) -> None:
        """Read the Lease; where it stands still, mark the IBGateways. Never raises OperatorError."""
        try:
            quiet = await self._quiet_seconds()
            due = quiet >= AWAY_SECONDS and self.clock.monotonic() >= self._mark_at
            if due and await self._mark_all(quiet):
                self._mark_at = self.clock.monotonic() + MARKED_SECONDS
        except OperatorError as error:
            logger.warning("the API server can't be asked: %s", error)

    async def _quiet_seconds(self) -> float:
        now = self.clock.monotonic()
        try:
            spec = await self._lease()
        except OperatorError:
            # Whoever can't read does not know: the operator may have renewed it meanwhile, or may be
            # as unable to reach the API server as we are.
            self._since = now
            raise
        if spec != self._seen:
            self._seen, self._since = spec, now
        return now - self._since

    async def _lease(self) -> Manifest:
        try:
            return dict((await self.api_server.get(LEASE, self.settings.lease)).get("spec", {}))
        except NotFoundError:
            return {}

    async def _mark_all(self, quiet: float) -> bool:
        """Page by page, of which one is in memory; whether none is left to be marked."""
        left = 0
        for namespace in self.settings.namespaces or ("",):
            async for page in self.api_server.pages(GATEWAY, namespace):
                marked = [await self._mark(body, quiet) for body in page]
                left += marked.count(False)
        return left == 0

    async def _mark(self, body: Manifest, quiet: float) -> bool:
        """Whether it says what it should."""
        meta = body["metadata"]
        key = Key(meta["namespace"], meta["name"])
        status = away_status(body, self.clock.now(), quiet)
        if status is None:
            return True
        try:
            await self.api_server.apply_status(key, status, version=meta["resourceVersion"])
        except (ConflictError, NotFoundError):
            return False  # it has just changed, or is gone: the next look sees it as it is
        logger.info("%s: the operator is away, Ready is Unknown", key)
        return True


def settings_from(env: Mapping[str, str]) -> WatchdogSettings:
    """Settings from environment variables. Raises SettingsError with the variable's name."""
    lease = Key(env.get("POD_NAMESPACE", "default"), env.get("OPERATOR_LEASE", DEFAULT_LEASE))
    return WatchdogSettings(lease, namespaces_from(env))


async def run(settings: WatchdogSettings) -> None:
    """Look until the process is told to stop."""
    async with await connect() as api:
        server = KubernetesApi(api, manager=FIELD_MANAGER)
        watchdog = Watchdog(settings, server, system_clock())
        while True:
            await watchdog.look()
            await asyncio.sleep(LOOK_SECONDS)


def main() -> int:
    """The exit code: 2 where the settings are wrong."""
    try:
        settings = settings_from(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log.configure(os.environ.get("OPERATOR_LOG_LEVEL", "INFO"), quiet=[])
    logger.info("watching the Lease %s", settings.lease)
    asyncio.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
