"""The Gateway's API port: open only while somebody is logged in, piped to the broker.

Each accepted connection gets one of its own at the broker, with the session named in a first
line of JSON. A reset on one side becomes a reset on the other.
"""

import asyncio
import contextlib
import json

from ibgateway_simulator.tws import stream


class Relay:
    """Listens on 127.0.0.1 for one session at a time."""

    def __init__(self, host: str, broker_port: int, api_port: int) -> None:
        self._broker = (host, broker_port)
        self._port = api_port
        self._session = ""
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where it listens; 0 while it does not and was given no port."""
        if self._server is None:
            return self._port
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def open(self, session: str) -> None:
        """Accept connections for this session."""
        self._session = session
        if self._server is None:
            self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)

    def close(self) -> None:
        """Stop listening and reset every connection."""
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            stream.reset(writer)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, back = await asyncio.open_connection(*self._broker)
        except OSError:
            stream.reset(writer)
            return
        self._writers |= {writer, back}
        try:
            back.write(json.dumps({"session": self._session}).encode() + b"\n")
            await asyncio.gather(_pipe(reader, back), _pipe(there, writer))
        finally:
            self._writers -= {writer, back}
            for end in (writer, back):
                end.close()


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except (ConnectionError, OSError):
        stream.reset(sink)
        return
    with contextlib.suppress(OSError, RuntimeError):
        sink.close()
