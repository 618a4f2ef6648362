"""Small servers that take messages as the real ones do."""

import asyncio
import contextlib
import email
import email.policy
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """A message as it came in, and who said to send it."""

    title: str
    body: str
    raw: str
    user: str = ""


@dataclass
class Receiver:
    """What came in; `answers` is its HTTP status, 0 for none at all: it hangs."""

    port: int = 0
    answers: int = 200
    asked: int = 0
    messages: list[Received] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    def take(self, message: Received) -> None:
        self.messages.append(message)
        self.changed.set()

    async def until(self, wanted: Callable[[list[Received]], bool], limit: float = 30) -> None:
        """Wait until the messages are as wanted."""
        async with asyncio.timeout(limit):
            while not wanted(self.messages):
                self.changed.clear()
                await self.changed.wait()

    async def titles(self, count: int) -> list[str]:
        """The titles, once there are so many."""
        await self.until(lambda messages: len(messages) >= count)
        return [message.title for message in self.messages]


@contextlib.asynccontextmanager
async def _http(path: str, read: Callable[[str, str], Received]) -> AsyncIterator[Receiver]:
    receiver = Receiver()
    hanging = asyncio.Event()

    async def post(request: web.Request) -> web.Response:
        receiver.asked += 1
        receiver.changed.set()
        text = await request.text()
        if receiver.answers == 0:
            await hanging.wait()
        if receiver.answers < 300:
            receiver.take(read(text, request.headers.get("Authorization", "")))
        return web.json_response({"id": "1"}, status=receiver.answers or 503)

    app = web.Application()
    app.add_routes([web.post(path, post)])
    runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.port = runner.addresses[0][1]
    try:
        yield receiver
    finally:
        hanging.set()
        await runner.cleanup()


def ntfy() -> contextlib.AbstractAsyncContextManager[Receiver]:
    """ntfy's publish as JSON: a topic, a title and a message, posted to the root."""

    def read(text: str, user: str) -> Received:
        sent = json.loads(text)
        assert sent["topic"]
        return Received(sent.get("title", ""), sent["message"], text, user)

    return _http("/", read)


def webhook() -> contextlib.AbstractAsyncContextManager[Receiver]:
    """Somebody's own endpoint, as apprise's json:// speaks to it."""

    def read(text: str, user: str) -> Received:
        sent = json.loads(text)
        return Received(sent["title"], sent["message"], text, user)

    return _http("/hook", read)


@contextlib.asynccontextmanager
async def smtp() -> AsyncIterator[Receiver]:
    """A mail server without TLS that takes what is sent to it."""
    receiver = Receiver()
    sessions: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        sessions.add(task)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await _mail(receiver, reader, writer)
        writer.close()
        sessions.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.port = server.sockets[0].getsockname()[1]
    try:
        yield receiver
    finally:
        server.close()
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)


async def _mail(
    receiver: Receiver, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One session of a client."""
    writer.write(b"220 localhost\r\n")
    while line := (await reader.readline()).decode().strip():
        verb = line.split(" ")[0].upper()
        if verb == "DATA":
            writer.write(b"354 go on\r\n")
            text = (await reader.readuntil(b"\r\n.\r\n")).decode()
            receiver.take(_read_mail(text.removesuffix("\r\n.\r\n")))
        elif verb == "QUIT":
            writer.write(b"221 bye\r\n")
            return
        writer.write(b"250 localhost\r\n" if receiver.answers < 300 else b"451 not now\r\n")
        await writer.drain()


def _read_mail(text: str) -> Received:
    mail = email.message_from_string(text, policy=email.policy.default)
    body = mail.get_body(("plain", "html"))
    assert body is not None
    return Received(str(mail["Subject"]), str(body.get_content()).strip(), text)
