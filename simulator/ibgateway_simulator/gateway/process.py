"""The process that run.sh starts in the JVM's place: IBC, its command server and the windows.

Exit codes are IBC's: 0 after STOP, a restart or a yielded session; 143 on SIGTERM; 1 when X goes.
"""

import asyncio
import datetime as dt
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from ibgateway_simulator.gateway import autorestart, banner
from ibgateway_simulator.gateway.command_server import CommandServer
from ibgateway_simulator.gateway.flow import Flow
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.ibkr_link import IbkrLink, connected
from ibgateway_simulator.gateway.relay import Relay
from ibgateway_simulator.gateway.screen import LoginScreen
from ibgateway_simulator.gateway.settings import GatewaySettings, gateway_settings
from ibgateway_simulator.gateway.titles import NOTICE, SHUTDOWN, ExitProcess, FlowPorts

FRAME_SECONDS = 0.03
NOT_HERE = {"ENABLEAPI": ["ERROR ENABLEAPI is not valid for the IB Gateway"]}
RECONNECTS = frozenset({"RECONNECTDATA", "RECONNECTACCOUNT"})

Event = tuple[str, tuple[Any, ...]]


class GatewayProcess:
    """Wires flow, windows, command server and IBKR together over one queue."""

    def __init__(self, settings: GatewaySettings, log: IbcLog, backend: IbkrLink) -> None:
        self._settings = settings
        self._log = log
        self._queue: asyncio.Queue[Event] = asyncio.Queue()
        self._backend = backend
        self._screen = LoginScreen(settings.mode, self._login, self._button)
        self._relay = Relay(backend.host, backend.broker_port, settings.api_port)
        outside = FlowPorts(self._screen, backend.post, self._relay, self._later)
        self.flow = Flow(settings, log, outside)
        self.commands = CommandServer(settings, log, self.act)

    async def run(self) -> int:
        """Live until something ends the process; its exit code."""
        tasks = [
            asyncio.create_task(self._pump()),
            asyncio.create_task(self._backend.run(lambda m: self._put("receive", m))),
            asyncio.create_task(self._nightly()),
            asyncio.create_task(self._handle()),
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except ExitProcess as end:
            return end.code
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._relay.close()
        return 0

    def act(self, verb: str) -> list[str]:
        """Carry out a command of the command server; the answer, empty when unknown."""
        if verb == "STOP":
            self._put("stop")
            return ["OK Shutting down: STOP command"]
        if verb in ("RESTART", "PAUSE"):
            return self._restart_later(verb)
        if verb in RECONNECTS:
            self._log.line("Getting main window")
            self._log.line("Main window already found")
            return ["OK "]
        return NOT_HERE.get(verb, [])

    def _restart_later(self, verb: str) -> list[str]:
        log, now = self._log, dt.datetime.now(dt.UTC)
        log.line(f"RestartTask: pauseOnly = {str(verb == 'PAUSE').lower()}")
        log.line(f"RestartTask: verb = {verb}")
        log.line("Getting main window")
        log.line("Main window already found")
        at = autorestart.next_minute(now)
        shown = f"{at.astimezone():%I:%M %p}"
        log.line(f"Setting auto-restart time to {shown}")
        if verb == "PAUSE":
            (self._settings.flags_dir / f"PAUSE{self._settings.session_id}").touch()
        wait = self._settings.restart_seconds
        seconds = (at - now).total_seconds() if wait is None else wait
        self._later(seconds, "restart")
        if self.flow.state == "LOGGED_IN":
            self._put("restart_at", shown)
        return [f"OK {verb} in progress", f"OK {verb} at {shown}"]

    async def _handle(self) -> None:
        flow = self.flow
        steps: dict[str, Callable[..., Awaitable[None]]] = {
            "click": flow.clicked,
            "button": flow.button,
            "receive": flow.receive,
            "autofill": self._autofill,
            "restart": self._restart,
            "restart_at": flow.restart_at,
            "stop": self._stop,
        }
        await flow.begin()
        while True:
            name, arguments = await self._queue.get()
            await steps[name](*arguments)

    async def _autofill(self) -> None:
        if self.flow.state == "LOGGED_OUT":
            await self.flow.autofill()

    async def _restart(self) -> None:
        if self.flow.state == "LOGGED_IN":
            await self.flow.restart()

    async def _stop(self) -> None:
        log = self._log
        if self.flow.state != "LOGGED_IN":
            self.commands.close()
            log.line("Login has not completed: exiting immediately")
            raise ExitProcess(0)
        log.line("Login has completed: exiting via [File, Close] menu")
        log.line("Getting main window")
        log.line("Main window already found")
        log.event(NOTICE, "Opened")
        log.line("Click button: Yes")
        log.event(NOTICE, "Closed")
        log.event(SHUTDOWN, "Opened")
        self._screen.dialog(SHUTDOWN[1], "Closing...", [])
        self.commands.close()
        log.focus(SHUTDOWN)
        raise ExitProcess(0)

    async def _pump(self) -> None:
        while True:
            self._screen.pump()
            await asyncio.sleep(FRAME_SECONDS)

    async def _nightly(self) -> None:
        """Restart at AutoRestartTime, in the zone of jts.ini, while logged in."""
        time = self._settings.restart_time
        if not time:
            await asyncio.Event().wait()
        while True:
            now = dt.datetime.now(dt.UTC)
            await asyncio.sleep(autorestart.seconds_until(time, self._settings.zone, now))
            self._put("restart")

    def _login(self, user: str, password: str) -> None:
        self._put("click", user, password)

    def _button(self, title: str, label: str) -> None:
        self._put("button", title, label)

    def _later(self, seconds: float, name: str) -> None:
        asyncio.get_running_loop().call_later(seconds, self._put, name)

    def _put(self, name: str, *arguments: Any) -> None:
        self._queue.put_nowait((name, arguments))


async def _run(settings: GatewaySettings) -> int:
    log = IbcLog(sys.stdout, lambda: dt.datetime.now().astimezone())
    banner.greet(settings, log)
    async with connected(settings) as backend:
        gateway = GatewayProcess(settings, log, backend)
        await gateway.commands.start()
        banner.announce(settings, log)
        return await gateway.run()


def main(arguments: list[str]) -> int:
    """Run the gateway; the process is called `java`, as what it stands in for."""
    settings = gateway_settings(arguments, os.environ)
    Path("/proc/self/comm").write_text("java", encoding="ascii")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
    return asyncio.run(_run(settings))
