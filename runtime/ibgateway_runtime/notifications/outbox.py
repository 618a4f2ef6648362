"""Messages that wait to be sent, and how each address does. Pure but for its own state; times come in.

An address that takes nothing waits longer and longer by itself and holds up no other. `due` and `again_at` are
monotonic seconds; `expires` is of the wall clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ibgateway_api.notifications import Message, Severity, Subject
from ibgateway_runtime.backoff import backoff

FIRST_RETRY_SECONDS: Final = 5.0
LONGEST_RETRY_SECONDS: Final = 900.0
LONGEST_CRITICAL_SECONDS: Final = 60.0
"""While something critical waits an address is tried at least this often: a push has three minutes."""
OLDEST: Final = timedelta(days=1)
"""After that a message is given up: its episode is told again anyway."""
MOST_WAITING: Final = 50


@dataclass(eq=False)
class Entry:
    """A message that waits, and the addresses that have taken it."""

    message: Message
    due: float
    taken_by: set[str] = field(default_factory=set)
    tried: bool = False


@dataclass
class Mailbox:
    """How an address does: failures in a row, when to try again, why the last try failed and since when."""

    failures: int = 0
    again_at: float = float("-inf")
    busy: bool = False
    why: str = ""
    failing_since: datetime | None = None


class Outbox:
    """What waits for whom."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.mailboxes: dict[str, Mailbox] = {}

    def add(self, message: Message, now: float, batch_seconds: float) -> int:
        """Keep a message; a critical one waits for nothing. Gives how many were given up to make room."""
        critical = message.severity is Severity.CRITICAL
        self.entries.append(Entry(message, now if critical else now + batch_seconds))
        if critical:
            for mailbox in self.mailboxes.values():
                mailbox.again_at = min(mailbox.again_at, now)
        dropped = len(self.entries) - MOST_WAITING
        self.entries = self.entries[-MOST_WAITING:]
        return max(dropped, 0)

    def withdraw(self, subject: Subject) -> bool:
        """Take back what was not tried yet of a subject that is fine again; whether something of it was tried."""
        self.entries = [e for e in self.entries if e.tried or e.message.subject is not subject]
        return any(entry.message.subject is subject for entry in self.entries)

    def has_end(self, subject: Subject) -> bool:
        """Whether an episode's end waits to be told."""
        ends = (entry.message for entry in self.entries if entry.message.episode is None)
        return any(message.subject is subject for message in ends)

    def drop_old(self, now: datetime) -> int:
        """Give up what is of no use any more; how many that were."""
        kept = [entry for entry in self.entries if not _old(entry, now)]
        dropped = len(self.entries) - len(kept)
        self.entries = kept
        return dropped

    def address(self, addresses: Sequence[str]) -> None:
        """From now on these are the addresses. What one that is gone has not taken waits for the others."""
        for address in addresses:
            self.mailboxes.setdefault(address, Mailbox())
        for address in [known for known in self.mailboxes if known not in addresses]:
            del self.mailboxes[address]
        self._forget_taken()

    def ready(self, address: str, now: float) -> list[Entry]:
        """What goes to this address now, in one letter: everything that waits for it once anything is due."""
        mailbox, waiting = self.mailboxes[address], self._waiting(address)
        due = any(entry.due <= now for entry in waiting)
        return waiting if due and not mailbox.busy and mailbox.again_at <= now else []

    def next_due(self) -> float | None:
        """When the next letter may go (monotonic seconds); None while none can."""
        moments = [
            max(min(entry.due for entry in waiting), mailbox.again_at)
            for address, mailbox in self.mailboxes.items()
            if not mailbox.busy and (waiting := self._waiting(address))
        ]
        return min(moments, default=None)

    def sending(self, address: str, entries: Sequence[Entry]) -> None:
        """A letter is on its way: no other goes to this address meanwhile."""
        self.mailboxes[address].busy = True
        for entry in entries:
            entry.tried = True

    def taken(self, address: str, entries: Sequence[Entry]) -> list[Message]:
        """The address took them. Gives those that nobody had taken before: they are told now."""
        self.mailboxes[address] = Mailbox()
        first = [entry.message for entry in entries if not entry.taken_by]
        for entry in entries:
            entry.taken_by.add(address)
        self._forget_taken()
        return first

    def failed(self, address: str, why: str, *, now: float, at: datetime) -> None:
        """The address took nothing; it is tried again later."""
        before = self.mailboxes.get(address)
        if before is None:
            return
        critical = any(
            entry.message.severity is Severity.CRITICAL for entry in self._waiting(address)
        )
        longest = LONGEST_CRITICAL_SECONDS if critical else LONGEST_RETRY_SECONDS
        pause = backoff(before.failures, first=FIRST_RETRY_SECONDS, longest=longest)
        since = before.failing_since or at
        self.mailboxes[address] = Mailbox(
            before.failures + 1, now + pause, why=why, failing_since=since
        )

    def _waiting(self, address: str) -> list[Entry]:
        return [entry for entry in self.entries if address not in entry.taken_by]

    def _forget_taken(self) -> None:
        if self.mailboxes:
            self.entries = [e for e in self.entries if not self.mailboxes.keys() <= e.taken_by]


def _old(entry: Entry, now: datetime) -> bool:
    expires = entry.message.expires
    return (expires is not None and now >= expires) or now - entry.message.at >= OLDEST
