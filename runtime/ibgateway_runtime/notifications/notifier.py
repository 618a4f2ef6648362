"""Tells people of one gateway: folds readings into messages, and sees to it that every address takes them.

What was told counts from the moment at which the first address has taken it: a program that starts again tells what
nobody has heard, and nothing twice but what was on its way.
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final, Protocol

from ibgateway_api.notifications import (
    Concern,
    Episode,
    Fine,
    Letter,
    Message,
    Reading,
    Severity,
    Standing,
    Subject,
    is_told,
    letter,
    step,
)
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.notifications.answers import FAILED, UNUSABLE
from ibgateway_runtime.notifications.outbox import Entry, Outbox

AWHILE: Final = timedelta(seconds=60)
"""An address that has failed for less is not worth a condition, unless it can't be one."""
LOOK_SECONDS: Final = 30.0
"""How often the addresses are looked at anew while something waits."""
_SCHEMA: Final = re.compile(r"([a-z][a-z0-9+]{1,15})://")

logger = logging.getLogger(__name__)


class Sending(Protocol):
    """What a courier does."""

    async def send(self, address: str, letter: Letter) -> str:
        """Why the letter was not taken; empty where it was."""
        ...

    async def check(self, address: str) -> str:
        """Why this can't be an address; empty where it can."""
        ...


@dataclass(frozen=True)
class Told:
    """What the notifier says of its work: what was told, and how many letters were taken, failed or given up."""

    keep: Callable[[Mapping[Subject, Episode]], None]
    count: Callable[[str], None]


