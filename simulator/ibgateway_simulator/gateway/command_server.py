"""IBC's command server: plain TCP, one command a line, `OK ...` or `ERROR ...` back.

Only loopback peers and those that ControlFrom names are let in. Log lines are IBC's.
"""

import asyncio
from collections.abc import Callable

from ibgateway_simulator.gateway.ibc_log import IbcLog
from ibgateway_simulator.gateway.settings import GatewaySettings

ENDS_CHANNEL = frozenset({"EXIT", "STOP", "RESTART", "PAUSE"})


class CommandServer:
    """Listens while IBC runs; `act` carries out a command and gives the lines to answer with."""

    def __init__(
        self, settings: GatewaySettings, log: IbcLog, *, act: Callable[[str], list[str]]
    ) -> None:
        self._settings = settings
        self._log = log
        self._act = act
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen if a port is configured."""
        port = int(self._settings.option("CommandServerPort", "0"))
        if not port:
            self._log.line("CommandServer is not started because the port is not configured")
            return
        self._log.line(f"CommandServer is starting with port {port}")
        address = self._settings.option("BindAddress")
        try:
            self._server = await asyncio.start_server(self._serve, address or None, port)
        except OSError as error:
            self._log.fault(f"CommandServer failed to create socket: {error.strerror}")
            return
        self._log.line(f"CommandServer listening on address: {address or '0.0.0.0'} port: {port}")  # noqa: S104 -- a log line
        self._log.line("CommandServer started and is ready to accept commands")

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._log.line("CommandServer closing")
            self._server.close()
            self._log.line("CommandServer is shutdown")
            self._server = None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = str(writer.get_extra_info("peername")[0])
        allowed = self._settings.option("ControlFrom")
        self._log.line(f"CommandServer: ControlFrom setting = {allowed}")
        try:
            if not self._may(peer, allowed):
                self._log.fault(f"CommandServer denied access to: /{peer}")
                return
            self._log.line(f"CommandServer accepted connection from: /{peer}")
            while line := await reader.readline():
                if not await self._obey(line.decode("utf-8", "replace").strip(), writer):
                    break
        except ConnectionError:
            return
        finally:
            self._log.line("Closing command channel")
            writer.close()

    async def _obey(self, command: str, writer: asyncio.StreamWriter) -> bool:
        self._log.line(f"CommandServer received command: {command}")
        verb = command.upper()
        if verb == "EXIT":
            return False
        answers = self._act(verb)
        if not answers:
            self._log.fault(f"CommandServer: invalid command received: {command}")
            answers = ["ERROR Command invalid"]
        writer.write("".join(f"{answer}\n" for answer in answers).encode())
        await writer.drain()
        return verb not in ENDS_CHANNEL

    @staticmethod
    def _may(peer: str, allowed: str) -> bool:
        names = {name.strip() for name in allowed.split(",") if name.strip()}
        return peer.startswith("127.") or peer == "::1" or peer in names
