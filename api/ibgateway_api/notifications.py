"""What people outside the cluster are told, and when: one message an episode, a daily repeat, a resolved one. Pure.

A program reads each `Subject` that is its own: a `Concern`, `Fine`, or None while it can't tell yet. `step` folds a
reading into the subject's episode. The sentinel and the operator have different subjects, so nothing is told twice.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

REPEAT_AFTER: Final = timedelta(days=1)
MOST_REMEMBERED: Final = 64
"""Messages that an episode remembers: a week without a login has fewer pushes."""
LONGEST_TITLE: Final = 120
LONGEST_TEXT: Final = 1500
"""Characters of one letter; ntfy takes 4096 bytes, a Telegram message 4096 characters."""

_ACCOUNT: Final = re.compile(r"(?<![A-Za-z0-9])([A-Z]{1,3})[0-9]{3,12}(?![A-Za-z0-9])")
"""What an account id looks like (`fields.ACCOUNT_PATTERN`)."""


class Severity(StrEnum):
    """How much a message matters. Critical ones are sent at once, others together."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """0 for info to 2 for critical."""
        return list(Severity).index(self)


class Subject(StrEnum):
    """What a message is about; each has one episode at a time, and one program that tells of it."""

    GREETING = "Greeting"
    LOGIN = "Login"
    RESTART = "Restart"
    HANDOVER = "Handover"
    VOLUME = "Volume"
    CLOCK = "Clock"
    OPERATOR = "Operator"
    GATEWAY = "Gateway"
    SETUP = "Setup"
    EXECUTOR = "Executor"
    ORDERS = "Orders"
    REBALANCES = "Rebalances"
    BACKUP = "Backup"


SENTINEL_SUBJECTS: Final = frozenset(
    {
        Subject.GREETING,
        Subject.LOGIN,
        Subject.RESTART,
        Subject.HANDOVER,
        Subject.VOLUME,
        Subject.CLOCK,
        Subject.OPERATOR,
    }
)
OPERATOR_SUBJECTS: Final = frozenset(
    {
        Subject.GATEWAY,
        Subject.SETUP,
        Subject.EXECUTOR,
        Subject.ORDERS,
        Subject.REBALANCES,
        Subject.BACKUP,
    }
)


class Topic(StrEnum):
    """The messages; docs/notifications.md has each with its severity."""

    GREETING = "Greeting"
    RESTART_COMING = "RestartComing"
    RESTART_OVERDUE = "RestartOverdue"
    HANDOVER_PUSHES = "HandoverPushes"
    PUSH_WAITS = "PushWaits"
    PUSH_MISSED = "PushMissed"
    LOGIN_REJECTED = "LoginRejected"
    LOCKED_OUT = "LockedOut"
    TOKEN_EXPIRED = "TokenExpired"  # noqa: S105 - a topic, not a secret
    PERSON_NEEDED = "PersonNeeded"
    SESSION_CONFLICT = "SessionConflict"
    CONFLICT_BEFORE_CLOSE = "ConflictBeforeClose"
    LOGIN_PARKED = "LoginParked"
    CONNECTION_LOST = "ConnectionLost"
    API_UNRESPONSIVE = "ApiUnresponsive"
    NOT_LOGGED_IN = "NotLoggedIn"
    VOLUME_TROUBLE = "VolumeTrouble"
    CLOCK_SKEW = "ClockSkew"
    OPERATOR_AWAY = "OperatorAway"
    GATEWAY_SILENT = "GatewaySilent"
    SETUP_TROUBLE = "SetupTrouble"
    EXECUTOR_NOT_READY = "ExecutorNotReady"
    TRADING_PAUSED = "TradingPaused"
    ORDERS_IN_DOUBT = "OrdersInDoubt"
    REBALANCE_STUCK = "RebalanceStuck"
    BACKUP_FAILING = "BackupFailing"


SEVERITY: Final = {
    Topic.GREETING: Severity.INFO,
    Topic.RESTART_COMING: Severity.INFO,
    Topic.RESTART_OVERDUE: Severity.CRITICAL,
    Topic.HANDOVER_PUSHES: Severity.WARNING,
    Topic.PUSH_WAITS: Severity.CRITICAL,
    Topic.PUSH_MISSED: Severity.CRITICAL,
    Topic.LOGIN_REJECTED: Severity.CRITICAL,
    Topic.LOCKED_OUT: Severity.CRITICAL,
    Topic.TOKEN_EXPIRED: Severity.WARNING,
    Topic.PERSON_NEEDED: Severity.CRITICAL,
    Topic.SESSION_CONFLICT: Severity.WARNING,
    Topic.CONFLICT_BEFORE_CLOSE: Severity.CRITICAL,
    Topic.LOGIN_PARKED: Severity.CRITICAL,
    Topic.CONNECTION_LOST: Severity.WARNING,
    Topic.API_UNRESPONSIVE: Severity.WARNING,
    Topic.NOT_LOGGED_IN: Severity.WARNING,
    Topic.VOLUME_TROUBLE: Severity.CRITICAL,
    Topic.CLOCK_SKEW: Severity.WARNING,
    Topic.OPERATOR_AWAY: Severity.WARNING,
    Topic.GATEWAY_SILENT: Severity.CRITICAL,
    Topic.SETUP_TROUBLE: Severity.WARNING,
    Topic.EXECUTOR_NOT_READY: Severity.CRITICAL,
    Topic.TRADING_PAUSED: Severity.INFO,
    Topic.ORDERS_IN_DOUBT: Severity.CRITICAL,
    Topic.REBALANCE_STUCK: Severity.CRITICAL,
    Topic.BACKUP_FAILING: Severity.WARNING,
}
"""Critical: only a person helps, or a deadline runs. Warning: it may pass by itself. Info: as planned."""

ANNOUNCEMENTS: Final = frozenset({Topic.GREETING, Topic.RESTART_COMING})
"""Told once: nothing to repeat, and nothing to resolve."""


@dataclass(frozen=True)
class Concern:
    """Something that people should hear of.

    `instance` tells one from the next of its topic: another one is told anew. Nothing is told before `told_from`, nor
    before the subject has been troubled for `patience`. After `expires` the message is of no use.
    """

    topic: Topic
    title: str
    text: str
    instance: str = ""
    told_from: datetime | None = None
    patience: timedelta = timedelta(0)
    expires: datetime | None = None


@dataclass(frozen=True)
class Fine:
    """Nothing is wrong; `title` and `text` are told where something was told before."""

    title: str
    text: str


Reading = Concern | Fine | None
"""How a subject stands; None while that can't be told: an episode neither begins nor ends then."""


