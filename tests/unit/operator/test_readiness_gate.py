"""The fast lane: what the sentinel says is the executor pod's condition at once, written once."""

from datetime import UTC, datetime

import pytest

from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport
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
    world.pass_time(5.1)
    assert await world.keep_gate() == ["condition False NoNews"]


async def test_a_gate_that_changed_is_told_to_the_slow_lane(trading: OperatorWorld) -> None:
    await trading.drain_queue()
    trading.pass_time(5.1)
    await trading.keep_gate()
    assert trading.reconciles_due() == 1
