"""Rebalances in a ledger that may be a copy of an earlier one: the broker knows them by no name, so none of them begins."""

from dataclasses import replace
from datetime import timedelta

import pytest

from executor_fakes import NOON, ConnectionWorld
from ibgateway_executor.rebalance.progress import RebalanceRun, RebalanceState

BEGINS = RebalanceRun(
    "r", 0, "DU1234567", '{"targets":[]}', NOON, valid_until=NOON + timedelta(days=3)
)


@pytest.mark.parametrize(
    ("state", "away", "after"),
    [
        ("Accepted", timedelta(minutes=6), "Stopped"),
        ("Waiting", timedelta(hours=20), "Stopped"),
        ("Clearing", timedelta(minutes=6), "Stopped"),
        ("Waiting", timedelta(minutes=4), "Waiting"),
        ("Selling", timedelta(minutes=6), "Selling"),
        ("AwaitingSettlement", timedelta(hours=20), "AwaitingSettlement"),
    ],
)
async def test_what_has_not_begun_in_a_ledger_that_may_be_a_copy_does_not_begin(
    gateway: ConnectionWorld, state: str, away: timedelta, after: str
) -> None:
    ledger = gateway.ledger
    await ledger.rebalances.accept("k", "h", replace(BEGINS, state=RebalanceState(state)))
    await ledger.mark_written()
    gateway.time.advance(away.total_seconds())
    await ledger.recover()
    found = await ledger.rebalances.find("r")
    assert found is not None
    assert found.state == after
    assert (found.reason == "LedgerMayBeRestored") is (after == "Stopped")


async def test_what_came_after_that_start_is_no_copys(gateway: ConnectionWorld) -> None:
    await gateway.ledger.mark_written()
    gateway.time.advance(360)
    await gateway.ledger.recover()
    await gateway.ledger.rebalances.accept("k", "h", BEGINS)
    await gateway.ledger.mark_written()
    gateway.time.advance(60)
    await gateway.ledger.recover()
    found = await gateway.ledger.rebalances.find("r")
    assert found is not None
    assert found.state is RebalanceState.ACCEPTED
