"""A change that waits is shown, can be had now, and what allows less holds at once."""

import json
from datetime import UTC, datetime

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import ExecutorReport
from ibgateway_operator.errors import InvalidError
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import Images
from operator_fakes import OperatorWorld, pod, report, revised

OPEN = ExecutorReport(open=True).to_json().encode()
BUSY = ExecutorReport(open=False, unacknowledged=1).to_json().encode()
DRAINED = ExecutorReport(open=False).to_json().encode()
NEW = Images(agent="agent:1", executor="executor:2")
REQUEST = "2026-11-18T14:59:30Z"


def holds(world: OperatorWorld) -> list[str]:
    """What the executor is told to hold trading for."""
    settings = world.api_server.named("ConfigMap", "paper-executor")["data"]["settings.json"]
    return [hold["reason"] for hold in json.loads(settings)["holds"]]


def executor_image(world: OperatorWorld) -> str:
    template = world.api_server.named("Deployment", "paper-executor")["spec"]["template"]
    return str(template["spec"]["containers"][0]["image"])


def started_with(read_only: str) -> Manifest:
    """The gateway's pod, as it was started."""
    variables = [{"name": "READ_ONLY_API", "value": read_only}]
    containers = [{"name": "gateway", "env": variables}, {"name": "other"}]
    return {**pod("gateway"), "spec": {"containers": containers}}


def with_an_older_gateway(world: OperatorWorld) -> None:
    world.api_server.put(revised(pod("gateway"), "rev-1"))
    owner = world.api_server.named("StatefulSet", "paper-gateway")
    status = {
        "observedGeneration": owner["metadata"]["generation"],
        "updateRevision": "rev-2",
    }
    world.api_server.put({**owner, "status": status})


async def test_an_executor_template_that_waits_is_a_condition_and_an_event(
    trading: OperatorWorld,
) -> None:
    assert trading.condition("ChangePending") == "False NothingWaits"
    trading.use_images(NEW)
    assert await trading.reconcile() == ["status", "create Event ChangePending"]
    assert trading.condition("ChangePending") == "True ChangeWaits"
    words = trading.message("ChangePending")
    assert "waits for the restart window, which opens at 2026-11-22T06:00:00Z" in words
    assert "set the annotation ibgateway.dev/login-requested-at to the time now" in words
    assert "no push follows" in words
    assert trading.condition("Ready") == "True Trading"
    assert await trading.reconcile() == []


async def test_a_gateway_template_that_waits_says_that_a_push_follows(
    trading: OperatorWorld,
) -> None:
    with_an_older_gateway(trading)
    await trading.reconcile()
    words = trading.message("ChangePending")
    assert "rev-2 waits for the weekly restart of 2026-11-22T14:00:00Z" in words
    assert "a push follows" in words


