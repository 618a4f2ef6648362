"""Garbage is collected in short pauses: what has lived through a full collection is looked at again once a day."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from ibgateway_runtime.garbage import DAY_SECONDS, keep_short


class Circle:
    """Refers to itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture
def now() -> Iterator[list[float]]:
    """The time, with short collections from 100 on; afterwards everything is as it was."""
    seconds, frozen = [100.0], gc.get_freeze_count()
    gc.disable()
    added = keep_short(lambda: seconds[0])
    yield seconds
    gc.callbacks.remove(added)
    if frozen == 0:
        gc.unfreeze()
    gc.enable()


def test_what_was_there_before_is_not_looked_at_even_once_more(now: list[float]) -> None:
    assert gc.get_freeze_count() > 10_000


def test_what_lives_through_a_full_collection_is_not_looked_at_again(now: list[float]) -> None:
    circle = Circle()
    seen = weakref.ref(circle)
    gc.collect()
    assert gc.get_freeze_count() > 10_000
    del circle
    gc.collect()
    assert seen() is not None


def test_what_has_become_garbage_since_is_taken_away(now: list[float]) -> None:
    gc.collect()
    circle = Circle()
    seen = weakref.ref(circle)
    del circle
    gc.collect()
    assert seen() is None


def test_once_a_day_everything_is_looked_at(now: list[float]) -> None:
    circle = Circle()
    seen = weakref.ref(circle)
    gc.collect()
    del circle
    now[0] += DAY_SECONDS - 1
    gc.collect()
    assert seen() is not None
    now[0] += 1
    gc.collect()
    assert seen() is None


def test_a_young_collection_freezes_nothing(now: list[float]) -> None:
    before = gc.get_freeze_count()
    circle = Circle()
    gc.collect(1)
    assert (gc.get_freeze_count(), circle.me) == (before, circle)
