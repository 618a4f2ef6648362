"""A seeded part of the crash campaign; all of it: tests/faults/executor/campaign.py."""

from pathlib import Path

import pytest

from crash_campaign.campaign import CampaignPlan, CampaignResult, campaign
from crash_campaign.session import Accident
from crash_campaign.table import details

SEED = 20261129
KINDS = {"await", "before commit", "after commit", "before write", "after write"}


async def _nothing_found(folder: Path, plan: CampaignPlan) -> CampaignResult:
    result = await campaign(folder, plan)
    assert result.violations == [], details(result)
    assert {kind for kind, _, _ in result.targets} == KINDS, details(result)
    assert result.done["points tried"] == plan.sample, details(result)
    assert result.done["moments"] == plan.moments, details(result)
    return result


@pytest.mark.timeout(600)
@pytest.mark.parametrize("accident", [Accident.CUT, Accident.POWER])
async def test_no_order_is_lost_or_sent_twice_whenever_the_executor_dies(
    tmp_path: Path, accident: Accident
) -> None:
    plan = CampaignPlan(accident, seed=SEED, sample=2, enumerations=1, moments=2)
    result = await _nothing_found(tmp_path, plan)
    assert result.verdict.states["Filled"] >= 12


@pytest.mark.timeout(600)
async def test_a_rebalance_goes_on_whenever_the_executor_dies(tmp_path: Path) -> None:
    plan = CampaignPlan(
        *(Accident.KILL, "rebalance"),
        seed=SEED,
        sample=2,
        wanted="commit ledger",
        enumerations=1,
        occurrences=1,
    )
    result = await _nothing_found(tmp_path, plan)
    assert result.done["points reached"], details(result)
    assert any("rebalance_runs/" in place for _, place, _ in result.targets)
    assert result.verdict.states["Filled"] >= 2


@pytest.mark.timeout(600)
async def test_a_ledger_in_postgresql_outlives_its_executor_and_its_server(tmp_path: Path) -> None:
    plan = CampaignPlan(
        Accident.DATABASE, store="postgres", seed=SEED, sample=2, enumerations=1, moments=2
    )
    result = await _nothing_found(tmp_path, plan)
    assert result.verdict.states["Filled"] >= 12
