"""The end of the executor: what is on its way has a known fate, or an unknown one in the ledger."""

import asyncio
from datetime import UTC, datetime

import pytest

from executor_fakes import DispatchWorld, report
from ibgateway_api.gate import GateReason
from ibgateway_api.reports import HoldReport
from ibgateway_executor import lifetime
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_runtime.sentinel_client import DrainReport

STOPS = report().model_copy(update={"holds": (HoldReport(reason=GateReason.PLANNED_STOP),)})
SUBMITTED = OrderStatusReport(1, 17, 900, "Submitted", order_ref="ibg-a")


async def drain(dispatch: DispatchWorld) -> None:
    dispatching = asyncio.create_task(dispatch.dispatcher.run())
    await lifetime._drain(dispatch.dispatcher, dispatching, dispatch.ledger)


async def sent(dispatch: DispatchWorld) -> None:
    await dispatch.order("a")
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Sending", "")]


async def test_what_nobody_acknowledges_ends_as_unknown(
    dispatch: DispatchWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifetime, "DRAIN_SECONDS", 0.05)
    await sent(dispatch)
    await drain(dispatch)
    assert await dispatch.states("a") == [("Unknown", "NoAcknowledgement")]


async def test_an_acknowledgement_is_waited_for(dispatch: DispatchWorld) -> None:
    await sent(dispatch)
    draining = asyncio.create_task(drain(dispatch))
    await asyncio.sleep(0)
    await dispatch.ledger.observe(SUBMITTED)
    await draining
    assert await dispatch.states("a") == [("Working", "")]


async def test_a_gateway_that_stops_is_told_when_nothing_is_on_its_way(
    dispatch: DispatchWorld,
) -> None:
    assert lifetime.drained(dispatch.ledger, report()) is None
    assert lifetime.drained(dispatch.ledger, STOPS) is True
    await sent(dispatch)
    assert lifetime.drained(dispatch.ledger, STOPS) is False
    await dispatch.ledger.observe(SUBMITTED)
    assert lifetime.drained(dispatch.ledger, STOPS) is True


async def test_the_sentinel_is_told_when_the_session_of_what_is_traded_ends(
    dispatch: DispatchWorld,
) -> None:
    assert dispatch.contracts.closes() is None
    await dispatch.order("a")
    await dispatch.dispatch()
    told = lifetime.drain_report(dispatch.ledger, dispatch.contracts.closes, report())
    closes = datetime(2026, 11, 23, 21, 0, tzinfo=UTC)
    assert told == DrainReport(None, closes, queued=0, sent=1)
    dispatch.time.set(datetime(2026, 11, 23, 21, 0, tzinfo=UTC))
    assert dispatch.contracts.closes() is None
