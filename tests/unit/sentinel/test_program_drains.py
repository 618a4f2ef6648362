"""Planned stops wait for the programs that trade: for whom, how long, and whose word counts for what."""

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

import ibgateway_pod
from ibgateway_agent.errors import ProgramLimitError
from ibgateway_agent.sentinel.console_requests import DRAIN_SECONDS
from ibgateway_agent.sentinel.gate.drains import (
    CONSOLE_SECONDS,
    CONSOLE_STOP,
    POD_STOP,
    POD_STOP_SECONDS,
    GateDrains,
)
from ibgateway_agent.sentinel.gate.programs import ProgramWatch
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.gate_documents import (
    DRAIN_LIMIT_SECONDS,
    MOST_PROGRAMS,
    PROGRAM_STAYS_SECONDS,
    DrainAnswer,
    DrainRequest,
    GateDrain,
    GateReport,
)
from ibgateway_api.requests import ConsoleRequest
from sentinel_fakes import FakePod
from sentinel_fakes.time import SteppedTime

SUSPEND = DrainRequest(id="Suspend-1", reason="Suspend")
TEN = datetime(2026, 11, 26, 3, 0, tzinfo=UTC)


class Programs:
    """Some programs, a clock and the drains."""

    def __init__(self) -> None:
        self.time = SteppedTime()
        self.watch = ProgramWatch(self.time.clock)
        self.drains = GateDrains(self.watch, "boot", self.time.clock)
        self.passes(PROGRAM_STAYS_SECONDS + 0.1)

    def look(
        self,
        *,
        pod_stop: bool = False,
        console: ConsoleAction | None = None,
        nightly: datetime | None = None,
    ) -> GateDrain | None:
        return self.drains.look(pod_stop=pod_stop, console=console, nightly=nightly)

    def passes(self, seconds: float) -> None:
        self.time.passes(timedelta(seconds=seconds))

    def answers(self, program: str, drain: GateDrain) -> bool:
        return self.drains.answer(DrainAnswer(program=program, drain=drain.id))


@pytest.fixture
def programs() -> Programs:
    return Programs()


def test_where_nobody_asks_there_is_nobody_to_wait_for(programs: Programs) -> None:
    assert programs.look() is None
    drain = programs.drains.request(SUSPEND)
    assert drain.waiting_for == ()
    assert drain.until - drain.since == timedelta(seconds=DRAIN_LIMIT_SECONDS)


def test_a_sentinel_that_has_just_started_waits_until_programs_have_asked_anew() -> None:
    time = SteppedTime()
    watch = ProgramWatch(time.clock)
    drains = GateDrains(watch, "boot", time.clock)
    drains.look(pod_stop=True, console=None, nightly=None)
    assert not drains.done(POD_STOP)
    time.passes(timedelta(seconds=2))
    with watch.asks("bot"):
        time.passes(timedelta(seconds=2))
        assert not drains.done(POD_STOP)
    time.passes(timedelta(seconds=PROGRAM_STAYS_SECONDS + 0.1))
    assert drains.done(POD_STOP)


def test_a_program_is_waited_for_until_it_has_drained(programs: Programs) -> None:
    with programs.watch.asks("bot"), programs.watch.asks("other"):
        drain = programs.drains.request(SUSPEND)
        assert drain.waiting_for == ("bot", "other")
        assert programs.answers("bot", drain)
        assert programs.drains.request(SUSPEND).waiting_for == ("other",)


def test_a_program_that_crashes_is_not_waited_for(programs: Programs) -> None:
    with programs.watch.asks("bot"):
        drain = programs.drains.request(SUSPEND)
    programs.passes(PROGRAM_STAYS_SECONDS)
    assert programs.drains.request(SUSPEND).waiting_for == ("bot",)
    programs.passes(0.1)
    assert programs.drains.request(SUSPEND).waiting_for == ()
    assert programs.drains.request(SUSPEND).id == drain.id


def test_two_questions_of_one_program_are_one_program(programs: Programs) -> None:
    with programs.watch.asks("bot"):
        with programs.watch.asks("bot"):
            pass
        programs.passes(60)
        assert programs.drains.request(SUSPEND).waiting_for == ("bot",)


