"""Server-sent events out of the lines of a stream. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ibgateway.client.errors import UnreadableError
from ibgateway_api.executor_documents import (
    GateDocument,
    OrderChange,
    PauseDocument,
    RebalanceChange,
    StreamEnd,
)

_Known = OrderChange | RebalanceChange | GateDocument | PauseDocument | StreamEnd
EventData = _Known | Mapping[str, Any]
_KINDS: Final[dict[str, type[_Known]]] = {
    "order": OrderChange,
    "rebalance": RebalanceChange,
    "gate": GateDocument,
    "pause": PauseDocument,
    "closed": StreamEnd,
}
CLOSED: Final = "closed"
LONGEST_NUMBER: Final = 19
"""Digits of an event's number: those of the ledger's largest."""


@dataclass(frozen=True)
class ExecutorEvent:
    """One event. `id` is where to go on from; `data` is a mapping where this version does not know the `name`."""

    id: int
    name: str
    data: EventData


class LineParser:
    """Takes lines, gives the name and the text of each event; `last` is the id of the last one, or where the stream began."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last
        self._name = ""
        self._data: list[str] = []

    def take(self, line: str) -> Iterator[tuple[str, str]]:
        """The event that ends with this line, if one does."""
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            yield from self._event()
        elif name == "id" and value.isdecimal() and len(value) <= LONGEST_NUMBER:
            self.last = int(value)
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)

    def reset(self) -> None:
        """The connection ended in the middle of an event, perhaps."""
        self._name, self._data = "", []

    def _event(self) -> Iterator[tuple[str, str]]:
        name, text = self._name, "\n".join(self._data)
        self.reset()
        if text:
            yield name, text


class EventParser:
    """Takes lines, gives the executor's events; `last` as the LineParser's."""

    def __init__(self, last: int | None = None) -> None:
        self._lines = LineParser(last)

    @property
    def last(self) -> int | None:
        """Where to go on from."""
        return self._lines.last

    def take(self, line: str) -> Iterator[ExecutorEvent]:
        """The event that ends with this line, if one does."""
        for name, text in self._lines.take(line):
            number = self.last or 0
            yield ExecutorEvent(number, name, _data(name, text, number))

    def reset(self) -> None:
        """The connection ended in the middle of an event, perhaps."""
        self._lines.reset()


def _data(name: str, text: str, number: int) -> EventData:
    kind = _KINDS.get(name)
    try:
        data: EventData = kind.model_validate_json(text) if kind else json.loads(text)
    except ValueError as error:
        raise UnreadableError(name, number) from error
    return data
