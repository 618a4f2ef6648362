"""One gateway pod on this host: the sentinel and the wrapper as processes, around a simulated Gateway.

It plays the kubelet too: it starts the wrapper again whenever it ends, and nothing of the old
container outlives it. What IBKR saw is read from the simulator, never from the sentinel.
"""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp

from host_processes import end_group, forget_display, free_display, free_port, kill_group
from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings
from ibgateway_stage.calendar import calendar
from sentinel_world.secret_mount import SecretMount

ROOT = Path(__file__).parents[3]
SCRIPTS = ROOT / "gateway" / "ibgateway_pod"
SOURCES = os.pathsep.join(str(ROOT / part) for part in ("api", "runtime", "gateway", "simulator"))
TOKEN = "agent-token-canary"
GATE_TOKEN = "gate-token-canary"
BUDGET = {"approvalSeconds": 60, "attemptIntervalSeconds": 900, "maxAttempts": 3}
LIMIT = 60.0


class PodOnHost:
    """One gateway pod on this host."""

    def __init__(self, folder: Path, ibkr: Running) -> None:
        self.folder, self.ibkr = folder, ibkr
        self.ports = {name: free_port() for name in ("api", "socat", "command", "http", "metrics")}
        self.display = free_display()
        self.run = folder / "run"
        self.secret = SecretMount(folder / "credentials")
        self.exits: list[int] = []
        self.stays_down = False
        self._settings: dict[str, object] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._wrapper: asyncio.subprocess.Process | None = None
        self._sentinel: asyncio.subprocess.Process | None = None

    def lay_out(self, budget: dict[str, Any], existing_session: str) -> None:
        shutil.copytree(ROOT / "simulator" / "image", self.folder / "home")
        for name in ("run", "state", "settings", "tmp", "notifications", "home/init-scripts/start"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        script = (SCRIPTS / "10-ibc.sh").read_text()
        assert "CommandServerPort=7462" in script
        script = script.replace("7462", str(self.ports["command"]))
        (self.folder / "home/init-scripts/start/10-ibc.sh").write_text(script)
        (self.folder / "token").write_text(f"{TOKEN}\n")
        (self.folder / "gate-token").write_text(f"{GATE_TOKEN}\n")
        self._settings = {
            "tradingMode": "paper",
            "login": budget,
            "calendar": calendar(datetime.now(UTC) - timedelta(days=3)),
            "existingSession": existing_session,
        }
        self.tell_sentinel()

    def tell_sentinel(self, **settings: object) -> None:
        """What the operator writes for the sentinel, which looks once a second."""
        self._settings |= settings
        aside = self.folder / "settings.json.new"
        aside.write_text(json.dumps(self._settings))
        aside.replace(self.folder / "settings.json")

    async def settings_taken(self, **settings: object) -> None:
        """The sentinel is told, and says that it has read it."""
        log, words = self.folder / "sentinel.log", "the settings have changed"
        before = log.read_text().count(words)
        self.tell_sentinel(**settings)
        async with asyncio.timeout(LIMIT):
            while log.read_text().count(words) == before:  # noqa: ASYNC110 - a file tells nobody
                await asyncio.sleep(0.02)

    def tell_people(self, *addresses: str, heartbeat: str = "", **settings: object) -> None:
        """The user gives the gateway a Secret with addresses."""
        secret = self.folder / "notifications"
        (secret / "URLS").write_text("\n".join(addresses))
        if heartbeat:
            (secret / "HEARTBEAT_URL").write_text(f"{heartbeat}\n")
        wanted = {"namespace": "trading", "gateway": "paper", "batchSeconds": 0, **settings}
        self.tell_sentinel(notifications=wanted)

    def environment(self) -> dict[str, str]:
        ports = self.ports
        return {
            "PATH": os.environ["PATH"],
            "TZ": "Etc/UTC",
            "PYTHONPATH": SOURCES,
            "PYTHONUNBUFFERED": "1",
            "HOME": str(self.folder / "home"),
            "TMPDIR": str(self.folder / "tmp"),
            "TWS_USERID_FILE": str(self.secret.folder / "IB_USERNAME"),
            "TWS_PASSWORD_FILE": str(self.secret.folder / "IB_PASSWORD"),
            "TWS_SETTINGS_PATH": str(self.folder / "settings"),
            "START_SCRIPTS": "init-scripts/start",
            "READ_ONLY_API": "no",
            "SIMULATOR_PYTHON": sys.executable,
            "SIMULATOR_IBKR_URL": f"http://127.0.0.1:{self.ibkr.port}",
            "SIMULATOR_BROKER_PORT": str(self.ibkr.broker_port),
            "SIMULATOR_GATEWAY_NAME": "paper",
            "SIMULATOR_RESTART_SECONDS": "3",
            "SIMULATOR_DISPLAY": f":{self.display}",
            "SIMULATOR_SOCAT_BIND": "127.0.0.1",
            "SIMULATOR_PAPER_PORT": str(ports["api"]),
            "SIMULATOR_PAPER_SOCAT_PORT": str(ports["socat"]),
            "SENTINEL_SETTINGS": str(self.folder / "settings.json"),
            "SENTINEL_RUN_DIR": str(self.run),
            "SENTINEL_STATE_DIR": str(self.folder / "state"),
            "SENTINEL_TOKEN_FILE": str(self.folder / "token"),
            "SENTINEL_GATE_TOKEN_FILE": str(self.folder / "gate-token"),
            "SENTINEL_NOTIFICATIONS_DIR": str(self.folder / "notifications"),
            "SENTINEL_BIND": "127.0.0.1",
            "SENTINEL_PORT": str(ports["http"]),
            "SENTINEL_METRICS_PORT": str(ports["metrics"]),
            "SENTINEL_API_PORT": str(ports["api"]),
            "SENTINEL_COMMAND_PORT": str(ports["command"]),
        }

    async def start_sentinel(self) -> None:
        with (self.folder / "sentinel.log").open("a") as log:
            self._sentinel = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "ibgateway_agent", "sentinel"),
                env=self.environment(),
                stderr=log,
            )

    async def crash_sentinel(self) -> None:
        assert self._sentinel is not None
        self._sentinel.kill()
        await self._sentinel.wait()

    async def end_sentinel(self) -> None:
        assert self._sentinel is not None
        self._sentinel.terminate()
        assert await asyncio.wait_for(self._sentinel.wait(), 10) == 0

    def start_kubelet(self) -> None:
        self._tasks.append(asyncio.create_task(self._keep_container()))

    async def _keep_container(self) -> None:
        while True:
            self._wrapper = await asyncio.create_subprocess_exec(
                *("bash", str(SCRIPTS / "wrapper.sh")),
                env=self.environment(),
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
            self.exits.append(await self._wrapper.wait())
            await self._end_container(self._wrapper)
            if self.stays_down:
                return
            await asyncio.sleep(0.2)

    @property
    def container(self) -> int:
        """The process group that all of the container's processes are in."""
        assert self._wrapper is not None
        return self._wrapper.pid

    def kill_container(self) -> None:
        """What the kernel does to all of it when PID 1 is killed."""
        kill_group(self.container)

    async def ended(self) -> None:
        """Wait until the container that stays down is gone."""
        await asyncio.wait_for(asyncio.gather(*self._tasks), LIMIT)
        self._tasks.clear()

    def freeze_container(self, *, on: bool) -> None:
        """A node that is too busy to run any of it, or has time for it again."""
        os.killpg(self.container, signal.SIGSTOP if on else signal.SIGCONT)

    async def _end_container(self, wrapper: asyncio.subprocess.Process) -> None:
        """Nothing is left of it, not even what a container would have had in a /tmp of its own."""
        await asyncio.to_thread(end_group, wrapper.pid)
        await wrapper.wait()
        forget_display(self.display)

    async def prestop(self) -> int:
        """The hook as the kubelet runs it; afterwards the container is not started again."""
        hook = await asyncio.create_subprocess_exec(
            *("bash", str(SCRIPTS / "prestop.sh")),
            env={**self.environment(), "IBC_COMMAND_PORT": str(self.ports["command"])},
        )
        self.stays_down = True
        return await hook.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._wrapper is not None:
            await self._end_container(self._wrapper)
        if self._sentinel is not None and self._sentinel.returncode is None:
            await self.end_sentinel()

    async def call(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        url = f"http://127.0.0.1:{self.ports['http']}{path}"
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, url, headers=headers, json=body) as response,
        ):
            text = await response.text()
            return response.status, json.loads(text) if text.startswith("{") else text

    async def until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first report that is as wanted."""
        seen: dict[str, Any] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                while True:
                    with contextlib.suppress(aiohttp.ClientError):
                        status, seen = await self.call("GET", "/v1/status")
                        if status == 200 and wanted(seen):
                            return seen
                    await asyncio.sleep(0.05)
        log = (self.run / "gateway.log").read_text()[-3000:]
        raise AssertionError(f"never as wanted, last {seen}; the log ends:\n{log}")

    async def state(self, name: str) -> dict[str, Any]:
        return await self.until(lambda report: report["state"] == name)

    async def ibkr_said(self, verb: str, path: str, body: object = None) -> Any:
        url = f"http://127.0.0.1:{self.ibkr.port}{path}"
        async with aiohttp.ClientSession() as session:
            response = await session.request(verb, url, json=body)
            assert response.status == 200, await response.text()
            return await response.json()

    def tokens(self) -> list[Path]:
        """The files from which the Gateway would start without a push."""
        return list((self.folder / "settings").glob("*/autorestart"))

    def permit(self) -> dict[str, str]:
        """The permit that lies ready; empty for none."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self.run / "permit").read_text().splitlines()
            return dict(line.split("=", 1) for line in lines)
        return {}

    async def logged(self, text: str) -> None:
        """Wait for a line of the gateway's log."""
        async with asyncio.timeout(LIMIT):
            while text not in (self.run / "gateway.log").read_text():  # noqa: ASYNC110 - a file tells
                await asyncio.sleep(0.02)

    async def approve(self) -> None:
        await self.ibkr_said("POST", "/v1/pushes/latest/approve")

    def logins(self) -> list[str]:
        return [login.result for login in self.ibkr.ibkr.logins.attempts]

    def pushes(self) -> list[str]:
        return [push.state for push in self.ibkr.ibkr.logins.pushes]

    async def log_in(self) -> dict[str, Any]:
        await self.state("AwaitingApproval")
        await self.approve()
        return await self.state("LoggedIn")


@contextlib.asynccontextmanager
async def pod_on_host(
    folder: Path,
    *,
    user: str = "paperuser",
    password: str = "paperpassword",  # noqa: S107 - of a simulated user
    takes_over: bool = False,
    allowed: bool = True,
    **budget: Any,
) -> AsyncIterator[PodOnHost]:
    ports = {"SIMULATOR_IBKR_PORT": "0", "SIMULATOR_BROKER_PORT": "0"}
    async with running(ibkr_settings(ports)) as ibkr:
        made = PodOnHost(folder, ibkr)
        made.lay_out({**BUDGET, **budget}, "takeOver" if takes_over else "yield")
        made.tell_sentinel(loginsAllowed=allowed)
        made.secret.write(IB_USERNAME=user, IB_PASSWORD=password)
        try:
            await made.start_sentinel()
            made.start_kubelet()
            yield made
        finally:
            await made.close()
