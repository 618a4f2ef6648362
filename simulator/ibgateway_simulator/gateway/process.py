"""The process that run.sh starts in the JVM's place: IBC, its command server and the windows.

Everything is put together here, and here time and the environment enter. Exit codes are IBC's: 0 after
STOP, a restart or a yielded session; 76 without X at the start, 1 when X goes; 87 for a login that
stalls after its push. SIGTERM races with the loss of X: the real one ends with 1, 143 or 255.
"""

import asyncio
import datetime as dt
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path

from ibgateway_simulator.gateway import autorestart, banner
from ibgateway_simulator.gateway.command_server import CommandServer
from ibgateway_simulator.gateway.display_loss import leave_time_for_sigterm
from ibgateway_simulator.gateway.existing_session import IbcLoginState
from ibgateway_simulator.gateway.ibc_commands import IbcCommands
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.ibkr_link import IbkrLink, connected
from ibgateway_simulator.gateway.inputs import (
    AutofillDue,
    ButtonPressed,
    ExitDue,
    GatewayInput,
    GatewayInputs,
    LineChanged,
    LoginPressed,
    NoticeReceived,
    RestartDue,
    RestartTimeSet,
    SettingsApplied,
    SettingsClosed,
    SettingsRequested,
    StopRequested,
)
from ibgateway_simulator.gateway.login_flow import LoginFlow
from ibgateway_simulator.gateway.protocols import ExitProcess, GatewayScreen
from ibgateway_simulator.gateway.relay import Relay
from ibgateway_simulator.gateway.screen import LoginScreen, NoDisplayError
from ibgateway_simulator.gateway.settings import GatewaySettings, gateway_settings
from ibgateway_simulator.gateway.windows import NOTICE, SHUTDOWN

FRAME_SECONDS = 0.03
NO_DISPLAY_CODE = 1100


class GatewayProcess:
    """Takes one input after the other and hands it to the login flow, or stops."""

    def __init__(
        self,
        log: IbcLog,
        *,
        flow: LoginFlow,
        inputs: GatewayInputs,
        screen: GatewayScreen,
        commands: CommandServer,
    ) -> None:
        self._log = log
        self._flow = flow
        self._inputs = inputs
        self._screen = screen
        self._commands = commands

    async def run(self) -> None:
        """Handle inputs until one ends the process, by raising ExitProcess."""
        await self._flow.begin()
        while True:
            await self._handle(await self._inputs.next())

    async def _handle(self, item: GatewayInput) -> None:
        match item:
            case LoginPressed(user, password):
                await self._flow.clicked(user, password)
            case ButtonPressed(title, label):
                await self._flow.button(title, label)
            case NoticeReceived(message):
                await self._flow.receive(message)
            case LineChanged(up):
                await self._flow.line(up=up)
            case StopRequested():
                self._stop()
            case SettingsRequested() | SettingsApplied() | SettingsClosed():
                self._flow.by_hand.handle(item)
            case _:
                await self._due(item)

    async def _due(self, item: GatewayInput) -> None:
        match item:
            case AutofillDue():
                await self._flow.autofill_again()
            case ExitDue():
                self._flow.stalled()
            case RestartTimeSet(time):
                self._flow.set_restart_time(time)
            case RestartDue():
                await self._restart()

    async def _restart(self) -> None:
        if self._flow.state() is IbcLoginState.LOGGED_IN:
            await self._flow.restart()

    def _stop(self) -> None:
        log = self._log
        if self._flow.state() is not IbcLoginState.LOGGED_IN:
            self._commands.close()
            log.line("Login has not completed: exiting immediately")
            raise ExitProcess(0)
        log.line("Login has completed: exiting via [File, Close] menu")
        log.line("Getting main window")
        log.line("Main window already found")
        log.event(NOTICE, "Opened")
        log.line("Click button: Yes")
        log.event(NOTICE, "Closed")
        log.event(SHUTDOWN, "Opened")
        self._screen.dialog(SHUTDOWN.title, "Closing...", [])
        self._commands.close()
        log.focus(SHUTDOWN)
        raise ExitProcess(0)


async def _pump(screen: LoginScreen) -> None:
    while True:
        screen.pump()
        await asyncio.sleep(FRAME_SECONDS)


async def _nightly(
    settings: GatewaySettings, inputs: GatewayInputs, now: Callable[[], dt.datetime]
) -> None:
    """Restart at AutoRestartTime, in the zone of jts.ini, while logged in."""
    time = settings.restart_time
    if not time:
        await asyncio.Event().wait()
    while True:
        await asyncio.sleep(autorestart.seconds_until(time, settings.zone, now()))
        inputs.put(RestartDue())


async def _until_exit(*work: Coroutine[None, None, None]) -> int:
    """Do all of it at once until a part ends the process; its exit code."""
    tasks = [asyncio.create_task(part) for part in work]
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
    return 0


def _screen(settings: GatewaySettings, log: IbcLog, inputs: GatewayInputs) -> LoginScreen:
    try:
        return LoginScreen(
            settings.mode,
            on_login=lambda user, password: inputs.put(LoginPressed(user, password)),
            on_button=lambda title, label: inputs.put(ButtonPressed(title, label)),
            on_settings=inputs.put,
            api_port=settings.api_port,
        )
    except NoDisplayError as error:
        log.line(f"Exiting after error with exit code={NO_DISPLAY_CODE}: {error}")
        raise ExitProcess(NO_DISPLAY_CODE % 256) from None


async def _run_gateway(
    settings: GatewaySettings, log: IbcLog, *, ibkr: IbkrLink, now: Callable[[], dt.datetime]
) -> int:
    """One life of the Gateway; its exit code."""
    inputs = GatewayInputs()
    screen = _screen(settings, log, inputs)
    relay = Relay(ibkr.host, ibkr.broker_port, settings.api_port)
    flow = LoginFlow(
        settings, log, screen=screen, api=relay, post=ibkr.post, later=inputs.later, now=now
    )
    acts = IbcCommands(settings, log, inputs=inputs, state=flow.state, now=now)
    commands = CommandServer(settings, log, act=acts.act)
    process = GatewayProcess(log, flow=flow, inputs=inputs, screen=screen, commands=commands)
    await commands.start()
    banner.announce(settings, log)
    try:
        return await _until_exit(
            _pump(screen), ibkr.run(inputs.put), _nightly(settings, inputs, now), process.run()
        )
    finally:
        relay.close()


def _local_now() -> dt.datetime:
    return dt.datetime.now().astimezone()


async def _run(settings: GatewaySettings, environ: Mapping[str, str]) -> int:
    log = IbcLog(sys.stdout, _local_now)
    banner.greet(settings, log)
    async with connected(settings, environ) as ibkr:
        try:
            return await _run_gateway(settings, log, ibkr=ibkr, now=_local_now)
        except ExitProcess as end:
            return end.code


def main(arguments: list[str]) -> int:
    """Run the gateway; the process is called `java`, as what it stands in for."""
    settings = gateway_settings(arguments, os.environ)
    Path("/proc/self/comm").write_text("java", encoding="ascii")
    signal.signal(signal.SIGTERM, lambda *_: os._exit(settings.term_code))
    leave_time_for_sigterm()
    return asyncio.run(_run(settings, os.environ))
