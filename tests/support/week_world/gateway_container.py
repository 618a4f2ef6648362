"""The gateway's container in virtual time: the wrapper, IBC's start script, and the simulated Gateway.

Wrapper and start script are programs of bash; what they do is done here in their words, and the wiring
tests run the real ones.
"""

import asyncio
import io
import itertools
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.protocols import ExitProcess
from ibgateway_simulator.gateway.settings import GatewaySettings, gateway_settings
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from week_world.gateway_jvm import GatewayJvm


class ContainerOutput(io.StringIO):
    """Standard output, through tee into the log; `changed` is called with each piece."""

    def __init__(self, log: Path, changed: Callable[[], None]) -> None:
        super().__init__()
        self._path, self._changed = log, changed
        self._log: io.FileIO | None = None

    def begin(self) -> None:
        """A container starts, and its tee opens the log of this pod."""
        self.end()
        self._log = io.FileIO(self._path, "a")

    def end(self) -> None:
        """The container is gone."""
        if self._log is not None:
            self._log.close()
            self._log = None

    def write(self, text: str) -> int:
        if self._log is None:  # the last words of one that was just killed
            with self._path.open("a") as log:
                log.write(text)
        else:
            self._log.write(text.encode())
        self._changed()
        return len(text)


class GatewayContainer:
    """One container of the pod after the other; `changed` is called when log or wrapper move."""

    def __init__(
        self,
        folder: Path,
        ibkr: SimulatedIbkr,
        *,
        now: Callable[[], datetime],
        changed: Callable[[], None],
    ) -> None:
        self.run, self.settings = folder / "run", folder / "tws_settings"
        self._alive, self._may_start = self.run / "alive", self.run / "permit"
        self._stop, self._drop = self.run / "stop", self.run / "drop-token"
        self.jvm: GatewayJvm | None = None
        self.nights: Callable[[], bool] = lambda: True
        self.environment = {"AutoRestartTime": "10:00 PM", "zone": "America/New_York"}
        self.permits: list[tuple[int, str]] = []
        """The permits that were taken: id and kind."""
        self.cold_restarts = 0
        """IBC's own, which ask nobody."""
        self._ibkr, self._now, self._changed = ibkr, now, changed
        self._folder = folder
        self._out = ContainerOutput(self.run / "gateway.log", changed)
        self._starts = itertools.count(1)
        self._beats = itertools.count(1)
        self._start, self._permit, self._state = "", "", "ended"
        self._task: asyncio.Task[int] | None = None
        self._again: asyncio.TimerHandle | None = None

    def _say(self, text: str) -> None:
        self._out.write(f"{self._now():%Y-%m-%d %H:%M:%S}:000 wrapper: {text}\n")

    def _print(self, *lines: str) -> None:
        self._out.write("".join(f"{line}\n" for line in lines))

    # the wrapper

    @property
    def waits(self) -> bool:
        """Whether a start waits for its permit."""
        return self._state == "waiting"

    @property
    def up(self) -> bool:
        """Whether a container is there."""
        return self._state != "ended"

    def start(self) -> None:
        """The kubelet starts the container."""
        self._out.begin()
        self._start = f"start-{next(self._starts)}"
        self._permit = ""
        for name in ("stop", "planned-stop", "drop-token", "permit.taken"):
            (self.run / name).unlink(missing_ok=True)
        self.beat()
        self._tell("waiting")
        self._say("waiting for a permit")

    def beat(self) -> None:
        """A waiting wrapper's sign of life."""
        self._alive.write_text(f"{self._start} {next(self._beats)}\n")

    def look(self) -> None:
        """What the wrapper does five times a second."""
        if self._state == "waiting":
            self.beat()
            if self._may_start.exists():
                self._take_permit()
        elif self._state == "running":
            self._drop_token()
            if _text(self._stop) == self._start and self._task is not None:
                self._say("told to end the process")
                self._stop.unlink()
                self._task.cancel()

    def kill(self, *, again: bool = True) -> None:
        """The container dies at once, as of a full memory; the kubelet starts it anew."""
        if self._task is not None:
            self._task.remove_done_callback(self._ended)
            self._task.cancel()
            self._task = None
        if self._again is not None:
            self._again.cancel()
            self._again = None
        if again:
            self.start()
        else:
            self._state = "ended"
            self._out.end()

    def _take_permit(self) -> None:
        self._may_start.rename(self.run / "permit.taken")
        given = dict(line.split("=", 1) for line in _text(self.run / "permit.taken").splitlines())
        now = self._now().timestamp()
        fits = given["start"] == self._start
        young = int(given["given"]) - 2 <= now < int(given["expires"])
        token = given["kind"] != "token" or self._token_at_hand()
        if not (fits and young and token):
            self._say(f"permit {given['id']} does not hold: it has expired")
            (self.run / "permit.taken").unlink()
            self._tell("waiting")
            return
        if given["kind"] == "full":
            self._remove_tokens()
        self._permit = given["id"]
        self.permits.append((int(given["id"]), given["kind"]))
        self._say(f"permit {self._permit} taken: {given['kind']}, {given['existingSession']}")
        self._tell("running")
        self._task = asyncio.create_task(self._run_sh(given["existingSession"]))
        self._task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[int]) -> None:
        code = 143 if task.cancelled() else task.result()
        self._task = None
        self._say(f"run.sh ended with {code}")
        self._tell("ended")
        self._again = asyncio.get_running_loop().call_later(1.0, self.start)

    def _drop_token(self) -> None:
        if not self._drop.exists():
            return
        if self._drop.read_text() == self._start:
            self._remove_tokens()
            self._say("the token that is of no use is removed")
            self._tell("running")
        self._drop.unlink()

    def _tell(self, state: str) -> None:
        self._state = state
        token = "yes" if self._token_at_hand() else "no"
        (self.run / "wrapper").write_text(
            f"state={state}\nstart={self._start}\npermit={self._permit}\npid=\nexit=\ntoken={token}\n"
        )
        self._changed()

    def _token_at_hand(self) -> bool:
        return len(list(self.settings.glob("*/autorestart"))) == 1

    def _remove_tokens(self) -> None:
        for path in self.settings.glob("*/autorestart"):
            path.unlink()

    # run.sh and IBC's start script

    async def _run_sh(self, existing_session: str) -> int:
        environ = {
            "TWS_SETTINGS_PATH": str(self.settings),
            "IBC_FLAGS": str(self._folder),
            "IBC_SESSION_ID": "session",
            "SIMULATOR_GATEWAY_NAME": "paper",
            "SIMULATOR_WINDOW_SECONDS": "0.05",
        }
        restart = self._find_auto_restart()
        while True:
            ini = self._config(existing_session)
            words = [str(ini), *([f"-Drestart={restart}"] if restart else [])]
            code = await self._gateway(gateway_settings(words, environ))
            self._print(f"IBC returned exit status {code}")
            cold = self._folder / "COLDRESTARTsession"
            if code == 88 or cold.exists():
                cold.unlink(missing_ok=True)
                restart = ""
                self.cold_restarts += 1
                self._print("IBC will cold-restart shortly")
            elif restart := self._find_auto_restart():
                pause = self._folder / "PAUSEsession"
                if pause.exists():
                    pause.unlink()
                    self._print("IBC is paused")
                    return code
            else:
                break
            self._print("IBC will restart shortly", "sleep 2")
        self._print("Gateway finished", "")
        return code

    async def _gateway(self, settings: GatewaySettings) -> int:
        log = IbcLog(self._out, self._now)
        self.jvm = GatewayJvm(
            settings, log, ibkr=self._ibkr, now=self._now, nights=self.nights, nears=self._changed
        )
        try:
            return await self.jvm.run()
        except ExitProcess as end:
            return end.code
        finally:
            self.jvm = None
            self._changed()

    def _find_auto_restart(self) -> str:
        self._print("Finding autorestart file")
        files = list(self.settings.glob("*/autorestart"))
        if len(files) != 1:
            self._remove_tokens()
            self._print("autorestart file not found: full authentication will be required", "")
            return ""
        self._print(
            f"autorestart file found at {files[0]}: authentication will not be required",
            f"AUTORESTART_OPTION is -Drestart={files[0].parent.name}",
        )
        return files[0].parent.name

    def _config(self, existing_session: str) -> Path:
        ini = self._folder / "config.ini"
        options = {
            "IbLoginId": "paperuser",
            "IbPassword": "paperpassword",
            "TradingMode": "paper",
            "SecondFactorAuthenticationTimeout": "180",
            "ExistingSessionDetectedAction": existing_session,
            "AutoRestartTime": self.environment["AutoRestartTime"],
        }
        ini.write_text("".join(f"{key}={value}\n" for key, value in options.items()))
        (self.settings / "jts.ini").write_text(f"TimeZone={self.environment['zone']}\n")
        return ini


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