async def test_in_the_window_the_executors_template_waits_for_one_order_in_doubt(
    trading: OperatorWorld,
) -> None:
    trading.use_images(NEW)
    await trading.reconcile()
    trading.set_time(datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = BUSY
    await trading.reconcile()
    assert executor_image(trading) == "executor:1"
    assert "waits until its orders have drained" in trading.message("ChangePending")
    assert trading.next_look() <= 1.0
    trading.http.answers["/v1/gate"] = DRAINED
    await trading.reconcile()
    assert executor_image(trading) == "executor:2"
    assert trading.condition("ChangePending") == "False NothingWaits"


async def test_a_request_applies_the_executors_template_through_a_drain_and_without_a_push(
    trading: OperatorWorld,
) -> None:
    trading.use_images(NEW)
    await trading.reconcile()
    trading.http.answers["/v1/gate"] = OPEN
    trading.request_login(REQUEST)
    await trading.reconcile()
    assert holds(trading) == ["PlannedStop"]
    assert trading.condition("TradingAllowed") == "False PlannedStop"
    assert executor_image(trading) == "executor:1"
    assert "a request asks for it now" in trading.message("ChangePending")
    trading.http.answers["/v1/gate"] = DRAINED
    assert "create Event LoginRequested" in await trading.reconcile()
    assert executor_image(trading) == "executor:2"
    assert trading.http.posted == []
    await trading.reconcile()
    assert holds(trading) == []
    assert trading.condition("TradingAllowed") == "True GateOpen"


async def test_a_request_replaces_a_trading_gateway_only_once_its_executor_holds(
    trading: OperatorWorld,
) -> None:
    with_an_older_gateway(trading)
    await trading.reconcile()
    trading.http.answers["/v1/gate"] = OPEN
    trading.request_login(REQUEST)
    assert "delete Pod paper-gateway-0" not in await trading.reconcile()
    assert holds(trading) == ["PlannedStop"]
    trading.http.answers["/v1/gate"] = DRAINED
    assert "delete Pod paper-gateway-0" in await trading.reconcile()


async def test_a_request_that_finds_no_drain_in_ten_minutes_lets_trading_go_on(
    trading: OperatorWorld,
) -> None:
    with_an_older_gateway(trading)
    await trading.reconcile()
    trading.http.answers["/v1/gate"] = BUSY
    trading.request_login(REQUEST)
    await trading.reconcile()
    trading.pass_time(600)
    trading.hear_again()
    await trading.reconcile()
    await trading.reconcile()
    assert holds(trading) == []
    assert trading.condition("TradingAllowed") == "True GateOpen"


async def test_a_person_with_a_phone_waits_for_no_executor(trading: OperatorWorld) -> None:
    trading.use_images(NEW)
    await trading.reconcile()
    trading.hear(report(LoginState.APPROVAL_MISSED))
    trading.request_login(REQUEST)
    await trading.reconcile()
    trading.pass_time(6)
    trading.hear_again()
    await trading.reconcile()
    assert trading.http.posted == [("/v1/login-requests", f'{{"id":"{REQUEST}"}}')]


async def test_read_only_holds_trading_before_the_gateway_has_it(trading: OperatorWorld) -> None:
    trading.api_server.put(started_with("no"))
    await trading.reconcile()
    assert holds(trading) == []
    trading.edit(gateway={"readOnlyApi": True})
    await trading.keep_gate()
    await trading.reconcile()
    assert holds(trading) == ["ReadOnlyApi"]
    assert trading.condition("TradingAllowed") == "False ReadOnlyApi"
    assert "spec.gateway.readOnlyApi is true" in trading.message("Ready")


async def test_a_gateway_that_is_still_read_only_sends_no_order(trading: OperatorWorld) -> None:
    trading.api_server.put(started_with("yes"))
    await trading.reconcile()
    assert holds(trading) == ["ReadOnlyApi"]
    assert "takes no orders until it is restarted" in trading.message("TradingAllowed")


async def test_read_only_in_a_refused_spec_holds_trading_too(trading: OperatorWorld) -> None:
    trading.edit(gateway={"readOnlyApi": True, "timeZone": "Mars/Base"})
    await trading.reconcile()
    assert holds(trading) == ["ReadOnlyApi"]


@pytest.mark.parametrize(("annotated", "replaced"), [(True, True), (False, False)])
async def test_a_request_is_not_delayed_by_the_kubelets_back_off(
    trading: OperatorWorld, annotated: bool, replaced: bool
) -> None:
    trading.hear(report(LoginState.APPROVAL_MISSED))
    waiting = {"reason": "CrashLoopBackOff"}
    state = [{"name": "gateway", "state": {"waiting": waiting}}]
    body = pod("gateway")
    trading.api_server.put({**body, "status": {**body["status"], "containerStatuses": state}})
    if annotated:
        trading.request_login(REQUEST)
    writes = await trading.reconcile()
    assert ("delete Pod paper-gateway-0" in writes) is replaced
    assert trading.http.posted == []
    assert "delete Pod paper-gateway-0" not in await trading.reconcile()
    if replaced:
        trading.api_server.remove("Pod", "paper-gateway-0")
        trading.api_server.put(pod("gateway", uid="uid-new"))
        trading.hear(report(LoginState.AWAITING_APPROVAL, sequence=9))
        await trading.reconcile()
        assert trading.stored()["status"]["login"]["handledRequest"] == REQUEST


async def test_a_request_whose_template_is_refused_stands_until_it_is_taken(
    trading: OperatorWorld,
) -> None:
    trading.use_images(NEW)
    await trading.reconcile()
    trading.http.answers["/v1/gate"] = DRAINED
    trading.request_login(REQUEST)
    refuse = trading.api_server.refuse
    refuse["Deployment paper-executor"] = InvalidError(422, "quota is used up")
    for _ in range(3):
        assert "create Event LoginRequested" not in await trading.reconcile()
        trading.pass_time(20)
    assert trading.stored()["status"]["login"].get("handledRequest") != REQUEST
    refuse.clear()
    trading.pass_time(60)
    assert "create Event LoginRequested" in await trading.reconcile()
    assert executor_image(trading) == "executor:2"
    assert trading.stored()["status"]["login"]["handledRequest"] == REQUEST


async def test_what_could_not_be_applied_and_waits_again_is_not_due(trading: OperatorWorld) -> None:
    trading.use_images(NEW)
    await trading.reconcile()
    trading.set_time(datetime(2026, 11, 22, 6, 0, 1, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = DRAINED
    trading.api_server.refuse["Deployment paper-executor"] = InvalidError(422, "no quota")
    await trading.reconcile()
    trading.set_time(datetime(2026, 11, 22, 23, 0, 0, tzinfo=UTC))
    trading.pass_time(61)
    await trading.reconcile()
    assert executor_image(trading) == "executor:1"
    assert trading.next_look() >= 1.0


async def test_a_change_and_its_request_in_one_apply_are_taken_together(
    trading: OperatorWorld,
) -> None:
    trading.http.answers["/v1/gate"] = DRAINED
    trading.edit(executor={"image": {"repository": "registry.example.com/my-bot", "tag": "1"}})
    trading.request_login(REQUEST)
    await trading.reconcile()
    events = await trading.reconcile()
    assert trading.http.posted == [], "the sentinel is asked for nothing"
    assert "create Event LoginRequested" in events
    assert executor_image(trading) == "registry.example.com/my-bot:1"
