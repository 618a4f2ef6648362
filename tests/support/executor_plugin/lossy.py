"""A way to a port on which answers are lost: what was asked arrives, and the connection ends when the answer comes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from tcp_pipes import PipedPort


class LossyWay:
    """`port` leads to `to`; the answers of the next `losses` connections never arrive."""

    def __init__(self, to: int, losses: int) -> None:
        self.losses = losses
        self.lost = 0
        self._to = to
        self._front = PipedPort(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._front.port

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator["LossyWay"]:
        """Listen until the block ends."""
        async with self._front.listening():
            yield self

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._to)
        loses = self.losses > 0
        self.losses -= loses
        self._front.carry(reader, back)
        self._front.carry(there, writer, until_answer=self._count if loses else None)

    def _count(self) -> None:
        self.lost += 1
