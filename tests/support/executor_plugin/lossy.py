"""A way to a port on which answers are lost: what was asked arrives, and the connection ends when the answer comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator


class LossyWay:
    """`port` leads to `to`; the answers of the next `losses` connections never arrive."""

    def __init__(self, to: int, losses: int) -> None:
        self.losses = losses
        self.lost = 0
        self._to = to
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["LossyWay"]:
        """Listen until the block ends."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield self
        finally:
            self._server.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        loses = self.losses > 0
        self.losses -= loses
        for each in (self._pipe(reader, back), self._answers(there, writer, loses=loses)):
            task = asyncio.create_task(each)
            self._pipes.add(task)
            task.add_done_callback(self._pipes.discard)

    async def _answers(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, loses: bool
    ) -> None:
        if loses and await source.read(1):
            self.lost += 1
            sink.close()
            return
        await self._pipe(source, sink)

    async def _pipe(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            with contextlib.suppress(OSError):
                while data := await source.read(65536):
                    sink.write(data)
        finally:
            sink.close()
