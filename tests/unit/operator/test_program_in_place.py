"""A whole operator with a program of one's own in the executor's place: nobody asks it anything, and the gate starts and stops it."""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import PermitReport
from operator_fakes import OperatorWorld, pod, program_pod, report

IMAGE = {"repository": "registry.example.com/my-bot", "tag": "1"}
WINDOW = datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC)
PLACE = ("Deployment", "paper-executor")


def reasons(world: OperatorWorld) -> list[str]:
    """Reasons of the Events that were written."""
    bodies = world.api_server.objects.values()
    return [str(body["reason"]) for body in bodies if body["kind"] == "Event"]


async def hear(world: OperatorWorld, state: LoginState, sequence: int) -> None:
    world.hear(report(state, sequence=sequence))
    await settle(world)


async def settle(world: OperatorWorld) -> None:
    await world.keep_gate()
    for _ in range(2):
        await world.reconcile()


@pytest.fixture
async def stopping(world: OperatorWorld) -> OperatorWorld:
    """A logged-in gateway whose program runs while the gate is open."""
    world.edit(executor={"image": IMAGE, "whenClosed": "stop"})
    await world.reconcile()
    world.api_server.put(pod("gateway"))
    world.hear(report())
    await settle(world)
    world.pass_time(10.1)
    world.hear_again()
    await settle(world)
    world.api_server.put(program_pod())
    await settle(world)
    assert world.condition("ExecutorReady") == "True PodReady"
    return world


async def test_a_new_program_waits_for_the_gate_and_then_for_a_moment(world: OperatorWorld) -> None:
    world.edit(executor={"image": IMAGE, "whenClosed": "stop"})
    await world.reconcile()
    world.api_server.put(pod("gateway"))
    await hear(world, LoginState.AWAITING_APPROVAL, 7)
    assert world.replicas(*PLACE) == 0
    assert world.condition("ExecutorReady") == "False StoppedWhileClosed"
    await hear(world, LoginState.LOGGED_IN, 8)
    assert world.replicas(*PLACE) == 0
    assert "starts in a moment" in world.message("ExecutorReady")
    assert world.next_look() == pytest.approx(10.05)
    world.pass_time(10.05)
    world.hear_again()
    await settle(world)
    assert world.replicas(*PLACE) == 1


async def test_a_gate_that_flaps_begins_to_count_anew(world: OperatorWorld) -> None:
    world.edit(executor={"image": IMAGE, "whenClosed": "stop"})
    await world.reconcile()
    world.api_server.put(pod("gateway"))
    for sequence in (7, 9, 11):
        await hear(world, LoginState.LOGGED_IN, sequence)
        world.pass_time(9.0)
        await hear(world, LoginState.CONNECTION_LOST, sequence + 1)
        assert world.replicas(*PLACE) == 0


async def test_a_session_that_somebody_takes_stops_it_and_its_end_starts_it(
    stopping: OperatorWorld,
) -> None:
    await hear(stopping, LoginState.SESSION_CONFLICT, 8)
    assert stopping.replicas(*PLACE) == 0
    assert stopping.condition("ExecutorReady") == "False StoppedWhileClosed"
    assert "SessionConflict" in stopping.message("ExecutorReady")
    assert stopping.condition("Ready") == "False SessionConflict"
    await hear(stopping, LoginState.LOGGED_IN, 9)
    assert stopping.replicas(*PLACE) == 0
    stopping.pass_time(10.1)
    stopping.hear_again()
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 1


async def test_both_are_said_once(stopping: OperatorWorld) -> None:
    events = reasons(stopping)
    assert events.count("ProgramStarted") == 1
    await hear(stopping, LoginState.LOCKED_OUT, 8)
    await settle(stopping)
    events = reasons(stopping)
    assert events.count("ProgramStopped") == 1


async def test_a_lost_connection_leaves_it(stopping: OperatorWorld) -> None:
    await hear(stopping, LoginState.CONNECTION_LOST, 8)
    assert stopping.replicas(*PLACE) == 1


async def test_an_operator_that_starts_in_the_window_waits_for_the_sentinels_word(
    stopping: OperatorWorld,
) -> None:
    stopping.set_time(WINDOW)
    stopping.start_again()
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 1
    await hear(stopping, LoginState.LOGGED_IN, 8)
    assert stopping.replicas(*PLACE) == 0


async def test_an_operator_that_starts_while_it_is_stopped_counts_its_own_moment(
    stopping: OperatorWorld,
) -> None:
    await hear(stopping, LoginState.LOCKED_OUT, 8)
    stopping.start_again()
    await hear(stopping, LoginState.LOGGED_IN, 9)
    stopping.pass_time(9.9)
    stopping.hear_again()
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 0
    stopping.pass_time(0.2)
    stopping.hear_again()
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 1


async def test_nobody_asks_a_program_anything(stopping: OperatorWorld) -> None:
    """It would be shown the agent token, and a stop would wait for an answer that never comes."""
    stopping.secret("people", URLS="json://desk.example.com")
    stopping.edit(notifications={"secretRef": {"name": "people"}})
    stopping.api_server.put(program_pod(ready=False))
    await settle(stopping)
    assert stopping.condition("ExecutorReady") == "False PodNotReady"
    stopping.edit(suspend=True)
    await settle(stopping)
    assert stopping.replicas("StatefulSet", "paper-gateway") == 0
    assert [path for path in stopping.http.asked if "/v1/gate" in path] == []


async def test_a_clock_that_is_off_is_looked_at_when_it_is_no_short_loss_any_more(
    stopping: OperatorWorld,
) -> None:
    waiting = PermitReport(refusal=PermitRefusal.CLOCK_SKEW)
    since = stopping.time - timedelta(minutes=4, seconds=58)
    said = report(LoginState.WAITING_FOR_PERMIT, sequence=8, since=since, waiting=waiting)
    stopping.hear(said)
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 1
    assert stopping.next_look() == pytest.approx(2.05)
    stopping.pass_time(2.05)
    stopping.hear_again()
    await settle(stopping)
    assert stopping.replicas(*PLACE) == 0


async def test_a_program_that_is_not_ready_is_not_looked_at_again_and_again(
    stopping: OperatorWorld,
) -> None:
    stopping.api_server.put(program_pod(ready=False))
    await settle(stopping)
    assert await stopping.reconcile() == []
    assert stopping.next_look() > 5.0
