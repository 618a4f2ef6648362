"""A port of the test's own before another one: who connects is carried there and back, or is not, as its owner says."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final

CHUNK_BYTES: Final = 65536
OnAccept = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class PipedPort:
    """Listens on a port of the kernel's choice; `accept` decides about each connection, and may `carry` its bytes."""

    def __init__(self, accept: OnAccept) -> None:
        self._accept = accept
        self._pipes: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        assert self._server is not None
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Listen until the block ends; what is carried then ends too."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield
        finally:
            self._server.close()
            for pipe in self._pipes:
                pipe.cancel()
            await asyncio.gather(*self._pipes, return_exceptions=True)

    def carry(
        self,
        source: asyncio.StreamReader,
        sink: asyncio.StreamWriter,
        *,
        until_answer: Callable[[], None] | None = None,
    ) -> None:
        """Whatever comes from `source` goes to `sink`; with `until_answer` its first byte ends that and is told instead."""
        task = asyncio.create_task(_pipe(source, sink, until_answer))
        self._pipes.add(task)
        task.add_done_callback(self._pipes.discard)


async def _pipe(
    source: asyncio.StreamReader, sink: asyncio.StreamWriter, lost: Callable[[], None] | None
) -> None:
    try:
        with contextlib.suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if lost is not None:
                    lost()
                    return
                sink.write(data)
    finally:
        sink.close()
