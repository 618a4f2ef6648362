"""The wait doubles, ends at its limit, and no number of failures is too large for it."""

import pytest

from ibgateway_runtime.backoff import backoff


@pytest.mark.parametrize(
    ("doublings", "seconds"), [(0, 0.5), (1, 1.0), (3, 4.0), (7, 60.0), (10_000_000, 60.0)]
)
def test_a_wait_doubles_up_to_its_limit(doublings: int, seconds: float) -> None:
    assert backoff(doublings, first=0.5, longest=60.0) == seconds
