"""`DELETE /v1/rebalances/{id}`: asked again after a lost answer it says what came of the first one."""

from dataclasses import replace
from datetime import timedelta

import pytest

from executor_fakes import NOON, IntakeWorld
from ibgateway_executor.rebalance.progress import RebalanceRun, RebalanceState
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance

PATH = "/v1/rebalances/r1"


async def stored(intake: IntakeWorld, state: RebalanceState = RebalanceState.ACCEPTED) -> None:
    """The rebalance r1, in this state."""
    run = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    await intake.ledger.rebalances.accept("r1", "h", run)
    await moved(intake, state)


async def moved(intake: IntakeWorld, state: RebalanceState) -> None:
    await intake.ledger.rebalances.advance("r1", lambda run: replace(run, state=state))


async def test_a_cancel_that_is_repeated_is_answered_as_the_first(intake: IntakeWorld) -> None:
    await stored(intake)
    first, again = await intake.http.delete(PATH), await intake.http.delete(PATH)
    assert (first.status_code, first.json()["state"]) == (200, "Cancelled")
    assert (again.status_code, again.json()) == (200, first.json())
    history = (await intake.http.get(f"{PATH}/history")).json()["history"]
    assert [line["to"] for line in history] == ["Accepted", "Cancelled"]


async def test_one_that_trades_is_asked_to_end_and_once_ended_is_cancelled(
    intake: IntakeWorld,
) -> None:
    await stored(intake, RebalanceState.SELLING)
    for _ in range(2):
        answer = await intake.http.delete(PATH)
        assert (answer.status_code, answer.json()["cancelRequested"]) == (202, True)
    await moved(intake, RebalanceState.CANCELLED)
    assert (await intake.http.delete(PATH)).status_code == 200


@pytest.mark.parametrize("state", [RebalanceState.COMPLETED, RebalanceState.STOPPED])
async def test_one_that_has_ended_otherwise_can_not_be_cancelled(
    intake: IntakeWorld, state: RebalanceState
) -> None:
    await stored(intake, state)
    refused = await intake.http.delete(PATH)
    assert (refused.status_code, refused.json()["code"]) == (409, "CannotCancel")
    assert f"is {state} already" in refused.json()["detail"]


async def test_one_that_ends_while_it_is_asked_is_not_said_to_be_cancelled(
    intake: IntakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stored(intake, RebalanceState.BUYING)
    find = RebalanceAcceptance.find

    async def found(acceptance: RebalanceAcceptance, run_id: str) -> RebalanceRun | None:
        before = await find(acceptance, run_id)
        await moved(intake, RebalanceState.COMPLETED)
        return before

    monkeypatch.setattr(RebalanceAcceptance, "find", found)
    refused = await intake.http.delete(PATH)
    assert (refused.status_code, refused.json()["code"]) == (409, "CannotCancel")
