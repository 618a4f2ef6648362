"""What Kubernetes does in the week's world: pods for what the operator wants, mounted settings, ends of pods."""

import asyncio
import itertools
from functools import lru_cache

from ibgateway_api.settings import ExecutorSettings
from operator_fakes import FakeApiServer, pod
from week_world.executor_side import ExecutorSide
from week_world.gateway_pod import GatewayPod

SETTINGS = "settings.json"


class Kubelet:
    """Looks when the world does."""

    def __init__(
        self, api_server: FakeApiServer, gateway: GatewayPod, executor: ExecutorSide
    ) -> None:
        self._api_server, self._gateway, self._executor = api_server, gateway, executor
        self._uids = itertools.count(1)
        self._seen = 0
        self._stopping: asyncio.Task[None] | None = None

    def look(self) -> None:
        """Bring about what is wanted, where anything has changed."""
        if self._api_server.version == self._seen and self._stopping is None:
            return
        self._mount()
        for component, kind in (("gateway", "StatefulSet"), ("executor", "Deployment")):
            name = f"paper-{component}"
            wanted = self._api_server.has(kind, name) and self._replicas(kind, name)
            if component == "gateway":
                self._gateway_pod(wanted=bool(wanted))
            elif wanted and not self._api_server.has("Pod", "paper-executor-abc"):
                self._api_server.put(pod("executor", uid=f"uid-pod-{next(self._uids)}"))
        self._seen = self._api_server.version

    def _replicas(self, kind: str, name: str) -> int:
        return int(self._api_server.objects[kind, "trading", name]["spec"]["replicas"])

    def _gateway_pod(self, *, wanted: bool) -> None:
        name = "paper-gateway-0"
        if not self._api_server.has("Pod", name):
            if wanted and self._stopping is None and self._mounted():
                self._gateway.start()
                self._api_server.put(pod("gateway", uid=f"uid-pod-{next(self._uids)}"))
            return
        pod_now = self._api_server.objects["Pod", "trading", name]
        leaving = "deletionTimestamp" in pod_now["metadata"]
        if self._stopping is None and (leaving or not wanted):
            self._stopping = asyncio.create_task(self._end(name))

    async def _end(self, name: str) -> None:
        await self._gateway.stop()
        self._api_server.remove("Pod", name)
        self._stopping = None

    def _mounted(self) -> bool:
        return (self._gateway.folder / SETTINGS).exists()

    def _mount(self) -> None:
        """Settings arrive at once: the operator's stamp makes the kubelet hurry."""
        if self._api_server.has("ConfigMap", "paper-gateway"):
            self._gateway.mount(self._data("paper-gateway"))
        if self._api_server.has("ConfigMap", "paper-executor"):
            self._executor.settings = _settings(self._data("paper-executor"))

    def _data(self, name: str) -> str:
        return str(self._api_server.objects["ConfigMap", "trading", name]["data"][SETTINGS])


@lru_cache(maxsize=4)
def _settings(text: str) -> ExecutorSettings:
    return ExecutorSettings.model_validate_json(text)
