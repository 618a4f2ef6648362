"""The one reconcile, on an API server in memory: what it writes, when it writes nothing."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_api.reports import ExecutorReport, SentinelReport
from ibgateway_operator.errors import EndpointUnavailableError, InvalidError
from ibgateway_operator.model.manifests import Manifest

MakeReport = Callable[..., SentinelReport]
MakePod = Callable[..., Manifest]
MakeBody = Callable[..., Manifest]

DRAINED = ExecutorReport(open=False, unacknowledged=0).to_json().encode()
BUSY = ExecutorReport(open=False, unacknowledged=1).to_json().encode()


@pytest.fixture
async def trading(world: Any, make_report: MakeReport, make_pod: MakePod) -> Any:
    """A gateway that is logged in, with all its pods, and settled."""
    await world.reconcile()
    for component in ("gateway", "executor", "novnc"):
        world.cluster.put(make_pod(component))
    world.hear(make_report())
    await world.keep_gate()
    for _ in range(3):
        await world.reconcile()
    return world


def edit(world: Any, **spec: Any) -> None:
    """The user changes the spec."""
    body = world.cluster.named("IBGateway", "paper")
    generation = body["metadata"]["generation"] + 1
    meta = {**body["metadata"], "generation": generation}
    world.cluster.put({**body, "metadata": meta, "spec": {**body["spec"], **spec}})


async def test_a_new_gateway_gets_its_children_and_a_status(world: Any) -> None:
    writes = await world.reconcile()
    assert [w for w in writes if w.startswith("create")] == [
        "create Secret paper-agent-token",
        "create Secret paper-executor-token",
    ]
    assert len([w for w in writes if w.startswith("apply")]) == 18
    assert writes[-1] == "status"
    assert world.condition("Ready") == "False NoNews"


async def test_a_second_run_writes_nothing(world: Any) -> None:
    await world.reconcile()
    assert await world.reconcile() == []


async def test_a_gateway_that_trades_is_ready_and_then_left_alone(trading: Any) -> None:
    assert trading.condition("Ready") == "True Trading"
    trading.pass_time(30)
    trading.hear(trading.app.reconciler.sentinels.news(trading.key).report)
    assert await trading.reconcile() == []


async def test_what_somebody_changed_is_put_right_and_nothing_else(trading: Any) -> None:
    service = trading.cluster.named("Service", "paper-novnc")
    trading.cluster.put({**service, "spec": {**service["spec"], "type": "LoadBalancer"}})
    assert await trading.reconcile() == ["apply Service paper-novnc"]


async def test_a_status_of_a_child_is_no_reason_to_write(trading: Any) -> None:
    deployment = trading.cluster.named("Deployment", "paper-executor")
    trading.cluster.put({**deployment, "status": {"readyReplicas": 1}})
    assert await trading.reconcile() == []


async def test_a_deleted_child_comes_back(trading: Any) -> None:
    body = trading.cluster.objects.pop(("Service", "trading", "paper-novnc"))
    trading.app.gone(body)
    assert await trading.reconcile() == ["apply Service paper-novnc"]


async def test_missing_credentials_are_named_and_start_nothing(world: Any) -> None:
    del world.cluster.objects["Secret", "trading", "ib-credentials"]
    await world.reconcile()
    assert world.condition("Ready") == "False CredentialsMissing"
    assert "Secret ib-credentials does not exist" in world.message("Ready")
    assert world.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 0
    world.credentials()
    world.pass_time(11)
    await world.reconcile()
    assert world.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 1


async def test_credentials_that_vanish_stop_nothing(trading: Any) -> None:
    del trading.cluster.objects["Secret", "trading", "ib-credentials"]
    trading.pass_time(61)
    trading.hear(trading.app.reconciler.sentinels.news(trading.key).report)
    writes = await trading.reconcile()
    assert not [w for w in writes if "StatefulSet" in w]
    assert trading.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 1
    assert trading.condition("TradingAllowed") == "True GateOpen"
    assert trading.condition("Ready") == "False CredentialsMissing"


async def test_a_refused_spec_touches_nothing_that_runs(trading: Any) -> None:
    edit(trading, weeklyRestart={"timeZone": "Mars/Olympus"}, novnc={"enabled": False})
    writes = await trading.reconcile()
    assert writes == ["status", "create Event UnknownTimeZone"]
    assert trading.condition("SpecAccepted") == "False UnknownTimeZone"
    assert trading.condition("TradingAllowed") == "True GateOpen"


async def test_what_is_switched_off_is_removed_and_the_ledger_is_not(trading: Any) -> None:
    edit(trading, novnc={"enabled": False}, executor={"enabled": False})
    deleted = [w for w in await trading.reconcile() if w.startswith("delete")]
    assert sorted(deleted) == [
        "delete ConfigMap paper-executor",
        "delete Deployment paper-executor",
        "delete Deployment paper-novnc",
        "delete NetworkPolicy paper-executor",
        "delete NetworkPolicy paper-novnc",
        "delete Service paper-executor",
        "delete Service paper-executor-intake",
        "delete Service paper-novnc",
        "delete ServiceAccount paper-executor",
        "delete ServiceAccount paper-novnc",
    ]
    assert ("PersistentVolumeClaim", "trading", "paper-executor") in trading.cluster.objects


async def test_a_foreign_object_is_left_alone_and_named(world: Any) -> None:
    foreign = {"namespace": "trading", "name": "paper-novnc"}
    world.cluster.put({"kind": "Service", "metadata": foreign, "spec": {"mine": True}})
    await world.reconcile()
    assert world.cluster.named("Service", "paper-novnc")["spec"] == {"mine": True}
    assert world.condition("Ready") == "False ForeignObject"
    assert "Service paper-novnc exists and does not belong" in world.message("Ready")


async def test_a_ledger_of_the_other_mode_is_never_adopted(world: Any) -> None:
    labels = {
        "ibgateway.dev/gateway": "paper",
        "app.kubernetes.io/managed-by": "ibgateway-operator",
    }
    meta = {"namespace": "trading", "name": "paper-executor", "labels": labels}
    meta["annotations"] = {"ibgateway.dev/trading-mode": "live"}
    world.cluster.put({"kind": "PersistentVolumeClaim", "metadata": meta})
    await world.reconcile()
    assert world.condition("Ready") == "False LedgerOfOtherMode"


async def test_a_ledger_of_an_earlier_gateway_of_the_same_name_and_mode_is_adopted(
    world: Any,
) -> None:
    await world.reconcile()
    claim = world.cluster.named("PersistentVolumeClaim", "paper-executor")
    world.cluster.objects.clear()
    world.cluster.put(claim)
    body = {"namespace": "trading", "name": "paper", "uid": "uid-2", "generation": 1}
    spec = {"credentialsSecretRef": {"name": "ib-credentials"}}
    world.cluster.put({"kind": "IBGateway", "metadata": body, "spec": spec})
    world.credentials()
    await world.reconcile()
    assert world.condition("Ready") == "False NoNews"


async def test_a_child_the_api_server_refuses_is_named_and_the_rest_is_applied(world: Any) -> None:
    world.cluster.refuse["Deployment paper-executor"] = InvalidError(422, "quota is used up")
    writes = await world.reconcile()
    assert "apply Deployment paper-novnc" in writes
    assert world.condition("Ready") == "False ApplyRefused"
    assert "quota is used up" in world.message("Ready")


async def test_two_gateways_never_share_a_user_name(world: Any, make_body: MakeBody) -> None:
    younger = make_body(None, name="second", uid="uid-2", creationTimestamp="2026-11-02T00:00:00Z")
    world.cluster.put(younger)
    await world.reconcile(Key("trading", "second"))
    stored = world.cluster.named("IBGateway", "second")["status"]["conditions"]
    ready = next(c for c in stored if c["type"] == "Ready")
    assert ready["reason"] == "DuplicateUserName"
    assert world.cluster.named("StatefulSet", "second-gateway")["spec"]["replicas"] == 0
    await world.reconcile()
    assert world.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 1


async def test_tokens_are_made_once_and_never_overwritten(world: Any) -> None:
    world.secret("paper-agent-token", token="chosen-by-the-user")
    writes = await world.reconcile()
    assert "create Secret paper-agent-token" not in writes
    assert world.app.reconciler.vault.agent_token(world.key) == "chosen-by-the-user"


async def test_no_secret_reaches_status_events_or_manifests(trading: Any) -> None:
    token = trading.app.reconciler.vault.agent_token(trading.key)
    assert len(token) >= 43
    public = {k: v for k, v in trading.cluster.objects.items() if k[0] != "Secret"}
    text = json.dumps([*public.values()])
    for secret in ("canary-password", "someone", "hidden", token):
        assert secret not in text


async def test_the_default_vnc_password_is_warned_of_once_a_start(world: Any) -> None:
    world.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password")
    assert "create Event DefaultVncPassword" in await world.reconcile()
    assert world.cluster.named("Secret", "paper-vnc")["data"] == {"VNC_PASSWORD": "cGFzc3dvcmQ="}
    world.pass_time(120)
    assert await world.reconcile() == []


async def test_settings_are_refreshed_in_running_pods_without_a_restart(trading: Any) -> None:
    edit(trading, login={"maxAttempts": 1})
    writes = await trading.reconcile()
    assert writes == ["apply ConfigMap paper-gateway", "annotate paper-gateway-0", "status"]


async def test_a_new_executor_template_waits_while_orders_may_be_under_way(trading: Any) -> None:
    images = trading.app.reconciler.settings.images
    newer = type(images)(agent="agent:1", executor="executor:2")
    settings = trading.app.reconciler.settings
    trading.app.reconciler.settings = type(settings)(images=newer)
    writes = await trading.reconcile()
    assert writes == ["status"]
    pending = trading.cluster.named("IBGateway", "paper")["status"]["pendingRevision"]
    assert pending.startswith("paper-executor-")
    trading.time = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)
    assert "apply Deployment paper-executor" in await trading.reconcile()


async def test_suspend_drains_first_and_then_stops(trading: Any) -> None:
    trading.peers.answers["/v1/gate"] = BUSY
    edit(trading, suspend=True)
    await trading.reconcile()
    stateful_set = ("StatefulSet", "paper-gateway")
    assert trading.cluster.named(*stateful_set)["spec"]["replicas"] == 1
    assert trading.again.seconds <= 1.0
    trading.peers.answers["/v1/gate"] = DRAINED
    await trading.reconcile()
    assert trading.cluster.named(*stateful_set)["spec"]["replicas"] == 0
    assert trading.condition("Ready") == "False Suspended"


async def test_an_executor_that_does_not_answer_delays_a_suspend_but_does_not_prevent_it(
    trading: Any,
) -> None:
    edit(trading, suspend=True)
    await trading.reconcile()
    assert trading.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 1
    trading.pass_time(121)
    await trading.reconcile()
    assert trading.cluster.named("StatefulSet", "paper-gateway")["spec"]["replicas"] == 0


async def test_the_weekly_restart_waits_for_the_drain_and_names_its_week(
    trading: Any, make_report: MakeReport
) -> None:
    trading.time = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
    trading.peers.answers["/v1/gate"] = BUSY
    await trading.reconcile()
    assert trading.peers.posted == []
    trading.peers.answers["/v1/gate"] = DRAINED
    assert "create Event RestartBegun" in await trading.reconcile()
    assert trading.peers.posted == [("/v1/restarts", '{"id":"2026-11-22T06:00:00Z"}')]
    trading.hear(make_report(sequence=8, taken_restart="2026-11-22T06:00:00Z"))
    await trading.reconcile()
    assert len(trading.peers.posted) == 1


async def test_a_restart_nobody_could_begin_in_time_asks_instead_of_pushing(trading: Any) -> None:
    trading.time = datetime(2026, 11, 22, 14, 15, 1, tzinfo=UTC)
    trading.peers.answers["/v1/gate"] = DRAINED
    assert "create Event RestartOverdue" in await trading.reconcile()
    assert trading.peers.posted == []
    assert trading.condition("OutsideRestartWindow") == "False RestartOverdue"
    assert "ibgateway.dev/login-requested-at" in trading.message("Ready")


async def test_a_sentinel_that_is_not_reached_is_told_of_the_restart_again(trading: Any) -> None:
    trading.time = datetime(2026, 11, 22, 14, 0, 1, tzinfo=UTC)
    trading.peers.answers["/v1/gate"] = DRAINED
    trading.peers.answers["/v1/restarts"] = EndpointUnavailableError("refused")
    assert "create Event RestartBegun" not in await trading.reconcile()
    del trading.peers.answers["/v1/restarts"]
    assert "create Event RestartBegun" in await trading.reconcile()


def annotate(world: Any, text: str) -> None:
    body = world.cluster.named("IBGateway", "paper")
    notes = {"ibgateway.dev/login-requested-at": text}
    world.cluster.put({**body, "metadata": {**body["metadata"], "annotations": notes}})


async def test_a_login_request_is_handed_on_once(trading: Any) -> None:
    annotate(trading, "2026-11-18T14:59:30Z")
    writes = await trading.reconcile()
    assert trading.peers.posted == [("/v1/login-requests", '{"id":"2026-11-18T14:59:30Z"}')]
    assert "create Event LoginRequested" in writes
    login = trading.cluster.named("IBGateway", "paper")["status"]["login"]
    assert login["handledRequest"] == "2026-11-18T14:59:30Z"
    assert await trading.reconcile() == []
    assert len(trading.peers.posted) == 1


async def test_an_old_login_request_is_ignored_and_said_so_once(trading: Any) -> None:
    annotate(trading, "2026-11-18T14:00:00Z")
    assert await trading.reconcile() == ["create Event LoginRequestIgnored"]
    assert await trading.reconcile() == []
    assert trading.peers.posted == []


async def test_a_gateway_that_is_gone_leaves_nothing_behind_in_memory(trading: Any) -> None:
    del trading.cluster.objects["IBGateway", "trading", "paper"]
    assert await trading.reconcile() == []
    assert trading.again is None
    assert trading.app.reconciler.vault.agent_token(trading.key) == ""
    assert trading.app.reconciler.sentinels.news(trading.key) is None
    assert trading.app.reconciler.children._applied == {}


async def test_a_gateway_that_is_being_deleted_is_not_written_to(trading: Any) -> None:
    body = trading.cluster.named("IBGateway", "paper")
    meta = {**body["metadata"], "deletionTimestamp": "2026-11-18T15:00:00Z"}
    trading.cluster.put({**body, "metadata": meta})
    assert await trading.reconcile() == []
