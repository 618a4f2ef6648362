"""What the crash campaign looks at when the executor has died: the disk against what has reached the broker."""

from typing import Any

import pytest

from crash_campaign.deaths import DeathBook, StoredOrder


def stored(number: int, state: str = "Working", order_id: int = 7) -> StoredOrder:
    return StoredOrder(f"o{number}", f"ibg-o{number}", state, order_id)


def came(*numbers: int, fate: str = "booked") -> list[dict[str, Any]]:
    return [{"order_ref": f"ibg-o{number}", "fate": fate} for number in numbers]


@pytest.mark.parametrize(
    ("disk", "arrivals", "acknowledged"),
    [
        ([], [], set()),
        ([stored(1, "Waiting", 0)], [], {"o1"}),
        ([stored(1, "Sending")], [], {"o1"}),
        ([stored(1, "Sending")], came(1), {"o1"}),
        ([stored(1, "Filled"), stored(2, "Accepted", 0)], came(1), {"o1"}),
        ([], came(1, fate="what-if"), set()),
    ],
)
def test_what_may_stand_on_a_disk(
    disk: list[StoredOrder], arrivals: list[dict[str, Any]], acknowledged: set[str]
) -> None:
    book = DeathBook()
    book.died(disk, arrivals, acknowledged)
    assert book.violations == []


@pytest.mark.parametrize(
    ("disk", "arrivals", "acknowledged", "words"),
    [
        ([], [], {"o1"}, "o1 was acknowledged and was not on the disk"),
        ([], came(1), set(), "ibg-o1 had reached the broker and was not on the disk"),
        ([stored(1, "Waiting", 0)], came(1), {"o1"}, "stood on the disk as Waiting, without"),
    ],
)
def test_what_was_told_or_sent_stands_on_the_disk(
    disk: list[StoredOrder], arrivals: list[dict[str, Any]], acknowledged: set[str], words: str
) -> None:
    book = DeathBook()
    book.died(disk, arrivals, acknowledged)
    [line] = book.violations
    assert line.startswith("lost: ")
    assert words in line


@pytest.mark.parametrize("before", [[], came(1)])
def test_what_was_on_its_way_at_a_death_is_never_sent_after_it(
    before: list[dict[str, Any]],
) -> None:
    book = DeathBook()
    book.died([stored(1, "Sending"), stored(2, "Waiting", 0)], before, {"o1", "o2"})
    book.died([stored(1, "Unknown"), stored(2)], [*before, *came(2)], {"o1", "o2"})
    assert book.violations == []
    assert (book.deaths, book.on_their_way) == (2, 1)
    book.resent([*before, *came(2, 1)])
    book.resent([*before, *came(2, 1)])
    line = "twice: ibg-o1 was on its way when the executor died, and was sent after it"
    assert book.violations.count(line) == 1


def test_an_order_that_comes_twice_is_seen_at_the_next_death() -> None:
    book = DeathBook()
    book.died([stored(1, "Filled")], came(1, 1), {"o1"})
    assert book.violations == ["twice: ibg-o1 came more than once"]
