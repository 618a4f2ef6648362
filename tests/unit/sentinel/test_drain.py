"""A gateway that is about to stop waits for who trades through it: who counts, and whose word."""

from datetime import timedelta
from pathlib import Path

from ibgateway_agent.sentinel.drain import DrainWatch
from sentinel_fakes import FakePod
from sentinel_fakes.time import SteppedTime

A_WHILE = timedelta(seconds=3.1)


def test_where_nobody_trades_there_is_nobody_to_wait_for() -> None:
    time = SteppedTime()
    drain = DrainWatch(time.clock)
    time.passes(A_WHILE)
    assert not drain.done(stops=False, sequence=7)
    assert drain.done(stops=True, sequence=7)


def test_a_sentinel_that_has_just_started_waits_for_the_executor_that_asked_the_one_before() -> (
    None
):
    time = SteppedTime()
    drain = DrainWatch(time.clock)
    assert not drain.done(stops=True, sequence=7)
    time.passes(timedelta(seconds=2))
    with drain.heard(6, drained=False):
        time.passes(A_WHILE)
        assert not drain.done(stops=True, sequence=7)


def test_an_executor_is_waited_for_until_it_has_heard_of_the_stop_and_drained() -> None:
    drain = DrainWatch(SteppedTime().clock)
    with drain.heard(6, drained=True):
        assert not drain.done(stops=True, sequence=7)
    with drain.heard(7, drained=False):
        assert not drain.done(stops=True, sequence=7)
    with drain.heard(7, drained=True):
        assert drain.done(stops=True, sequence=7)
    assert drain.done(stops=True, sequence=9)


def test_an_executor_between_two_questions_is_waited_for_and_one_that_is_gone_is_not() -> None:
    time = SteppedTime()
    drain = DrainWatch(time.clock)
    with drain.heard(6, drained=False):
        pass
    time.passes(timedelta(seconds=3))
    assert not drain.done(stops=True, sequence=7)
    time.passes(timedelta(seconds=0.1))
    assert drain.done(stops=True, sequence=7)


def test_the_close_is_what_the_last_executor_says() -> None:
    drain, closes = DrainWatch(SteppedTime().clock), SteppedTime().now
    with drain.heard(6, drained=False, closes=closes):
        assert drain.closes == closes
    with drain.heard(6, drained=False):
        assert drain.closes is None


def test_the_word_of_one_stop_is_none_for_the_next() -> None:
    drain = DrainWatch(SteppedTime().clock)
    with drain.heard(7, drained=True):
        assert drain.done(stops=True, sequence=7)
        assert not drain.done(stops=False, sequence=8)
        assert not drain.done(stops=True, sequence=9)


async def test_the_hook_is_told_by_a_file_once_the_stop_was_announced(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    knows = pod.logs_in().sequence
    with pod.sentinel.drain.heard(knows, drained=True):
        (pod.run / "planned-stop").touch()
        stops = pod.look()
        assert [hold.reason for hold in stops.holds] == ["PlannedStop"]
        assert not (pod.run / "drained").exists()
        with pod.sentinel.drain.heard(stops.sequence, drained=True):
            pod.look()
    assert (pod.run / "drained").exists()
