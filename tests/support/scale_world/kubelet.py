"""A pretended kubelet: each pod runs at once and has an address; who has the readiness gate is ready as it says."""

import asyncio
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_operator.model.programs import is_gated, is_own_pod
from scale_world.client import Api, Json
from scale_world.sentinels import Sentinels, now_text

_STRATEGIC: Final = "application/strategic-merge-patch+json"


@dataclass
class Kubelet:
    """All nodes of a run. `gates` is the status of each executor pod's gate; `closed` who ever had it False."""

    api: Api
    sentinels: Sentinels
    gates: dict[Key, str] = field(default_factory=dict)
    closed: set[Key] = field(default_factory=set)
    waiting: dict[Key, tuple[str, asyncio.Future[float]]] = field(default_factory=dict)
    programs: dict[Key, tuple[Key, str]] = field(default_factory=dict)
    """Of each pod that is not a gateway's own and has our readiness gate: whom it follows, and the gate's status."""
    programs_waiting: dict[Key, tuple[str, asyncio.Future[float]]] = field(default_factory=dict)
    _run: set[str] = field(default_factory=set)
    _said: dict[str, str] = field(default_factory=dict)
    _patches: "asyncio.Queue[tuple[Json, Json]]" = field(default_factory=asyncio.Queue)
    _addresses: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def run(self) -> None:
        """For ever."""
        await asyncio.gather(self._follow(), *(self._patch() for _ in range(16)))

    async def _follow(self) -> None:
        async for kind, pod in self.api.watch("/api/v1/pods", names.LABEL_GATEWAY):
            if kind == "DELETED":
                self._run.discard(pod["metadata"]["uid"])
                self.programs.pop(_place(pod), None)
            else:
                self._shown(pod)

    def _shown(self, pod: Json) -> None:
        meta = pod["metadata"]
        uid, labels = meta["uid"], meta["labels"]
        if uid not in self._run and pod["status"].get("phase") == "Pending":
            self._run.add(uid)
            self._patches.put_nowait((pod, self._running(pod)))
        key = Key(meta["namespace"], labels[names.LABEL_GATEWAY])
        if _is_own(pod, Component.EXECUTOR):
            self._gate(pod, key)
        elif is_gated(pod) and not is_own_pod(pod):
            self._program(pod, key)

    def _gate(self, pod: Json, key: Key) -> None:
        status = _condition(pod, names.READINESS_GATE)
        if not status:
            return
        if status != self.gates.get(key):
            self._turned(key, status)
        self._tell(pod, status)

    def _program(self, pod: Json, key: Key) -> None:
        place, status = _place(pod), _condition(pod, names.READINESS_GATE)
        self.programs[place] = (key, status)
        wanted, future = self.programs_waiting.get(place, ("", None))
        if future is not None and wanted == status and not future.done():
            future.set_result(asyncio.get_running_loop().time())
        if status:
            self._tell(pod, status)

    def _tell(self, pod: Json, status: str) -> None:
        """Ready is as the gate says."""
        uid = pod["metadata"]["uid"]
        if _condition(pod, "Ready") not in ("", status) and self._said.get(uid) != status:
            self._said[uid] = status
            self._patches.put_nowait((pod, {"conditions": [_true("Ready") | {"status": status}]}))

    def _turned(self, key: Key, status: str) -> None:
        self.gates[key] = status
        if status == "False":
            self.closed.add(key)
        wanted, future = self.waiting.get(key, ("", None))
        if future is not None and wanted == status and not future.done():
            future.set_result(asyncio.get_running_loop().time())

    def _running(self, pod: Json) -> Json:
        labels = pod["metadata"]["labels"]
        number = next(self._addresses)
        address = f"10.{64 + (number >> 16)}.{number >> 8 & 255}.{number & 255}"
        if _is_own(pod, Component.GATEWAY):
            key = Key(pod["metadata"]["namespace"], labels[names.LABEL_GATEWAY])
            self.sentinels.login(key, address)
        ready = "False" if is_gated(pod) else "True"
        always = [_true(each) for each in ("PodScheduled", "Initialized", "ContainersReady")]
        return {
            "phase": "Running",
            "podIP": address,
            "podIPs": [{"ip": address}],
            "startTime": now_text(),
            "conditions": [*always, _true("Ready") | {"status": ready}],
            "containerStatuses": [_container(each) for each in pod["spec"]["containers"]],
            "initContainerStatuses": [
                _container(each) for each in pod["spec"].get("initContainers", [])
            ],
        }

    async def _patch(self) -> None:
        while True:
            pod, status = await self._patches.get()
            meta = pod["metadata"]
            path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/status"
            try:
                await self.api.call("PATCH", path, {"status": status}, content=_STRATEGIC)
            except RuntimeError as error:
                if ": 404:" not in str(error):
                    raise


def _is_own(pod: Json, component: Component) -> bool:
    return is_own_pod(pod) and pod["metadata"]["labels"][names.LABEL_COMPONENT] == component


def _place(pod: Json) -> Key:
    return Key(pod["metadata"]["namespace"], pod["metadata"]["name"])


def _container(container: Json) -> Json:
    return {
        "name": container["name"],
        "image": container["image"],
        "imageID": "pretended",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": {"running": {"startedAt": now_text()}},
    }


def _true(kind: str) -> dict[str, Any]:
    return {"type": kind, "status": "True", "lastTransitionTime": now_text()}


def _condition(pod: Json, kind: str) -> str:
    """The status of a pod's condition; empty without one."""
    conditions = pod["status"].get("conditions") or []
    return next((str(c["status"]) for c in conditions if c["type"] == kind), "")
