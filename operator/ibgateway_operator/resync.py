"""The resync: now and then the API server itself is asked what there is, whatever the watches have shown."""

import asyncio
import logging
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import APPLIED, GATEWAY
from ibgateway_operator.model.memory import LOST, Memories
from ibgateway_operator.queues import Queues

RESYNC_SECONDS: Final = 600.0
"""How often the API server is asked what there is: a watch that went silent is noticed here."""
LOOKS_SECONDS: Final = 300.0
"""Over which the looks at all gateways are spread that follow: a thousand at once would hold up news."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Resync:
    """Looks at every IBGateway again; no namespace means all."""

    namespaces: tuple[str, ...]
    api_server: ApiServer
    memories: Memories
    queues: Queues

    async def work(self) -> None:
        """For ever."""
        while True:
            await asyncio.sleep(RESYNC_SECONDS)
            try:
                await self.compare()
            except OperatorError as error:
                logger.warning("the resync failed: %s", error)

    async def compare(self) -> None:
        """One resync. Raises OperatorError."""
        selector = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
        for namespace in self.namespaces or ("",):
            for kind in APPLIED:
                stored = await self.api_server.names(kind, namespace, selector)
                self._keep_applied(kind.kind, stored, namespace)
            stored = await self.api_server.names(GATEWAY, namespace)
            served = [k for k in self.queues.cache.gateways() if namespace in ("", k.namespace)]
            for number, key in enumerate(served):
                self._compare_gateway(
                    key, there=key in stored, delay=LOOKS_SECONDS * number / len(served)
                )

    def _keep_applied(self, kind: str, stored: Container[Key], namespace: str) -> None:
        """What the API server no longer has is applied again, whatever the watches show."""
        for key, memory in self.memories.items():
            if namespace not in ("", key.namespace):
                continue
            for place in [p for p in memory.applied if p[0] == kind]:
                if Key(key.namespace, place[1]) not in stored:
                    memory.applied[place] = LOST
                    self.queues.changed(key)

    def _compare_gateway(self, key: Key, *, there: bool, delay: float) -> None:
        if there:
            self.queues.slow.add(key, delay=delay)
        else:
            self.queues.cache.vanished(key)
            self.queues.changed(key)
