"""Planned stops and requests for a login: drained first, told once, never pushed unasked."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.reports import ExecutorReport
from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from operator_fakes import OperatorWorld, pod, report, revised
from operator_fakes.http_client import waiting_for

DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()
UPDATED = {"observedGeneration": 1, "updateRevision": "rev-2"}
BUSY = ExecutorReport(open=False, unacknowledged=1).to_json().encode()


async def test_suspend_drains_first_and_then_stops(trading: OperatorWorld) -> None:
    trading.http.answers["/v1/gate"] = BUSY
    trading.edit(suspend=True)
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 1
    assert trading.next_look() <= 1.0
    trading.http.answers["/v1/gate"] = DRAINED
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 0
    assert trading.condition("Ready") == "False Suspended"


async def test_an_executor_that_does_not_answer_delays_a_suspend_but_does_not_prevent_it(
    trading: OperatorWorld,
) -> None:
    trading.edit(suspend=True)
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 1
    trading.pass_time(121)
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 0


async def test_a_suspend_waits_for_a_program_within_its_limit(trading: OperatorWorld) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.http.answers["/v1/drains"] = waiting_for("bot")
    trading.edit(suspend=True)
    for _ in range(3):
        await trading.reconcile()
        assert trading.next_look() <= 1.0
        trading.pass_time(40)
        assert trading.replicas("StatefulSet", "paper-gateway") == 1
    trading.pass_time(1)
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 0
    assert len(trading.http.drains) == 4


async def test_the_weekly_restart_goes_on_as_soon_as_programs_have_drained(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.http.answers["/v1/drains"] = waiting_for("bot")
    await trading.reconcile()
    assert trading.http.posted == []
    trading.http.answers["/v1/drains"] = waiting_for()
    await trading.reconcile()
    assert [path for path, _ in trading.http.posted] == ["/v1/restarts"]


async def test_the_weekly_restart_waits_for_the_drain_and_names_its_week(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = BUSY
    await trading.reconcile()
    assert trading.http.posted == []
    trading.http.answers["/v1/gate"] = DRAINED
    assert "create Event RestartBegun" in await trading.reconcile()
    assert trading.http.posted == [("/v1/restarts", '{"id":"2026-11-22T06:00:00Z"}')]
    trading.hear(report(sequence=8, taken_restart="2026-11-22T06:00:00Z"))
    await trading.reconcile()
    assert len(trading.http.posted) == 1


async def test_a_restart_nobody_could_begin_in_time_asks_instead_of_pushing(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 15, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    assert "create Event RestartOverdue" in await trading.reconcile()
    assert trading.http.posted == []
    assert trading.condition("OutsideRestartWindow") == "False RestartOverdue"
    assert "ibgateway.dev/login-requested-at" in trading.message("Ready")


async def test_a_sentinel_that_is_not_reached_is_told_of_the_restart_again(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.http.answers["/v1/restarts"] = EndpointUnavailableError("refused")
    assert "create Event RestartBegun" not in await trading.reconcile()
    del trading.http.answers["/v1/restarts"]
    assert "create Event RestartBegun" in await trading.reconcile()


async def test_a_restart_that_is_refused_is_told_and_asked_again_with_its_drain(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.http.answers["/v1/restarts"] = EndpointRefusedError("QuietHours, until 14:05")
    writes = await trading.reconcile()
    assert "create Event RestartBegun" not in writes
    assert "create Event RestartRefused" in writes
    assert trading.next_look() <= 1.0
    trading.http.answers["/v1/gate"] = BUSY
    del trading.http.answers["/v1/restarts"]
    await trading.reconcile()
    assert trading.http.posted == []
    trading.http.answers["/v1/gate"] = DRAINED
    assert "create Event RestartBegun" in await trading.reconcile()


async def test_a_persons_restart_that_is_refused_waits_with_the_operator_for_ten_minutes(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 15, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.http.answers["/v1/login-requests"] = EndpointRefusedError("Maintenance")
    trading.request_login("2026-11-22T15:00:00Z")
    assert "create Event RestartRefused" in await trading.reconcile()
    assert trading.stored()["status"]["login"].get("handledRequest", "") == ""
    trading.set_time(datetime(2026, 11, 22, 15, 10, 1, tzinfo=UTC))
    assert "create Event LoginRequestIgnored" in await trading.reconcile()


async def test_a_login_request_is_handed_on_once(trading: OperatorWorld) -> None:
    trading.request_login("2026-11-18T14:59:30Z")
    writes = await trading.reconcile()
    assert trading.http.posted == [("/v1/login-requests", '{"id":"2026-11-18T14:59:30Z"}')]
    assert "create Event LoginRequested" in writes
    login = trading.stored()["status"]["login"]
    assert login["handledRequest"] == "2026-11-18T14:59:30Z"
    assert await trading.reconcile() == []
    assert len(trading.http.posted) == 1


async def test_an_old_login_request_is_ignored_and_said_so_once(trading: OperatorWorld) -> None:
    trading.request_login("2026-11-18T14:00:00Z")
    assert await trading.reconcile() == ["create Event LoginRequestIgnored", "status"]
    assert await trading.reconcile() == []
    assert trading.http.posted == []


@pytest.mark.parametrize("waits", [False, True], ids=["no template waits", "a template waits"])
async def test_a_request_from_the_future_does_not_act_when_its_time_comes(
    trading: OperatorWorld, waits: bool
) -> None:
    if waits:
        trading.api_server.put(revised(pod("gateway"), "rev-1"))
        trading.api_server.put(
            {**trading.api_server.named("StatefulSet", "paper-gateway"), "status": UPDATED}
        )
    trading.http.answers["/v1/gate"] = DRAINED
    trading.request_login("2026-11-18T15:30:00Z")
    assert "create Event LoginRequestIgnored" in await trading.reconcile()
    assert trading.stored()["status"]["login"]["ignoredRequest"] == "2026-11-18T15:30:00Z"
    trading.app.memories.clear()
    await trading.reconcile()
    trading.set_time(datetime(2026, 11, 18, 15, 30, 30, tzinfo=UTC))
    trading.hear(report())
    assert "delete Pod paper-gateway-0" not in await trading.reconcile()
    assert trading.http.posted == []


async def test_a_suspend_in_a_refused_spec_drains_as_any_other(trading: OperatorWorld) -> None:
    trading.http.answers["/v1/gate"] = BUSY
    trading.edit(suspend=True, gateway={"timeZone": "Mars/Olympus"})
    await trading.reconcile()
    trading.pass_time(100)
    await trading.reconcile()
    trading.edit(suspend=True, gateway={})
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 1
    trading.http.answers["/v1/gate"] = DRAINED
    await trading.reconcile()
    assert trading.replicas("StatefulSet", "paper-gateway") == 0


async def test_a_spec_no_builder_understands_does_not_cost_the_weeks_restart(
    trading: OperatorWorld,
) -> None:
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.edit(gateway={"resources": {"requests": "1Gi"}})
    await trading.reconcile()
    assert trading.http.posted == [("/v1/restarts", '{"id":"2026-11-22T06:00:00Z"}')]
    assert trading.condition("SpecAccepted") == "False InvalidSpec"
    assert "can't be turned into Kubernetes objects" in trading.message("SpecAccepted")


async def test_what_was_done_is_said_although_the_status_comes_too_late(
    trading: OperatorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    trading.set_time(datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.silence_watches()
    trading.request_login("2026-11-18T10:00:00Z")
    writes = await trading.reconcile()
    assert "create Event RestartBegun" in writes
    assert "the status was made from the past" in caplog.text
    assert trading.app.queues.metrics.status_conflicts._value.get() == 1
    trading.deliver()
    assert "status" in await trading.reconcile()
