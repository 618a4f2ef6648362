"""What a running pod is told of changed settings and Secrets: the kubelet then refreshes its mounted files at once."""

from collections.abc import Mapping
from dataclasses import dataclass

from ibgateway_api.names import Component, Key
from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.manifests import name_of
from ibgateway_operator.model.snapshot import Snapshot


@dataclass(frozen=True)
class SettingsStamp:
    """Annotates pods."""

    api_server: ApiServer
    cache: Cache

    async def write(
        self, snapshot: Snapshot, stamps: Mapping[Component, Mapping[str, str]]
    ) -> None:
        """Annotate the components' pods; one that has just gone is left out."""
        for component, notes in stamps.items():
            pod = snapshot.pod(component)
            if pod is None:
                continue
            place = Key(snapshot.gateway.key.namespace, name_of(pod))
            try:
                stored = await self.api_server.annotate_pod(place, notes)
            except NotFoundError:
                continue
            self.cache.written({**stored, "kind": "Pod"})
