"""Whose turn it is to push, of the gateways of each person: nobody is compared with everybody.

An index by person, kept up to date by the look at each gateway. What must outlive the operator is in the
gateways' statuses, from which it is begun anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any, TypeVar

from ibgateway_api.names import Key

V = TypeVar("V")


class TurnRank(IntEnum):
    """Who goes first."""

    PERSON = 0
    """Somebody asked for it, and stands there with a phone."""
    PLANNED = 1
    """The week, or a start that nobody asked for."""


@dataclass(frozen=True)
class WaitingPush:
    """A push that waits to be sent, and since when."""

    rank: TurnRank
    since: datetime


@dataclass(frozen=True)
class Turn:
    """One push that may be sent: its name, and until when its attempt may begin."""

    id: str
    until: datetime


@dataclass(frozen=True)
class Place:
    """Where a gateway stands: `ahead` is whom it waits for, None where it may push or wants nothing.

    `shared`: its person has other gateways too. `free_at`: when the push that is ahead is over at the latest.
    """

    shared: bool = False
    turn: Turn | None = None
    ahead: Key | None = None
    free_at: datetime | None = None


@dataclass
class PersonQueue:
    """The gateways of one person: all, those that wait, and those whose push may wait at the person, until when."""

    members: set[Key] = field(default_factory=set)
    waiting: dict[Key, WaitingPush] = field(default_factory=dict)
    holding: dict[Key, datetime] = field(default_factory=dict)

    def ahead_of(self, key: Key, now: datetime) -> Key | None:
        """Whom it waits for: the next before it in the queue, else whose push may wait now."""
        push = self.waiting.get(key)
        if push is None:
            return None
        before = [
            k
            for k, w in self.waiting.items()
            if (w.rank, w.since, k) < (push.rank, push.since, key)
        ]
        if before:
            return max(before, key=lambda k: (self.waiting[k].rank, self.waiting[k].since, k))
        return next((k for k in sorted(self.holding) if k != key and now < self.holding[k]), None)

    def free_at(self, key: Key) -> datetime | None:
        """When no other push of this person can wait any more."""
        return max((until for k, until in self.holding.items() if k != key), default=None)


@dataclass
class Turns:
    """The queue of every person. `begun`: what the statuses remember has been read."""

    begun: bool = False
    _person: dict[Key, str] = field(default_factory=dict)
    _queues: dict[str, PersonQueue] = field(default_factory=dict)

    def begin(self, bodies: Iterable[Mapping[str, Any]], hold: timedelta) -> None:
        """Read from stored IBGateways who waits and whose push may wait; once for each operator."""
        for body in bodies:
            key = Key(body["metadata"]["namespace"], body["metadata"]["name"])
            status = body.get("status") or {}
            turn = status.get("turn") or {}
            person, since = str(turn.get("person") or ""), _time(turn.get("since"))
            until = _time(turn.get("until"))
            push = WaitingPush(TurnRank.PLANNED, since) if since and not until else None
            waits = _time((status.get("login") or {}).get("deadline"))
            held = max((t for t in (until and until + hold, waits) if t), default=None)
            self.see(key, person, push=push, held_until=held)
        self.begun = True

    def see(
        self, key: Key, person: str, *, push: WaitingPush | None, held_until: datetime | None
    ) -> set[Key]:
        """What was seen of one gateway; gives those of its person that must look again."""
        changed = self.forget(key) if self._person.get(key, person) != person else set()
        if not person:
            return changed
        queue = self._queues.setdefault(person, PersonQueue())
        before = (key in queue.members, queue.waiting.get(key), queue.holding.get(key))
        self._person[key] = person
        queue.members.add(key)
        _put(queue.waiting, key, push)
        _put(queue.holding, key, held_until)
        if before != (True, push, held_until):
            changed |= _concerned(queue, joined=not before[0]) - {key}
        return changed

    def place(self, key: Key, now: datetime, turn: Turn | None) -> Place:
        """Where it stands; `turn` is the one that it has."""
        queue = self._queues.get(self._person.get(key, ""))
        if queue is None:
            return Place()
        ahead = None if turn else queue.ahead_of(key, now)
        free_at = queue.free_at(key) if ahead else None
        return Place(len(queue.members) > 1, turn, ahead, free_at)

    def may_push(self, key: Key, now: datetime) -> bool:
        """Whether it wants to, and neither waits for anybody."""
        queue = self._queues.get(self._person.get(key, ""))
        return queue is not None and key in queue.waiting and queue.ahead_of(key, now) is None

    def forget(self, key: Key) -> set[Key]:
        """The gateway is gone, and holds up nobody; gives those that must look again."""
        person = self._person.pop(key, "")
        queue = self._queues.get(person)
        if queue is None:
            return set()
        queue.members.discard(key)
        queue.waiting.pop(key, None)
        queue.holding.pop(key, None)
        if not queue.members:
            del self._queues[person]
        return _concerned(queue, joined=True)

    def clear(self) -> None:
        """Another operator keeps them now."""
        self.begun = False
        self._person.clear()
        self._queues.clear()


def _concerned(queue: PersonQueue, *, joined: bool) -> set[Key]:
    """Who waits; and where the first two meet or the last two part, both: their settings say so."""
    return set(queue.members) if joined and len(queue.members) <= 2 else set(queue.waiting)


def _put(values: dict[Key, V], key: Key, value: V | None) -> None:
    if value is None:
        values.pop(key, None)
    else:
        values[key] = value


def _time(text: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return at.astimezone(UTC) if at.tzinfo else None
