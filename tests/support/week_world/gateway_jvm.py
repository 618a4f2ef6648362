"""The simulator's own Gateway under IBC in one process with its IBKR: its lines, its windows, its logins."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from datetime import datetime

from aiohttp import WSMessage, WSMsgType

from ibgateway_simulator.gateway import banner, process
from ibgateway_simulator.gateway.autorestart import seconds_until
from ibgateway_simulator.gateway.command_server import CommandServer
from ibgateway_simulator.gateway.ibc_commands import IbcCommands
from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.inputs import (
    GatewayInputs,
    LineChanged,
    LoginPressed,
    NoticeReceived,
    RestartDue,
)
from ibgateway_simulator.gateway.login_flow import LoginFlow
from ibgateway_simulator.gateway.process import GatewayProcess
from ibgateway_simulator.gateway.settings import ApiSettings, GatewaySettings
from ibgateway_simulator.ibkr.gateway_link import GatewayChannel
from ibgateway_simulator.ibkr.gateway_messages import GatewayMessage
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr

ATTENTION = 25.0
"""So many seconds before a nightly restart everybody looks."""


class QuietScreen:
    """A display that nobody looks at; IBC presses the login button."""

    def __init__(self, inputs: GatewayInputs) -> None:
        self._inputs = inputs
        self._typed = ("", "")

    def show_login(self) -> None: ...

    def fill(self, user: str, password: str) -> None:
        self._typed = (user, password)

    def press_login(self) -> None:
        self._inputs.put(LoginPressed(*self._typed))

    def splash(self, text: str) -> None: ...

    def dialog(self, title: str, text: str, buttons: list[str]) -> None: ...

    def close_dialog(self, title: str) -> None: ...

    def settings(self, title: str, shown: ApiSettings) -> None: ...

    def close_settings(self) -> None: ...

    def show_main(self, *lines: str) -> None: ...


class ApiPortOfSession:
    """The API's port: for which session it is open, empty while it is closed."""

    def __init__(self) -> None:
        self.session = ""

    async def open(self, session: str) -> None:
        self.session = session

    def close(self) -> None:
        self.session = ""


class LineInMemory:
    """The gateway's WebSocket to IBKR, as IBKR's side holds it."""

    def __init__(self, inputs: GatewayInputs) -> None:
        self._inputs = inputs
        self._sent: asyncio.Queue[GatewayMessage] = asyncio.Queue()

    def post(self, message: GatewayMessage) -> None:
        """The gateway sends."""
        self._sent.put_nowait(message)

    async def send_json(self, data: GatewayMessage) -> None:
        """IBKR sends."""
        self._inputs.put(NoticeReceived(data))

    async def __aiter__(self) -> AsyncIterator[WSMessage]:
        while True:
            text = json.dumps(await self._sent.get())
            yield WSMessage(WSMsgType.TEXT, text, None)


class GatewayJvm:
    """One life of the Gateway under IBC."""

    def __init__(
        self,
        settings: GatewaySettings,
        log: IbcLog,
        *,
        ibkr: SimulatedIbkr,
        now: Callable[[], datetime],
        nights: Callable[[], bool],
        nears: Callable[[], None],
    ) -> None:
        self._settings, self._log, self._ibkr, self._now = settings, log, ibkr, now
        self._nights, self._nears = nights, nears
        self._inputs = GatewayInputs()
        self._line = LineInMemory(self._inputs)
        self.api = ApiPortOfSession()
        self._flow = LoginFlow(
            settings,
            log,
            screen=QuietScreen(self._inputs),
            api=self.api,
            post=self._line.post,
            later=self._inputs.later,
            now=now,
        )
        self._acts = IbcCommands(
            settings, log, inputs=self._inputs, state=self._flow.state, now=now
        )

    async def run(self) -> int:
        """Its exit code."""
        commands = CommandServer(self._settings, self._log, act=self.act)
        gateway = GatewayProcess(
            self._log,
            flow=self._flow,
            inputs=self._inputs,
            screen=QuietScreen(self._inputs),
            commands=commands,
        )
        banner.announce(self._settings, self._log)
        channel = GatewayChannel(self._ibkr, self._line, self._settings.name)
        self._ibkr.gateways.add(channel)
        self._inputs.put(LineChanged(up=True))
        nightly = self._restarts()
        try:
            return await process._until_exit(channel.serve(), nightly, gateway.run())
        finally:
            self.api.close()
            self._ibkr.gateways.discard(channel)

    async def _restarts(self) -> None:
        """The nightly restart; `nights` says whether this night is told."""
        settings = self._settings
        while True:
            wait = seconds_until(settings.restart_time, settings.zone, self._now())
            told = self._nights()
            if told and wait > ATTENTION:
                await asyncio.sleep(wait - ATTENTION)
                self._nears()
                wait = ATTENTION
            await asyncio.sleep(wait)
            if told:
                self._inputs.put(RestartDue())

    def act(self, verb: str) -> list[str]:
        """IBC's command server."""
        return self._acts.act(verb)
