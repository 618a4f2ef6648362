"""A restart: sentinels are listened to while the rest is still being listed, and Secrets are read once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.app import FLIGHT
from ibgateway_operator.errors import ApiUnavailableError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.observe.secrets import Secrets
from ibgateway_operator.queues import Queues
from ibgateway_operator.reconcile import Reconciler
from operator_fakes import OperatorWorld, pod, report

LEASE = "ibgateway-operator"
WORKLOADS = {
    "gateway": ("StatefulSet", "paper-gateway"),
    "executor": ("Deployment", "paper-executor"),
    "novnc": ("Deployment", "paper-novnc"),
}


@pytest.fixture
async def running(trading: OperatorWorld) -> OperatorWorld:
    """A gateway that trades, in pods with everything that they mount; its operator starts again."""
    trading.http.answers["/network-policy"] = b'{"enforced": true}'
    for component, place in WORKLOADS.items():
        template = trading.api_server.named(*place)["spec"]["template"]
        trading.api_server.put({**pod(component), "spec": template["spec"]})  # type: ignore[arg-type]
    trading.deliver()
    trading.pass_time(10.0)
    trading.hear_again()
    await trading.reconcile()
    trading.start_again()
    trading.api_server.reads.clear()
    return trading


async def test_each_secret_is_read_once_and_those_that_pods_run_with_not_at_all(
    running: OperatorWorld,
) -> None:
    await running.app.reconciler.listen(running.key)
    running.hear(report())
    for _ in range(3):
        await running.reconcile()
    assert running.api_server.reads == ["get Secret paper-agent-token", "get Secret ib-credentials"]


async def test_two_that_need_the_token_at_once_read_it_once(
    running: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    get = running.api_server.get

    async def slowly(kind: Kind, key: Key) -> Manifest:
        await asyncio.sleep(0)
        return await get(kind, key)

    monkeypatch.setattr(running.api_server, "get", slowly)
    listen = running.app.reconciler.listen
    await asyncio.gather(listen(running.key), listen(running.key))
    assert running.api_server.reads == ["get Secret paper-agent-token"]


@pytest.mark.parametrize("phase", ["Pending", "Succeeded"])
async def test_a_pod_that_does_not_run_proves_no_secret(running: OperatorWorld, phase: str) -> None:
    body = running.api_server.named("Pod", "paper-executor-abc")
    running.api_server.put({**body, "status": {**body["status"], "phase": phase}})
    running.deliver()
    running.api_server.remove("Secret", "paper-executor-token")
    assert "create Secret paper-executor-token" in await running.reconcile()


async def test_pods_of_an_earlier_resource_prove_no_secret(running: OperatorWorld) -> None:
    body = running.api_server.named("Deployment", "paper-executor")
    owners = [{**body["metadata"]["ownerReferences"][0], "uid": "uid-of-another"}]
    meta = {**body["metadata"], "ownerReferences": owners}
    running.api_server.put({**body, "metadata": meta})
    running.deliver()
    running.api_server.remove("Secret", "paper-executor-token")
    assert "create Secret paper-executor-token" in await running.reconcile()


async def test_one_that_was_deleted_meanwhile_is_back_with_the_next_look(
    running: OperatorWorld,
) -> None:
    running.api_server.remove("Secret", "paper-executor-token")
    running.hear(report())
    assert await running.reconcile() == []
    running.pass_time(3961)
    running.hear_again()
    assert "create Secret paper-executor-token" in await running.reconcile()


@asynccontextmanager
async def still_listing(world: OperatorWorld) -> AsyncIterator[asyncio.Event]:
    """The operator has started; what it gives is set once everything was listed."""
    listed = asyncio.Event()
    world.app.start(lambda: _wait(listed))
    yield listed
    await world.app.stop()


async def _wait(event: asyncio.Event) -> None:
    await event.wait()


async def turns(count: int = 50) -> None:
    """Let everybody go on who can."""
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_gateway_is_listened_to_before_everything_was_listed(
    running: OperatorWorld,
) -> None:
    async with still_listing(running):
        running.app.queues.child_changed(running.api_server.named("Pod", "paper-gateway-0"))
        await turns()
        assert running.is_listening()
        assert running.app.leadership.holds() is False


async def test_nobody_is_listened_to_early_while_another_operator_works(
    running: OperatorWorld,
) -> None:
    _give_lease_to(running, "another")
    async with still_listing(running):
        running.app.queues.child_changed(running.api_server.named("Pod", "paper-gateway-0"))
        await turns()
        assert running.api_server.reads == [f"get Lease {LEASE}"]
        assert not running.is_listening()


async def test_one_who_was_overtaken_while_it_listed_listens_to_nobody(
    running: OperatorWorld,
) -> None:
    async with still_listing(running) as listed:
        running.app.queues.child_changed(running.api_server.named("Pod", "paper-gateway-0"))
        await turns()
        assert running.is_listening()
        _give_lease_to(running, "another")
        listed.set()
        await turns()
        assert running.remembered_owners() == set()


async def test_a_lease_that_can_not_be_read_is_taken_for_somebody_elses(
    running: OperatorWorld,
) -> None:
    running.api_server.refuse[f"get Lease {LEASE}"] = ApiUnavailableError("no answer")
    assert await running.app.leadership.vacant() is False
    running.api_server.refuse.clear()
    assert await running.app.leadership.vacant() is True


def _give_lease_to(world: OperatorWorld, holder: str) -> None:
    meta = {"namespace": "default", "name": LEASE}
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 15}
    world.api_server.put({"kind": "Lease", "metadata": meta, "spec": spec})


async def test_time_spent_listing_is_no_time_in_which_a_gateway_was_silent(
    running: OperatorWorld,
) -> None:
    """Its token could not be read, and the list took longer than an unheard gateway is waited for."""
    running.api_server.refuse["get Secret paper-agent-token"] = ApiUnavailableError("busy")
    await running.app.reconciler.listen(running.key)
    running.pass_time(61)
    running.app.memories.begin()
    assert await running.keep_gate() == []
    running.pass_time(60.1)
    assert await running.keep_gate() == ["condition False NoNews"]


async def test_one_that_can_not_be_listened_to_holds_up_nobody(
    running: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> None:
        raise ValueError("a bug")

    monkeypatch.setattr(Secrets, "read_agent_token", broken)
    await running.app._listen_to([running.key])
    assert not running.is_listening()


async def test_a_gateway_pod_that_was_shown_is_listened_to_without_a_reconcile(
    running: OperatorWorld,
) -> None:
    queues: Queues = running.app.queues
    for component in ("executor", "novnc"):
        queues.child_changed(pod(component))
    assert len(queues.listening) == 0
    queues.child_changed(pod("gateway"))
    assert len(queues.listening) == 1


async def test_the_echo_of_a_write_brings_no_reconcile(created: OperatorWorld) -> None:
    """The watches show what the operator has just written, and nothing else."""
    await created.reconcile()
    cache: Cache = created.app.queues.cache
    echoes = [event for event in created.api_server.informer.waiting if event.kind != "IBGateway"]
    assert len(echoes) == 19
    assert [event for event in echoes if cache.shown(event.body)] == []


async def test_what_somebody_else_has_written_just_before_is_news(created: OperatorWorld) -> None:
    """A write is answered with everything that is stored, also with what nobody has looked at yet."""
    await created.reconcile()
    created.deliver()
    service = created.api_server.named("Service", "paper-novnc")
    edited = created.api_server.put({**service, "spec": {"type": "LoadBalancer"}})
    cache = created.app.queues.cache
    cache.written(created.api_server.put({**edited, "status": {"ours": "on top of it"}}))
    told = [cache.shown(event.body) for event in created.api_server.informer.waiting]
    assert told == [True, False]


async def test_what_somebody_else_has_written_since_is_news(created: OperatorWorld) -> None:
    await created.reconcile()
    service = created.api_server.named("Service", "paper-novnc")
    edited = created.api_server.put({**service, "spec": {"type": "LoadBalancer"}})
    assert created.app.queues.cache.shown(edited)


async def test_a_thousand_are_listened_to_a_few_at_a_time(
    running: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever renews the Lease has its turn in between."""
    at_once, most = 0, 0

    async def listen(*_: object) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1

    monkeypatch.setattr(Reconciler, "listen", listen)
    await running.app._listen_to([Key("trading", f"g{number}") for number in range(1000)])
    assert (at_once, most) == (0, FLIGHT)
