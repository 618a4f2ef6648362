"""What a user asked of the API server between two moments, from its audit log."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

WRITES: Final = frozenset({"create", "patch", "update", "delete", "deletecollection"})


@dataclass(frozen=True)
class Request:
    """One request; `at` and `answered` are wall seconds."""

    at: float
    answered: float
    verb: str
    resource: str
    code: int

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.verb in WRITES


def requests(log: Path, user: str, begin: float, end: float) -> list[Request]:
    """A user's requests that were received in this time; of a watch only its start."""
    found = (_request(entry) for entry in _entries(log, user))
    return [each for each in found if each and begin <= each.at <= end]


def table(made: Iterable[Request]) -> dict[str, int]:
    """How often each verb, resource and answer."""
    counted = Counter(f"{each.verb} {each.resource} {each.code}" for each in made)
    return dict(counted.most_common())


def _entries(log: Path, user: str) -> Iterator[dict[str, Any]]:
    needle = f'"username":"{user}"'
    with log.open() as lines:
        for line in lines:
            if needle in line and line.endswith("\n"):
                yield json.loads(line)


def _request(entry: dict[str, Any]) -> Request | None:
    if entry["verb"] == "watch" and entry["stage"] != "ResponseStarted":
        return None
    what = entry.get("objectRef") or {}
    resource = "/".join(filter(None, (what.get("resource", "-"), what.get("subresource"))))
    return Request(
        at=_seconds(entry["requestReceivedTimestamp"]),
        answered=_seconds(entry["stageTimestamp"]),
        verb=entry["verb"],
        resource=resource,
        code=int((entry.get("responseStatus") or {}).get("code", 0)),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()
