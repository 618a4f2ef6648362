"""The one reconcile, on an API server in memory: what it writes, when it writes nothing."""

from datetime import UTC, datetime

import pytest

from ibgateway_operator.settings import Images
from operator_fakes import OperatorWorld, pod, report


async def test_a_new_gateway_gets_its_children_and_a_status(world: OperatorWorld) -> None:
    writes = await world.reconcile()
    assert [w for w in writes if w.startswith("create")] == [
        "create Secret paper-agent-token",
        "create Secret paper-gate-token",
        "create Secret paper-executor-token",
    ]
    assert len([w for w in writes if w.startswith("apply")]) == 19
    assert writes[-1] == "status"
    assert world.condition("Ready") == "False NoNews"


async def test_a_second_run_writes_nothing(world: OperatorWorld) -> None:
    await world.reconcile()
    assert await world.reconcile() == []


async def test_a_gateway_that_trades_is_ready_and_then_left_alone(trading: OperatorWorld) -> None:
    assert trading.condition("Ready") == "True Trading"
    trading.pass_time(30)
    trading.hear_again()
    assert await trading.reconcile() == []


async def test_what_somebody_changed_is_put_right_and_nothing_else(trading: OperatorWorld) -> None:
    service = trading.api_server.named("Service", "paper-novnc")
    trading.api_server.put({**service, "spec": {**service["spec"], "type": "LoadBalancer"}})
    assert await trading.reconcile() == ["apply Service paper-novnc"]


async def test_a_status_of_a_child_is_no_reason_to_write(trading: OperatorWorld) -> None:
    deployment = trading.api_server.named("Deployment", "paper-executor")
    trading.api_server.put({**deployment, "status": {"readyReplicas": 1}})
    assert await trading.reconcile() == []


async def test_a_deleted_child_comes_back(trading: OperatorWorld) -> None:
    trading.api_server.remove("Service", "paper-novnc")
    assert await trading.reconcile() == ["apply Service paper-novnc"]


async def test_missing_credentials_are_named_and_start_nothing(world: OperatorWorld) -> None:
    world.api_server.remove("Secret", "ib-credentials")
    await world.reconcile()
    assert world.condition("Ready") == "False CredentialsMissing"
    assert "Secret ib-credentials does not exist" in world.message("Ready")
    assert world.replicas("StatefulSet", "paper-gateway") == 0
    world.credentials()
    world.pass_time(11)
    await world.reconcile()
    assert world.replicas("StatefulSet", "paper-gateway") == 1


async def test_credentials_that_vanish_stop_nothing(trading: OperatorWorld) -> None:
    trading.api_server.remove("Secret", "ib-credentials")
    trading.pass_time(3961)
    trading.hear_again()
    writes = await trading.reconcile()
    assert not [w for w in writes if "StatefulSet" in w]
    assert trading.replicas("StatefulSet", "paper-gateway") == 1
    assert trading.condition("TradingAllowed") == "True GateOpen"
    assert trading.condition("Ready") == "False CredentialsMissing"


async def test_a_refused_spec_touches_nothing_that_runs(trading: OperatorWorld) -> None:
    trading.edit(weeklyRestart={"timeZone": "Mars/Olympus"}, novnc={"enabled": False})
    writes = await trading.reconcile()
    assert writes == ["status", "create Event UnknownTimeZone"]
    assert trading.condition("SpecAccepted") == "False UnknownTimeZone"
    assert trading.condition("TradingAllowed") == "True GateOpen"


async def test_settings_are_refreshed_in_running_pods_without_a_restart(
    trading: OperatorWorld,
) -> None:
    trading.edit(login={"maxAttempts": 1})
    writes = await trading.reconcile()
    assert writes == ["apply ConfigMap paper-gateway", "annotate paper-gateway-0", "status"]


async def test_pods_whose_settings_never_were_others_are_told_of_none(
    world: OperatorWorld,
) -> None:
    writes = await world.reconcile()
    for component in ("gateway", "executor"):
        world.api_server.put(pod(component))
    world.deliver()
    writes += await world.reconcile()
    assert not [w for w in writes if w.startswith("annotate")]


async def test_a_pod_made_after_a_change_of_settings_is_told_of_them(world: OperatorWorld) -> None:
    """It may have begun before the change: nobody compares times."""
    await world.reconcile()
    world.edit(login={"maxAttempts": 1})
    await world.reconcile()
    world.api_server.put(pod("gateway"))
    world.deliver()
    assert "annotate paper-gateway-0" in await world.reconcile()
    world.edit(login={"maxAttempts": 3})
    assert "annotate paper-gateway-0" in await world.reconcile()


async def test_a_first_login_tells_no_pod_of_settings(world: OperatorWorld) -> None:
    await world.reconcile()
    world.api_server.put(pod("gateway"))
    world.deliver()
    world.hear(report())
    writes = await world.reconcile()
    writes += await world.reconcile()
    assert "apply ConfigMap paper-gateway" in writes
    assert not [w for w in writes if w.startswith("annotate")]


async def test_a_start_that_is_told_step_by_step_costs_29_requests(world: OperatorWorld) -> None:
    """19 children, three Secrets and a look at the user's; the gate, two statuses, two Events, and the
    note that there was a login. (test_beginning.py has what an undisturbed one costs.)"""
    asked = [*await world.reconcile()]
    for component in ("gateway", "executor", "novnc"):
        world.api_server.put(pod(component))
    world.deliver()
    asked += await world.keep_gate()
    asked += await world.reconcile()
    world.hear(report())
    asked += await world.keep_gate()
    for _ in range(4):
        asked += await world.reconcile()
        world.deliver()
    assert world.api_server.reads == ["get Secret ib-credentials"]
    assert len(asked) + len(world.api_server.reads) == 29


async def test_a_new_executor_template_waits_while_orders_may_be_under_way(
    trading: OperatorWorld,
) -> None:
    trading.use_images(Images(agent="agent:1", executor="executor:2"))
    writes = await trading.reconcile()
    assert writes == ["status", "create Event ChangePending"]
    pending = trading.stored()["status"]["pendingRevision"]
    assert pending.startswith("paper-executor-")
    trading.set_time(datetime(2026, 11, 22, 7, 0, tzinfo=UTC))
    trading.http.answers["/v1/gate"] = b'{"open":false,"unacknowledged":0}'
    assert "apply Deployment paper-executor" in await trading.reconcile()


async def test_a_gateway_that_is_gone_leaves_nothing_behind_in_memory(
    trading: OperatorWorld,
) -> None:
    trading.api_server.remove("IBGateway", "paper")
    assert await trading.reconcile() == []
    assert trading.again is None
    assert trading.agent_token() == ""
    assert trading.heard() is None
    assert trading.remembered_owners() == set()


async def test_a_gateway_that_is_being_deleted_is_not_written_to(trading: OperatorWorld) -> None:
    body = trading.stored()
    meta = {**body["metadata"], "deletionTimestamp": "2026-11-18T15:00:00Z"}
    trading.api_server.put({**body, "metadata": meta})
    assert await trading.reconcile() == []


@pytest.mark.parametrize("broken", [{"gateway": {"timeZone": "Mars/Olympus"}}, {"login": 7}])
async def test_a_refused_spec_is_looked_at_again_slowly(
    trading: OperatorWorld, broken: dict[str, object]
) -> None:
    trading.pass_time(61)
    trading.hear_again()
    trading.edit(**broken)
    await trading.reconcile()
    assert trading.condition("SpecAccepted").startswith("False")
    assert trading.next_look() >= 10.0
