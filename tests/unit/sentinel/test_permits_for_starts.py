"""A permit is for one start that lives: what a killed wrapper or a reboot left behind gets none."""

from datetime import timedelta
from pathlib import Path

import pytest

from ibgateway_api.permits import AttemptOutcome
from sentinel_fakes import FakePod


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def test_a_permit_names_the_start_that_waits(pod: FakePod) -> None:
    pod.waits()
    assert pod.permit_is_for() == "1"


def test_a_start_that_died_waiting_is_not_answered(pod: FakePod) -> None:
    pod.wrapper("waiting")
    pod.counts()
    pod.alive = False
    pod.boot()
    pod.later(hours=1)
    assert pod.permit() == ""
    pod.alive = True
    pod.waits()
    assert pod.permit().startswith("id=1 ")


def test_a_start_that_dies_while_it_waits_for_its_time_is_not_answered(pod: FakePod) -> None:
    pod.logs_in()
    pod.waits()
    assert pod.permit() == ""
    pod.alive = False
    pod.later(hours=1)
    assert pod.permit() == ""
    assert len(pod.records().attempts) == 1


def test_a_permit_that_nobody_took_is_taken_back_and_its_attempt_is_over(pod: FakePod) -> None:
    pod.waits()
    pod.alive = False
    pod.later(seconds=30)
    assert pod.permit() == ""
    pod.alive = True
    pod.waits()
    assert pod.permit() == ""
    assert pod.outcomes() == [AttemptOutcome.ENDED]
    pod.later(minutes=15)
    assert pod.permit().startswith("id=2 ")
    assert pod.permit_is_for() == "2"


def test_a_permit_of_the_start_before_is_taken_back(pod: FakePod) -> None:
    pod.waits()
    pod.waits()
    assert pod.permit() == ""
    assert pod.outcomes() == [AttemptOutcome.ENDED]


def test_a_clock_that_is_set_back_neither_revives_a_permit_nor_refills_the_budget(
    pod: FakePod,
) -> None:
    pod.settings('{"tradingMode": "paper", "login": {"dailyAttempts": 1, "maxAttempts": 9}}')
    pod.look()
    pod.waits()
    pod.time.now -= timedelta(hours=1)
    pod.look()
    assert pod.permit() == ""
    for _ in range(4):
        report = pod.later(minutes=20)
        assert pod.permit() == ""
        assert report.waiting is not None
        assert report.attempts_today == 1
    assert pod.outcomes() == [AttemptOutcome.ENDED]
