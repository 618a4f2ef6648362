"""Gauges that are read from what a program knows at the moment of a scrape. Pure.

What is not known has no series: an alert that computes with it stays silent instead of wrong.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

V = TypeVar("V")

Series = Mapping[tuple[str, ...], float]
"""Values by the labels' values; empty while nothing is known."""


@dataclass(frozen=True)
class Figure(Generic[V]):
    """A gauge that is read at each scrape from the program's view of that moment."""

    name: str
    text: str
    read: Callable[[V], Series]
    labels: tuple[str, ...] = ()


def at(moment: datetime | None) -> Series:
    """A moment as seconds since 1970; no series for None."""
    return known(None if moment is None else moment.timestamp())


def flag(on: object) -> Series:
    """1 where it is so, else 0."""
    return known(float(bool(on)))


def known(value: float | None) -> Series:
    """A value without labels; no series for None."""
    return {} if value is None else {(): value}


@dataclass(frozen=True)
class VolumeSize:
    """Bytes of a file system, and those of them that may still be written."""

    size: float
    available: float
