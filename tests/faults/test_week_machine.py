"""Whatever happens in whatever order: nothing is sent after evidence of a loss, no login without its permit."""

import pytest

from week_world.machine import DISK, take_steps

pytestmark = pytest.mark.timeout(3600)


def test_no_order_of_events_costs_money_or_a_push(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same steps each time; `python -m week_world.machine 100000` takes others, and more."""
    monkeypatch.setattr("os.fsync", DISK.fsync)
    take_steps(1000, derandomized=True)