@dataclass(frozen=True)
class Episode:
    """What was told of a subject since it was fine last: topics with their instance, and when the last was told."""

    told: tuple[str, ...]
    told_at: datetime
    announced_only: bool = False
    """Nothing but announcements: there is nothing to resolve."""


@dataclass(frozen=True)
class Message:
    """One message. `episode` is the subject's after it was told; None ends it."""

    subject: Subject
    topic: Topic | None
    severity: Severity
    title: str
    text: str
    at: datetime
    episode: Episode | None
    expires: datetime | None = None

    @property
    def resolves(self) -> bool:
        """Whether it tells that something is fine again."""
        return self.topic is None


@dataclass(frozen=True)
class Standing:
    """A subject as its program knows it: the episode, and since when it has not been fine."""

    episode: Episode | None = None
    troubled_since: datetime | None = None


@dataclass(frozen=True)
class Letter:
    """What goes out in one piece: one message, or several at once."""

    severity: Severity
    title: str
    body: str


def step(
    subject: Subject, reading: Reading, standing: Standing, *, now: datetime, minimum: Severity
) -> tuple[Standing, Message | None]:
    """The subject's standing after a reading, and what is to be told of it."""
    if isinstance(reading, Fine):
        return Standing(), _resolved(subject, reading, standing.episode, now)
    troubled = replace(standing, troubled_since=standing.troubled_since or now)
    if reading is None or not _to_be_told(reading, troubled, now, minimum):
        return troubled, None
    message = _opened(subject, reading, standing.episode, now)
    return replace(troubled, episode=message.episode), message


def _resolved(
    subject: Subject, fine: Fine, episode: Episode | None, now: datetime
) -> Message | None:
    """Told where its beginning was, whatever the least severity is."""
    if episode is None or episode.announced_only:
        return None
    return Message(subject, None, Severity.INFO, fine.title, fine.text, now, episode=None)


def _to_be_told(concern: Concern, standing: Standing, now: datetime, minimum: Severity) -> bool:
    since, episode = standing.troubled_since or now, standing.episode
    early = concern.told_from is not None and now < concern.told_from
    if early or now - since < concern.patience or SEVERITY[concern.topic].rank < minimum.rank:
        return False
    if episode is None or not is_told(concern, episode):
        return True
    return concern.topic not in ANNOUNCEMENTS and now - episode.told_at >= REPEAT_AFTER


def is_told(concern: Concern, episode: Episode | None) -> bool:
    """Whether this very concern was told in the episode."""
    return episode is not None and _name(concern) in episode.told


def _opened(subject: Subject, concern: Concern, before: Episode | None, now: datetime) -> Message:
    told = before.told if before else ()
    repeats = is_told(concern, before)
    names = told if repeats else (*told, _name(concern))[-MOST_REMEMBERED:]
    only = concern.topic in ANNOUNCEMENTS and (before is None or before.announced_only)
    return Message(
        subject,
        concern.topic,
        SEVERITY[concern.topic],
        f"{concern.title} (still)" if repeats else concern.title,
        concern.text,
        now,
        Episode(names, now, announced_only=only),
        concern.expires,
    )


def _name(concern: Concern) -> str:
    return f"{concern.topic}/{concern.instance}" if concern.instance else str(concern.topic)


def letter(messages: Sequence[Message], gateway: str) -> Letter:
    """One letter of one or more messages about a gateway; the most severe gives the title."""
    first = max(messages, key=lambda message: message.severity.rank)
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    parts = [m.text if len(messages) == 1 else f"{m.title}\n{m.text}" for m in messages]
    return Letter(
        first.severity,
        _bounded(without_accounts(f"{gateway}: {first.title}{more}"), LONGEST_TITLE),
        _bounded(without_accounts("\n\n".join(parts)), LONGEST_TEXT),
    )


def without_accounts(text: str) -> str:
    """The text with every account id cut to its first letters: it leaves the cluster."""
    return _ACCOUNT.sub(r"\1...", text)


def _bounded(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 4]} ..."


def local_time(at: datetime, time_zone: str) -> str:
    """A moment as a person reads it: `Sunday 09:03:20 (Europe/Berlin)`."""
    return f"{at.astimezone(ZoneInfo(time_zone)):%A %H:%M:%S} ({time_zone})"