def test_a_program_that_has_drained_and_lost_its_connection_is_not_asked_twice(
    programs: Programs,
) -> None:
    with programs.watch.asks("bot"):
        drain = programs.drains.request(SUSPEND)
        programs.answers("bot", drain)
    programs.passes(4)
    with programs.watch.asks("bot"), programs.watch.asks("other"):
        assert programs.drains.request(SUSPEND).waiting_for == ("other",)


def test_answers_are_bounded_too(programs: Programs) -> None:
    drain = programs.drains.request(SUSPEND)
    for number in range(2000):
        programs.answers(f"bot-{number}", drain)
        programs.passes(0.1)
        drain = programs.drains.request(SUSPEND)
    assert len(programs.watch._drained) == 1024


def test_the_word_of_a_drain_holds_for_the_next_stop_while_it_goes_on(programs: Programs) -> None:
    """As with a suspend: first the operator asks, then the pod is told to go."""
    with programs.watch.asks("bot"):
        drain = programs.drains.request(SUSPEND)
        programs.answers("bot", drain)
        going = programs.look(pod_stop=True)
        assert going is not None
        assert (going.id, going.reason, going.waiting_for) == (drain.id, "PodStop", ())
        assert programs.drains.done(POD_STOP)


def test_the_word_of_a_drain_that_is_over_is_none_for_the_next(programs: Programs) -> None:
    with programs.watch.asks("bot"):
        drain = programs.drains.request(SUSPEND)
        programs.answers("bot", drain)
        programs.passes(16)
        assert programs.look() is None
        assert not programs.answers("bot", drain)
        again = programs.drains.request(SUSPEND)
        assert again.id != drain.id
        assert again.waiting_for == ("bot",)


def test_a_drain_lasts_as_long_as_the_operator_asks_and_its_limit_counts_once(
    programs: Programs,
) -> None:
    first = programs.drains.request(SUSPEND)
    for _ in range(10):
        programs.passes(14)
        assert programs.look() is not None
        assert programs.drains.request(SUSPEND).until == first.until
    programs.passes(15.1)
    assert programs.look() is None
    assert not programs.drains.asked_by_operator


def test_another_stop_of_the_operators_has_a_limit_of_its_own(programs: Programs) -> None:
    first = programs.drains.request(SUSPEND)
    programs.passes(10)
    other = programs.drains.request(DrainRequest(id="Handover-1", reason="Handover"))
    assert other.until == first.until + timedelta(seconds=10)
    assert (other.id, other.reason) == (first.id, "Handover")


def test_a_pod_that_goes_waits_for_twenty_seconds_and_no_longer(programs: Programs) -> None:
    with programs.watch.asks("bot"):
        programs.look(pod_stop=True)
        programs.passes(19.9)
        assert not programs.drains.done(POD_STOP)
        programs.passes(0.1)
        assert programs.drains.done(POD_STOP)
    (limit,) = re.findall(r"PRESTOP_DRAIN_SECONDS:-(\d+)", ibgateway_pod.script("prestop.sh"))
    assert float(limit) == POD_STOP_SECONDS


def test_a_button_waits_for_programs_no_longer_than_for_orders(programs: Programs) -> None:
    assert CONSOLE_SECONDS < DRAIN_SECONDS
    with programs.watch.asks("bot"):
        drain = programs.look(console=ConsoleAction.RESTART)
        assert drain is not None
        assert (drain.reason, drain.waiting_for) == ("Restart", ("bot",))
        assert not programs.drains.done(CONSOLE_STOP)
        programs.passes(CONSOLE_SECONDS)
        assert programs.drains.done(CONSOLE_STOP)


def test_a_stop_that_nobody_asked_for_is_not_done(programs: Programs) -> None:
    assert not programs.drains.done(POD_STOP)
    programs.look(console=ConsoleAction.HANDOVER)
    assert not programs.drains.done(POD_STOP)
    assert programs.drains.done(CONSOLE_STOP)


def test_the_nightly_restart_is_announced_with_its_time(programs: Programs) -> None:
    begins = programs.time.now + timedelta(seconds=30)
    drain = programs.look(nightly=begins)
    assert drain is not None
    assert (drain.reason, drain.until) == ("NightlyRestart", begins)
    programs.passes(40)
    late = programs.look(nightly=begins)
    assert late is not None
    assert late.until == begins


