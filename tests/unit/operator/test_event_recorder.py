"""Events are written once, not in a flood, and never fatal."""

from datetime import UTC, datetime

from ibgateway_api.reasons import EventReason
from ibgateway_operator.act.event_recorder import EventRecorder, event
from ibgateway_operator.errors import ApiError
from ibgateway_operator.model.memory import EventsMemory
from ibgateway_operator.status.pending_event import EventType, PendingEvent
from ibgateway_runtime.clock import Clock
from operator_fakes import FakeApiServer, snapshot


def recorder_on(api_server: FakeApiServer, seconds: list[float]) -> EventRecorder:
    now = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
    clock = Clock(now=lambda: now, monotonic=lambda: seconds[0])
    return EventRecorder(api_server, clock, "operator-1", lambda: f"s{len(api_server.writes)}")


async def test_the_same_words_are_said_once_a_day(api_server: FakeApiServer) -> None:
    seconds = [0.0]
    recorder, gateway, memory = recorder_on(api_server, seconds), snapshot().gateway, EventsMemory()
    words = PendingEvent(EventReason.LOGGED_IN, "the gateway is logged in")
    await recorder.record(gateway, memory, [words, words])
    seconds[0] = 86399.0
    await recorder.record(gateway, memory, [words])
    assert api_server.writes == ["create Event LoggedIn"]
    seconds[0] = 86401.0
    await recorder.record(gateway, memory, [words])
    assert len(api_server.writes) == 2


async def test_a_flood_is_cut(api_server: FakeApiServer) -> None:
    seconds = [0.0]
    recorder, gateway, memory = recorder_on(api_server, seconds), snapshot().gateway, EventsMemory()
    await recorder.record(
        gateway, memory, [PendingEvent(EventReason.API_UNRESPONSIVE, f"{i}") for i in range(100)]
    )
    assert len(api_server.writes) == 30
    seconds[0] = 601.0
    await recorder.record(gateway, memory, [PendingEvent(EventReason.API_UNRESPONSIVE, "again")])
    assert len(api_server.writes) == 31


async def test_what_was_said_is_forgotten_after_a_day(api_server: FakeApiServer) -> None:
    seconds = [0.0]
    recorder, gateway, memory = recorder_on(api_server, seconds), snapshot().gateway, EventsMemory()
    for number in range(1000):
        seconds[0] = number * 3600.0
        words = PendingEvent(EventReason.API_UNRESPONSIVE, f"{number}")
        await recorder.record(gateway, memory, [words])
    assert len(api_server.writes) == 1000
    assert len(memory.written) == 24
    assert len(memory.recent) == 1


async def test_an_event_that_is_refused_stops_nothing(api_server: FakeApiServer) -> None:
    api_server.refuse["Event LoggedIn"] = ApiError(403, "no")
    await recorder_on(api_server, [0.0]).record(
        snapshot().gateway, EventsMemory(), [PendingEvent(EventReason.LOGGED_IN, "x")]
    )


def test_an_event_names_its_gateway() -> None:
    now = datetime(2026, 11, 18, 15, 0, 0, 5, tzinfo=UTC)
    words = PendingEvent(EventReason.APPROVAL_NEEDED, "x" * 2000, EventType.WARNING, "Login")
    made = event(snapshot().gateway, words, "paper.1", "operator-1", now)
    assert made["regarding"] == {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "namespace": "trading",
        "name": "paper",
        "uid": "uid-1",
    }
    assert made["eventTime"] == "2026-11-18T15:00:00.000005Z"
    assert (made["type"], made["reason"], made["action"]) == (
        "Warning",
        "ApprovalNeeded",
        "Login",
    )
    assert len(made["note"]) == 1000
