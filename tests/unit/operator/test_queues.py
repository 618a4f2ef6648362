"""The fast lane that keeps the gate, and the resync that notices what no watch has shown."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import HoldReport, SentinelReport
from ibgateway_operator.model.manifests import Manifest

MakeReport = Callable[..., SentinelReport]
MakePod = Callable[..., Manifest]


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


class TestFastLane:
    async def test_news_becomes_the_pods_condition_and_is_written_once(
        self, trading: Any, make_report: MakeReport
    ) -> None:
        trading.hear(make_report(LoginState.SESSION_CONFLICT, sequence=8))
        assert await trading.keep_gate() == ["condition False SessionConflict"]
        assert await trading.keep_gate() == []
        trading.hear(make_report(sequence=9))
        assert await trading.keep_gate() == ["condition True GateOpen"]

    async def test_silence_closes_the_gate_when_it_is_five_seconds_old(self, trading: Any) -> None:
        trading.pass_time(4.9)
        assert await trading.keep_gate() == []
        assert trading.again.seconds == pytest.approx(0.15)
        trading.pass_time(0.15)
        assert await trading.keep_gate() == ["condition False NoNews"]

    async def test_a_hold_of_the_sentinel_closes_it(
        self, trading: Any, make_report: MakeReport
    ) -> None:
        hold = HoldReport(reason=GateReason.CLOCK_SKEW)
        trading.hear(make_report(sequence=8, holds=(hold,)))
        assert await trading.keep_gate() == ["condition False ClockSkew"]

    async def test_the_boundary_closes_it(self, trading: Any) -> None:
        trading.time = datetime(2026, 11, 22, 6, 0, 0, tzinfo=UTC)
        assert await trading.keep_gate() == ["condition False RestartWindow"]

    async def test_a_new_pod_gets_its_condition(self, trading: Any, make_pod: MakePod) -> None:
        trading.cluster.put(make_pod("executor", uid="uid-new"))
        assert await trading.keep_gate() == ["condition True GateOpen"]

    async def test_a_restarted_operator_does_not_blink(
        self, world: Any, make_pod: MakePod, make_report: MakeReport
    ) -> None:
        await world.reconcile()
        for component in ("gateway", "executor"):
            world.cluster.put(make_pod(component))
        assert await world.keep_gate() == []
        assert "status" not in await world.reconcile()
        world.pass_time(5.1)
        assert await world.keep_gate() == ["condition False NoNews"]

    async def test_a_gate_that_changed_is_told_to_the_slow_lane(
        self, trading: Any, make_report: MakeReport
    ) -> None:
        while len(trading.app.slow):
            trading.app.slow.done(await trading.app.slow.take())
        trading.pass_time(5.1)
        await trading.keep_gate()
        assert len(trading.app.slow) == 1


class TestResync:
    async def test_what_the_api_server_has_lost_is_applied_again(self, trading: Any) -> None:
        before = trading.cluster.names

        async def names(kind: Any, namespace: str, selector: str = "") -> set[Key]:
            stored: set[Key] = await before(kind, namespace, selector)
            return stored - {Key("trading", "paper-novnc")} if kind.kind == "Service" else stored

        trading.cluster.names = names
        await trading.app._compare()
        assert await trading.reconcile() == ["apply Service paper-novnc"]

    async def test_a_gateway_whose_end_no_watch_has_shown_is_forgotten(self, trading: Any) -> None:
        async def names(kind: Any, namespace: str, selector: str = "") -> set[Key]:
            return set()

        trading.cluster.names = names
        await trading.app._compare()
        assert await trading.reconcile() == []
        assert trading.again is None
        assert trading.app.cache.gateway(trading.key) is None

    async def test_a_resync_of_a_healthy_gateway_writes_nothing(self, trading: Any) -> None:
        await trading.app._compare()
        assert await trading.reconcile() == []
