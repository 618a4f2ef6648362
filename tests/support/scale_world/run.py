"""One run: its control plane, its world, its operator, and what the watches show."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import psutil
import yaml

from ibgateway_cluster import host
from ibgateway_cluster.paths import paths
from scale_world import audit
from scale_world.__main__ import PORT
from scale_world.client import Api, Json
from scale_world.plane import ControlPlane

NAMESPACE: Final = "scale-1"
METRICS_PORT: Final = 8088
ROOT: Final = Path(__file__).resolve().parents[3]
CRD: Final = ROOT / "crds/ibgateway.dev_ibgateways.yaml"
GATEWAYS: Final = f"/apis/ibgateway.dev/v1alpha1/namespaces/{NAMESPACE}/ibgateways"
MIB: Final = 1 << 20
OPERATOR: Final = "ibgateway_operator"


@dataclass
class Watched:
    """What the API server's watches show of the gateways, and who waits for an edit to arrive."""

    reasons: dict[str, str] = field(default_factory=dict)
    edits: dict[str, tuple[str, asyncio.Future[float]]] = field(default_factory=dict)

    @property
    def ready(self) -> int:
        """How many gateways are Ready."""
        return sum(1 for reason in self.reasons.values() if reason == "Ready")

    async def follow_gateways(self, api: Api) -> None:
        """For ever."""
        async for _, body in api.watch(GATEWAYS):
            conditions = (body.get("status") or {}).get("conditions") or []
            ready = next((c for c in conditions if c["type"] == "Ready"), None)
            said = "none" if ready is None else ready["reason"]
            self.reasons[body["metadata"]["name"]] = (
                "Ready" if ready and ready["status"] == "True" else said
            )

    async def follow_settings(self, api: Api) -> None:
        """For ever."""
        async for _, body in api.watch(f"/api/v1/namespaces/{NAMESPACE}/configmaps"):
            wanted, future = self.edits.get(body["metadata"]["name"], ("", None))
            if future and not future.done() and wanted in json.dumps(body.get("data")):
                future.set_result(time.monotonic())


@dataclass
class Run:
    """One run's parts."""

    plane: ControlPlane
    api: Api
    count: int
    watched: Watched = field(default_factory=Watched)
    counted: bool = False
    """Whether the operator can tell what its heap is made of."""
    operator: psutil.Popen | None = None
    second: psutil.Popen | None = None
    watchdog: psutil.Popen | None = None

    @property
    def rss(self) -> float:
        """The operator's memory in MiB."""
        assert self.operator is not None
        return float(self.operator.memory_info().rss) / MIB

    @property
    def cpu(self) -> float:
        """The operator's processor seconds."""
        assert self.operator is not None
        times = self.operator.cpu_times()
        return float(times.user + times.system)

    def made(self, begin: float, user: str = "operator") -> list[audit.Request]:
        """The requests since a moment."""
        return audit.requests(self.plane.audit_log, user, begin, time.time())

    async def world(self, method: str, what: str) -> Json:
        """The world's word."""
        async with aiohttp.request(method, f"http://127.0.0.1:{PORT}/{what}") as answer:
            document: Json = await answer.json()
            return document

    def start_operator(self) -> None:
        """A real operator process, the one that is measured."""
        self.operator = self._process("operator", port=METRICS_PORT)

    def start_second(self) -> psutil.Popen:
        """Another one beside it."""
        self.second = self._process("second", port=8086)
        return self.second

    def start_watchdog(self) -> None:
        """The operator's watchdog."""
        self.watchdog = self._process("watchdog", port=8084, program="ibgateway_operator.watchdog")

    def _process(self, user: str, *, port: int, program: str = "") -> psutil.Popen:
        environ = {
            **os.environ,
            "KUBECONFIG": str(self.plane.kubeconfig(user)),
            "PYTHONPATH": os.pathsep.join(
                str(ROOT / f) for f in ("api", "runtime", "operator", "gateway", "tests/support")
            ),
            "OPERATOR_AGENT_IMAGE": "agent:1",
            "OPERATOR_EXECUTOR_IMAGE": "executor:1",
            "OPERATOR_METRICS_PORT": str(port),
            "OPERATOR_LIVENESS_PORT": str(port + 1),
            "WATCH_NAMESPACE": NAMESPACE,
            "POD_NAMESPACE": NAMESPACE,
            "OPERATOR_CALENDAR_FILE": "/nonexistent/calendar.json",
        }
        with (self.plane.folder / f"{user}.log").open("ab") as log:
            counted = ["scale_world.heap", str(self._heap)] if self.counted else [OPERATOR]
            argv = [sys.executable, "-m", *([program] if program else counted)]
            return psutil.Popen(argv, env=environ, stdout=log, stderr=log)

    async def heap(self) -> Json:
        """What the operator's heap is made of."""
        assert self.operator is not None
        self._heap.unlink(missing_ok=True)
        self.operator.send_signal(signal.SIGUSR1)
        while not self._heap.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.2)
        document: Json = json.loads(self._heap.read_text())
        return document

    @property
    def _heap(self) -> Path:
        return self.plane.folder / "heap.json"

    def stop_operator(self) -> None:
        """As Kubernetes does."""
        if self.operator is not None:
            _stop(self.operator)
        self.operator = None

    def stop_all(self) -> None:
        """Whatever runs."""
        self.stop_operator()
        for process in (self.second, self.watchdog):
            if process is not None:
                _stop(process)
        self.second = self.watchdog = None


def _stop(process: psutil.Popen) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(30)
    except psutil.TimeoutExpired:
        process.kill()
        process.wait()


@asynccontextmanager
async def running(folder: Path, count: int, *, counted: bool = False) -> AsyncIterator[Run]:
    """A control plane with the resource, and the world."""
    programs, arch = programs_of_the_cluster()
    async with AsyncExitStack() as stack:
        plane = ControlPlane(folder, programs, arch)
        stack.callback(plane.stop)
        plane.start()
        api = Api(plane, "bench")
        stack.push_async_callback(api.close)
        await define(api)
        argv = [sys.executable, "-m", "scale_world", str(folder), str(programs), arch]
        world = _world(argv, folder / "world.log")
        stack.callback(_end, world)
        run = Run(plane, api, count, counted=counted)
        stack.callback(run.stop_all)
        await asyncio.sleep(2)
        yield run


def programs_of_the_cluster() -> tuple[Path, str]:
    """Where the cluster tool keeps its programs, and for which processor they are."""
    places = paths(os.environ, home=Path.home(), root=os.geteuid() == 0)
    return places.programs, host.probe().arch


def _world(argv: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as out:
        return subprocess.Popen(argv, stdout=out, stderr=out)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process of ours."""
    process.terminate()
    process.wait()


async def define(api: Api) -> None:
    """The resource itself."""
    body = yaml.safe_load(CRD.read_text())
    await api.call("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", body)
    for _ in range(60):
        try:
            await api.call("GET", "/apis/ibgateway.dev/v1alpha1/ibgateways")
        except RuntimeError:
            await asyncio.sleep(0.5)
        else:
            return