def test_names_are_bounded_and_those_that_go_make_room(programs: Programs) -> None:
    with ExitStack() as stack:
        for number in range(MOST_PROGRAMS):
            stack.enter_context(programs.watch.asks(f"bot-{number}"))
        with (
            pytest.raises(ProgramLimitError, match="256 programs"),
            programs.watch.asks("one-more"),
        ):
            raise AssertionError
        with programs.watch.asks("bot-1"):
            assert programs.watch.present == MOST_PROGRAMS
        drain = programs.drains.request(SUSPEND)
        with pytest.raises(ProgramLimitError):
            programs.answers("one-more", drain)
    programs.passes(PROGRAM_STAYS_SECONDS + 0.1)
    with programs.watch.asks("one-more"):
        assert programs.watch.present == 1


@contextmanager
def bot(pod: FakePod) -> Iterator[None]:
    with pod.sentinel.gate.programs.asks("bot"):
        yield


def word(pod: FakePod) -> GateReport:
    return pod.sentinel.gate.publisher.latest()


def drained(pod: FakePod) -> None:
    drain = word(pod).drain
    assert drain is not None
    assert pod.sentinel.gate.drains.answer(DrainAnswer(program="bot", drain=drain.id))


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    made = FakePod(tmp_path, AUTO_RESTART_TIME="10:00 PM", TIME_ZONE="America/New_York")
    made.logs_in()
    return made


def test_the_hook_of_a_pod_that_goes_waits_for_programs_too(pod: FakePod) -> None:
    with bot(pod):
        (pod.run / "planned-stop").touch()
        report = pod.look()
        assert (word(pod).open, word(pod).reason) == (False, "PlannedStop")
        assert report.drain is not None
        assert report.drain.waiting_for == ("bot",)
        assert not (pod.run / "drained").exists()
        drained(pod)
        pod.look()
        assert (pod.run / "drained").exists()


def test_the_hook_waits_for_the_executor_and_for_programs(pod: FakePod) -> None:
    with bot(pod), pod.sentinel.drain.heard(0, drained=False):
        (pod.run / "planned-stop").touch()
        stops = pod.look()
        drained(pod)
        pod.look()
        assert not (pod.run / "drained").exists()
        with pod.sentinel.drain.heard(stops.sequence, drained=True):
            pod.look()
        assert (pod.run / "drained").exists()


def test_a_stop_of_the_operators_holds_trading_for_all_at_once(pod: FakePod) -> None:
    assert word(pod).open
    drain = pod.sentinel.request_drain(SUSPEND)
    assert (word(pod).reason, word(pod).drain) == ("PlannedStop", drain)
    assert [hold.reason for hold in pod.sentinel.publisher.latest().holds] == ["PlannedStop"]
    assert pod.sentinel.publisher.latest().drain == drain
    pod.later(seconds=15)
    assert word(pod).open
    assert word(pod).drain is None


def test_a_drain_that_is_asked_for_before_the_first_look_opens_nothing(tmp_path: Path) -> None:
    pod = FakePod(tmp_path)
    assert pod.sentinel.request_drain(SUSPEND).waiting_for == ()
    with pytest.raises(LookupError):
        pod.sentinel.publisher.latest()
    assert not word(pod).open


def test_half_a_minute_before_the_night_programs_are_told_until_when(pod: FakePod) -> None:
    pod.time.now = TEN - timedelta(seconds=32)
    with bot(pod):
        pod.look()
        assert word(pod).drain is None
        pod.look()
        drain = word(pod).drain
        assert drain is not None
        assert (drain.reason, drain.until, drain.waiting_for) == ("NightlyRestart", TEN, ("bot",))
        assert (word(pod).reason, word(pod).until) == (
            "NightlyRestart",
            TEN + timedelta(minutes=3),
        )


async def test_a_restart_at_the_console_waits_for_programs_and_then_for_nobody(
    pod: FakePod,
) -> None:
    with bot(pod):
        asked = {"id": "2026-11-25T15:00:30Z", "action": "restart", "pushAgreed": True}
        assert pod.sentinel.asked_at_console(ConsoleRequest.model_validate(asked))
        pod.look()
        assert word(pod).drain is not None
        assert pod.sentinel.console_report().draining is ConsoleAction.RESTART
        pod.later(seconds=CONSOLE_SECONDS - 2)
        assert pod.sentinel.console_report().draining is ConsoleAction.RESTART
        pod.later(seconds=2)
        told = pod.sentinel.console_report()
        assert (told.draining, told.not_drained) == (None, None)
        assert pod.look().handover is not None
    await pod.sentinel._stop.close()