class Notifier:
    """The messages of one gateway. `addresses` gives what its Secret has now; SettingsError says why it has none."""

    def __init__(
        self,
        gateway: str,
        *,
        courier: Sending,
        addresses: Callable[[], Sequence[str]],
        clock: Clock,
        on_told: Told,
        told: Mapping[Subject, Episode],
    ) -> None:
        self._gateway = gateway
        self._courier = courier
        self._addresses = addresses
        self._clock = clock
        self._on_told = on_told
        self.told = dict(told)
        self._standings = {subject: Standing(episode) for subject, episode in told.items()}
        self._early: set[Subject] = set()
        self._outbox = Outbox()
        self._listed: tuple[str, ...] = ()
        self._unlisted = ""
        self._woken = asyncio.Event()
        self._work: asyncio.Task[None] | None = None
        self._sends: set[asyncio.Task[None]] = set()

    def see(
        self, readings: Mapping[Subject, Reading], *, minimum: Severity, batch_seconds: float
    ) -> None:
        """How the subjects stand now: what has to be told of it is on its way when this returns."""
        now = self._clock.now()
        for subject, reading in readings.items():
            before = self._standings.get(subject, Standing())
            after, message = step(subject, reading, before, now=now, minimum=minimum)
            self._standings[subject] = after
            self._note_early(subject, reading, after)
            if isinstance(reading, Fine):
                message = self._worth_resolving(subject, message)
            if message is not None:
                logger.info("%s: telling people: %s", self._gateway, message.title)
                given_up = self._outbox.add(message, self._clock.monotonic(), batch_seconds)
                self._count("dropped", given_up)
                self._go_on()

    def _note_early(self, subject: Subject, reading: Reading, standing: Standing) -> None:
        """A concern that is not told yet may be, as soon as it has lasted."""
        if isinstance(reading, Concern) and not is_told(reading, standing.episode):
            self._early.add(subject)
        else:
            self._early.discard(subject)

    def _worth_resolving(self, subject: Subject, message: Message | None) -> Message | None:
        """Where nobody has heard of the beginning there is no end to tell. An end that waits already is told."""
        if message is None and self._outbox.has_end(subject):
            return None
        tried = self._outbox.withdraw(subject)
        if message is None and self.told.pop(subject, None) is not None:
            self._on_told.keep(self.told)
        return message if tried or subject in self.told else None

    def trouble(self) -> str:
        """Why messages are not delivered, in words that name no address; empty where they are."""
        if self._unlisted:
            return self._unlisted
        found = [
            words
            for number, address in enumerate(self._listed, start=1)
            if (words := self._failing(number, address))
        ]
        return "; ".join(found)

    def _failing(self, number: int, address: str) -> str:
        mailbox = self._outbox.mailboxes.get(address)
        since = mailbox.failing_since if mailbox else None
        if mailbox is None or since is None:
            return ""
        if mailbox.why != UNUSABLE and self._clock.now() - since < AWHILE:
            return ""
        return (
            f"address {number}{_kind(address)} has taken nothing since {_utc(since)}: {mailbox.why}"
        )

    async def check(self) -> None:
        """Look at the addresses as they are now: what can't be one is said before anything is to be sent."""
        if not self._look_at_addresses():
            return
        for address in self._listed:
            why = await self._courier.check(address)
            mailbox = self._outbox.mailboxes.get(address)
            if why == UNUSABLE and mailbox is not None and not mailbox.why:
                self._outbox.mailboxes[address] = replace(
                    mailbox, why=why, failing_since=self._clock.now()
                )

    def waits(self) -> bool:
        """Whether a message is on its way, or the clock alone may bring one."""
        return bool(self._outbox.entries or self._early)

    def stop(self) -> None:
        """Send no more."""
        for task in self._tasks():
            task.cancel()

    async def close(self) -> None:
        """Send no more, and wait until that is so."""
        tasks = self._tasks()
        self.stop()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [*self._sends, *([self._work] if self._work else [])]

    def _go_on(self) -> None:
        self._woken.set()
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._send_all())

    async def _send_all(self) -> None:
        """Until nothing waits any more."""
        while self._outbox.entries:
            self._woken.clear()
            self._count("dropped", self._outbox.drop_old(self._clock.now()))
            self._look_at_addresses()
            self._begin_sends()
            due = self._outbox.next_due()
            wait = LOOK_SECONDS if due is None else due - self._clock.monotonic()
            try:
                async with asyncio.timeout(min(max(wait, 0.0), LOOK_SECONDS)):
                    await self._woken.wait()
            except TimeoutError:
                continue

    def _look_at_addresses(self) -> bool:
        """Whether there are other ones than before."""
        try:
            found = tuple(dict.fromkeys(self._addresses()))
        except SettingsError as error:
            found, self._unlisted = (), str(error)
        else:
            self._unlisted = ""
        changed, self._listed = found != self._listed, found
        self._outbox.address(found)
        return changed

    def _begin_sends(self) -> None:
        for address in self._listed:
            entries = self._outbox.ready(address, self._clock.monotonic())
            if entries:
                self._outbox.sending(address, entries)
                task = asyncio.create_task(self._send(address, entries))
                self._sends.add(task)
                task.add_done_callback(self._sends.discard)

    async def _send(self, address: str, entries: list[Entry]) -> None:
        """One letter to one address. A receiver that hangs holds up nobody else."""
        sent = letter([entry.message for entry in entries], self._gateway)
        why = await self._hand_over(address, sent)
        if why:
            self._count("failed", 1)
            logger.warning("%s: a message was not taken: %s", self._gateway, why)
            now, at = self._clock.monotonic(), self._clock.now()
            self._outbox.failed(address, why, now=now, at=at)
        else:
            self._count("taken", 1)
            self._note(self._outbox.taken(address, entries))
        self._woken.set()

    async def _hand_over(self, address: str, sent: Letter) -> str:
        """Why it was not taken. A failure of our own counts as that, or nothing would go to this address any more."""
        try:
            return await self._courier.send(address, sent)
        except Exception as error:  # its words may be the address
            return f"{FAILED} ({type(error).__name__})"

    def _note(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if message.episode is None:
                self.told.pop(message.subject, None)
            else:
                self.told[message.subject] = message.episode
        if messages:
            self._on_told.keep(self.told)

    def _count(self, what: str, number: int) -> None:
        for _ in range(number):
            self._on_told.count(what)


def _kind(address: str) -> str:
    """Its schema, such as ` (ntfy)`; nothing where the text has none: it may be a secret alone."""
    found = _SCHEMA.match(address)
    return f" ({found[1]})" if found else ""


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
