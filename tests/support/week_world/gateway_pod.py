"""The gateway's pod in virtual time: the real sentinel beside the gateway's container, and what mounts its files."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path

from ibgateway_agent.errors import DriverCommandError
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.settings import environment
from ibgateway_api.login import Sign
from ibgateway_api.reports import SentinelReport
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from week_world.gateway_container import GatewayContainer
from week_world.virtual_time import VirtualClock


class GatewayPod:
    """One pod after the other on the same volume. `changed` is called when anything in it moves."""

    def __init__(
        self, folder: Path, ibkr: SimulatedIbkr, clock: VirtualClock, changed: Callable[[], None]
    ) -> None:
        self.folder, self.ibkr, self._clock, self._changed = folder, ibkr, clock, changed
        for name in ("run", "state", "tws_settings"):
            (folder / name).mkdir(parents=True)
        self.container = GatewayContainer(folder, ibkr, now=clock.now, changed=changed)
        self.sentinel: Sentinel | None = None
        self.stopping = False
        self._boots = itertools.count(1)
        self._heard = _Heard()
        self._mounted = ""

    def mount(self, settings: str) -> None:
        """The kubelet brings the settings of the ConfigMap."""
        if settings != self._mounted:
            (self.folder / "settings.json").write_text(settings)
            self._mounted = settings

    def start(self) -> None:
        """The pod starts: the sentinel first, an empty run directory."""
        for path in (self.folder / "run").iterdir():
            path.unlink()
        self.stopping = False
        self.boot_sentinel()
        self.container.start()

    def boot_sentinel(self) -> None:
        """The sentinel's container starts."""
        paths = {"SETTINGS": "settings.json", "RUN_DIR": "run", "STATE_DIR": "state"}
        env = {f"SENTINEL_{name}": str(self.folder / path) for name, path in paths.items()}
        told = self.container.environment
        env |= {"AUTO_RESTART_TIME": told["AutoRestartTime"], "TIME_ZONE": told["zone"]}
        self.sentinel = Sentinel(
            environment(env),
            clock=self._clock.clock,
            boot=f"boot-{next(self._boots)}",
            tell_driver=self._tell_driver,
        )
        self._heard = _Heard()
        self._changed()

    async def kill_sentinel(self) -> None:
        """The sentinel dies; what it had begun ends with it."""
        if self.sentinel is not None:
            await self.sentinel._stop.close()
        self.sentinel = None
        self._changed()

    async def stop(self) -> None:
        """The pod is deleted: preStop, then the end of everything in it."""
        self.stopping = True
        (self.folder / "run" / "planned-stop").touch()
        self._changed()
        await asyncio.sleep(1)
        if (jvm := self.container.jvm) is not None:
            jvm.act("STOP")
        for _ in range(100):
            if self.container.jvm is None:
                break
            await asyncio.sleep(1)
        self.container.kill(again=False)
        await self.kill_sentinel()

    async def _tell_driver(self, command: str) -> str:
        await asyncio.sleep(0.01)
        if (jvm := self.container.jvm) is None:
            raise DriverCommandError(command)
        return jvm.act(command)[0]

    def look(self) -> SentinelReport | None:
        """Everything in the pod looks once; the sentinel's report, None while it tells none."""
        if self.sentinel is None:
            self.container.look()
            return None
        self.sentinel.look()
        self.container.look()
        self._listen(self.sentinel)
        try:
            return self.sentinel.publisher.latest()
        except LookupError:
            return None

    def _listen(self, sentinel: Sentinel) -> None:
        """What the sentinel's API connection tells it, at each look."""
        session = self.container.jvm.api.session if self.container.jvm is not None else ""
        heard = self._heard
        if heard.session and heard.session != session:
            self._heard = heard = _Heard()
            sentinel.on_evidence(Sign.API_CLOSED, "")
        if not session or not sentinel._state.api_may_answer:
            return
        account, serves = "DU1234567", self.ibkr.reachable(session)
        if serves and heard.serves is not True:
            if heard.serves is False:
                sentinel.on_evidence(Sign.LINK_RESTORED, "1102")
            sentinel.on_evidence(Sign.API_READY, account)
        elif serves and heard.asks_again(sentinel):
            sentinel.on_evidence(Sign.API_READY, account)
        elif not serves and heard.serves is not False:
            sentinel.on_evidence(Sign.LINK_LOST, "1100")
        self._heard = _Heard(session, serves)


class _Heard:
    """What the sentinel's connection has told it: of which session, and whether IBKR's servers answer."""

    def __init__(self, session: str = "", serves: bool | None = None) -> None:
        self.session, self.serves = session, serves

    @staticmethod
    def asks_again(sentinel: Sentinel) -> bool:
        """Unless all is proven, the servers are asked again every few seconds."""
        return sentinel.publisher.latest().state != "LoggedIn"
