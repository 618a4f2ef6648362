"""The fast lane: what the sentinel says is the executor pod's condition at once, written once."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import HoldReport
from ibgateway_operator.errors import ApiUnavailableError
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import OperatorWorld, pod, report


async def test_news_becomes_the_pods_condition_and_is_written_once(trading: OperatorWorld) -> None:
    trading.hear(report(LoginState.SESSION_CONFLICT, sequence=8))
    assert await trading.keep_gate() == ["condition False SessionConflict"]
    assert await trading.keep_gate() == []
    trading.hear(report(sequence=9))
    assert await trading.keep_gate() == ["condition True GateOpen"]


async def test_silence_closes_the_gate_when_it_is_five_seconds_old(trading: OperatorWorld) -> None:
    trading.pass_time(4.9)
    assert await trading.keep_gate() == []
    assert trading.next_look() == pytest.approx(0.15)
    trading.pass_time(0.15)
    assert await trading.keep_gate() == ["condition False NoNews"]


async def test_a_hold_of_the_sentinel_closes_it(trading: OperatorWorld) -> None:
    hold = HoldReport(reason=GateReason.CLOCK_SKEW)
    trading.hear(report(sequence=8, holds=(hold,)))
    assert await trading.keep_gate() == ["condition False ClockSkew"]


async def test_the_boundary_closes_it(trading: OperatorWorld) -> None:
    trading.set_time(datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC))
    assert await trading.keep_gate() == ["condition False RestartWindow"]


async def test_a_new_pod_gets_its_condition(trading: OperatorWorld) -> None:
    trading.api_server.put(pod("executor", uid="uid-new"))
    assert await trading.keep_gate() == ["condition True GateOpen"]


async def test_a_restarted_operator_does_not_blink(world: OperatorWorld) -> None:
    await world.reconcile()
    for component in ("gateway", "executor"):
        world.api_server.put(pod(component))
    assert await world.keep_gate() == []
    assert "status" not in await world.reconcile()
    world.pass_time(14.9)
    assert await world.keep_gate() == []
    world.pass_time(0.2)
    assert await world.keep_gate() == ["condition False NoNews"]


async def test_a_gate_that_changed_is_told_to_the_slow_lane(trading: OperatorWorld) -> None:
    await trading.drain_queue()
    trading.pass_time(5.1)
    await trading.keep_gate()
    assert trading.reconciles_due() == 1


async def test_only_children_that_a_gate_depends_on_have_it_judged(trading: OperatorWorld) -> None:
    queues, judged = trading.app.queues, []
    while len(queues.fast):
        queues.fast.done(await queues.fast.take())
    for body in queues.cache.children(trading.key):
        queues.child_changed(body)
        if len(queues.fast):
            judged.append(body["kind"])
            queues.fast.done(await queues.fast.take())
    assert sorted(judged) == ["Deployment", "Deployment", "Pod", "Pod", "Pod", "StatefulSet"]
    assert trading.reconciles_due() == 1


class TestStill:
    """A gate that nothing has happened to is not judged, and silence is noticed all the same."""

    async def left(self, world: OperatorWorld) -> float | None:
        again = await world.app.gates.still(world.key)
        return None if again is None else again.seconds

    async def test_it_stands_for_as_long_as_news_is_fresh(self, trading: OperatorWorld) -> None:
        await trading.keep_gate()
        trading.pass_time(3.0)
        trading.hear_again()
        trading.pass_time(1.0)
        assert await self.left(trading) == pytest.approx(4.05)
        trading.pass_time(4.05)
        assert await self.left(trading) is None
        assert await trading.keep_gate() == ["condition False NoNews"]

    async def test_it_is_judged_each_minute(self, trading: OperatorWorld) -> None:
        await trading.keep_gate()
        trading.pass_time(59.0)
        trading.hear_again()
        assert await self.left(trading) == pytest.approx(1.05)
        trading.pass_time(1.1)
        trading.hear_again()
        assert await self.left(trading) is None

    async def test_it_is_judged_at_the_boundary(self, trading: OperatorWorld) -> None:
        trading.set_time(datetime(2026, 11, 22, 5, 59, 58, tzinfo=UTC))
        trading.hear_again()
        await trading.keep_gate()
        trading.pass_time(2.1)
        trading.hear_again()
        assert await self.left(trading) is None
        assert await trading.keep_gate() == ["condition False RestartWindow"]

    async def test_one_that_was_never_judged_is(self, world: OperatorWorld) -> None:
        assert await self.left(world) is None
        await world.reconcile()
        assert await self.left(world) is None

    async def test_one_whose_condition_could_not_be_written_is_judged_again(
        self, trading: OperatorWorld, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await trading.keep_gate()

        async def down(key: Key, condition: Manifest) -> Manifest:
            raise ApiUnavailableError("503: busy")

        monkeypatch.setattr(trading.api_server, "patch_pod_condition", down)
        trading.hear(report(LoginState.LOCKED_OUT, sequence=8))
        with pytest.raises(ApiUnavailableError):
            await trading.keep_gate()
        assert await self.left(trading) is None
