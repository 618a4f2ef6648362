"""Lines of several containers, merged by time. Pure."""

import heapq
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple


class LogLine(NamedTuple):
    """A line, when the container wrote it (RFC 3339 as the kubelet has it), and whose it is."""

    at: str
    source: str
    text: str


@dataclass(frozen=True)
class LogSource:
    """A container whose log is read; `only` keeps the lines of a program of several gateways that speak of one."""

    name: str
    namespace: str
    pod: str
    container: str
    only: str = ""

    def lines(self, printed: Iterable[str]) -> Iterator[LogLine]:
        """The lines that `kubectl logs --timestamps` printed. What has no time is of the line before it."""
        at, kept = "", True
        about = re.compile(rf"{re.escape(self.only)}(?![a-z0-9-])")
        for line in printed:
            stamp, _, text = line.rstrip("\n").partition(" ")
            if is_stamp(stamp):
                at = stamp
                kept = not self.only or about.search(text) is not None
            else:
                text = line.rstrip("\n")
            if kept and (at or text):
                yield LogLine(at, self.name, text)


def is_stamp(word: str) -> bool:
    """Whether it is a time as the kubelet writes them: 2026-12-02T08:00:00.123456789Z."""
    return len(word) >= 20 and word[:4].isdigit() and word[4] == "-" and word[10] == "T"


def merged(sources: Iterable[Iterable[LogLine]]) -> Iterator[LogLine]:
    """By time; lines of one container stay in their order."""
    return heapq.merge(*sources, key=lambda line: sortable(line.at))


def sortable(at: str) -> str:
    """Times with fractions of different lengths, so that they compare as text."""
    whole, _, fraction = at.rstrip("Z").partition(".")
    return f"{whole}.{fraction:0<9}"
