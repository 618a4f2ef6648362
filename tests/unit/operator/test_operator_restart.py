"""An operator that starts again: it listens first, closes no gate that is open, and writes nothing."""

import asyncio
from typing import Final

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_operator.app import FLIGHT
from ibgateway_operator.errors import ApiUnavailableError
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import (
    FakeApiServer,
    OperatorWorld,
    ibgateway_body,
    operator_world,
    pod,
    report,
)

CONSOLE_SAYS: Final = b'{"enforced": true}'


@pytest.fixture
async def settled(world: OperatorWorld) -> OperatorWorld:
    """A gateway that trades, whose console has proven that policies are enforced."""
    world.http.answers["/network-policy"] = CONSOLE_SAYS
    world.credentials()
    await world.log_in()
    world.pass_time(0.1)
    world.hear_again()
    await world.reconcile()
    return world


async def test_it_writes_nothing(settled: OperatorWorld) -> None:
    settled.start_again()
    assert await settled.reconcile() == []
    assert await settled.keep_gate() == []
    settled.hear(report())
    assert await settled.keep_gate() == []
    for _ in range(3):
        assert await settled.reconcile() == []
        settled.pass_time(0.1)
        settled.hear_again()
    assert settled.condition("Ready") == "True Trading"


async def test_a_default_password_is_no_reason_to_write_again(settled: OperatorWorld) -> None:
    settled.secret(IB_USERNAME="someone", IB_PASSWORD="canary-password")
    settled.start_again()
    settled.hear(report())
    await settled.reconcile()
    settled.start_again()
    settled.hear(report())
    assert await settled.reconcile() == []


async def test_what_was_edited_meanwhile_is_put_right(settled: OperatorWorld) -> None:
    service = settled.api_server.named("Service", "paper-novnc")
    settled.api_server.put({**service, "spec": {**service["spec"], "type": "LoadBalancer"}})
    settled.start_again()
    assert await settled.reconcile() == ["apply Service paper-novnc"]


async def test_it_listens_before_it_applies_anything(settled: OperatorWorld) -> None:
    settled.api_server.remove("Service", "paper-novnc")
    settled.start_again()
    listening: list[bool] = []
    settled.api_server.meanwhile["Service paper-novnc"] = lambda: listening.append(
        settled.is_listening()
    )
    await settled.reconcile()
    assert listening == [True]


async def test_it_listens_to_everybody_before_it_reconciles_anybody(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More gateways than are reconciled side by side, and every look at a user's Secret hangs."""
    keys = [Key("trading", f"g{number:02}") for number in range(2 * FLIGHT)]
    for key in keys:
        _runs_already(world, key)
    get = world.api_server.get

    async def hangs(kind: Kind, key: Key) -> Manifest:
        if key.name == "ib-credentials":
            await asyncio.sleep(3600)
        return await get(kind, key)

    monkeypatch.setattr(world.api_server, "get", hangs)
    work = asyncio.create_task(world.app._reconcile_all())
    for key in keys:
        world.app.add(key)
    for _ in range(50):
        await asyncio.sleep(0)
    memories = [world.app.memories.get(key) for key in keys]
    heard = [m for m in memories if m and m.listening and m.listening.listened is not None]
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    assert len(heard) == 2 * FLIGHT


def _runs_already(world: OperatorWorld, key: Key) -> None:
    """An earlier operator has made it."""
    uid = f"uid-{key.name}"
    owner = {"kind": "IBGateway", "uid": uid}
    meta = {
        "namespace": key.namespace,
        "name": f"{key.name}-agent-token",
        "ownerReferences": [owner],
    }
    world.api_server.put({"kind": "Secret", "metadata": meta, "data": {"token": "dG9rZW4="}})
    world.api_server.put(ibgateway_body(name=key.name, uid=uid))
    world.api_server.put(pod("gateway", gateway=key.name, uid=f"pod-{key.name}"))


async def test_it_listens_to_the_gateway_of_a_spec_that_it_does_not_serve(
    settled: OperatorWorld,
) -> None:
    settled.edit(weeklyRestart={"timeZone": "Mars/Olympus"})
    await settled.reconcile()
    settled.start_again()
    await settled.reconcile()
    assert settled.is_listening()


async def test_a_gateway_that_waits_for_its_turn_keeps_its_gate_for_a_bounded_time(
    settled: OperatorWorld,
) -> None:
    settled.start_again()
    assert await settled.keep_gate() == []
    settled.pass_time(59)
    assert await settled.keep_gate() == []
    settled.pass_time(1.1)
    assert await settled.keep_gate() == ["condition False NoNews"]


async def test_silence_counts_from_when_the_listening_began(settled: OperatorWorld) -> None:
    settled.start_again()
    settled.pass_time(30)
    assert await settled.reconcile() == []
    settled.pass_time(14.9)
    assert await settled.keep_gate() == []
    settled.pass_time(0.2)
    assert await settled.keep_gate() == ["condition False NoNews"]


async def test_news_of_trouble_closes_it_at_once(settled: OperatorWorld) -> None:
    settled.start_again()
    await settled.reconcile()
    settled.hear(report(LoginState.LOCKED_OUT, sequence=8))
    assert await settled.keep_gate() == ["condition False LockedOut"]


async def test_a_token_that_can_not_be_read_yet_closes_nothing_at_once(
    settled: OperatorWorld,
) -> None:
    settled.api_server.refuse["get Secret paper-agent-token"] = ApiUnavailableError("503: busy")
    settled.start_again()
    await settled.reconcile()
    settled.pass_time(15.1)
    assert await settled.keep_gate() == []


async def test_what_an_earlier_version_applied_is_applied_once_more() -> None:
    async with operator_world() as world:
        await world.log_in()
        _forget_marks(world.api_server)
        world.start_again()
        writes = await world.reconcile()
        assert len([w for w in writes if w.startswith("apply")]) == 19
        assert await world.reconcile() == []


def _forget_marks(server: FakeApiServer) -> None:
    for (kind, _, name), body in list(server.objects.items()):
        notes = dict(body["metadata"].get("annotations", {}))
        if notes.pop("ibgateway.dev/applied", None):
            meta = {**body["metadata"], "annotations": notes}
            server.put({**server.named(kind, name), "metadata": meta})
