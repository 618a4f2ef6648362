"""A seeded part of the crash campaign; all of it: tests/faults/executor/campaign.py."""

from pathlib import Path

import pytest

from crash_campaign.campaign import CampaignPlan, campaign, table
from crash_campaign.session import Accident


@pytest.mark.timeout(600)
@pytest.mark.parametrize("accident", list(Accident))
async def test_no_order_is_lost_or_sent_twice_whenever_the_executor_dies(
    tmp_path: Path, accident: Accident
) -> None:
    plan = CampaignPlan(accident, seed=20261129, sample=3, enumerations=1, moments=2, orders=20)
    result = await campaign(tmp_path, plan)
    assert result.verdict.violations == [], table(result)
    kinds = {kind for kind, _, _ in result.targets}
    assert kinds == {"await", "before commit", "after commit", "before write", "after write"}
    assert len(result.tried) == 3
    assert len(result.missed) < 3, table(result)
    assert result.verdict.states["Filled"] >= 20


@pytest.mark.timeout(600)
async def test_a_rebalance_goes_on_whenever_the_executor_dies(tmp_path: Path) -> None:
    plan = CampaignPlan(
        Accident.KILL, story="rebalance", seed=20261129, sample=3, enumerations=2, occurrences=1
    )
    result = await campaign(tmp_path, plan)
    assert result.verdict.violations == [], table(result)
    assert any("rebalance_runs/" in place for _, place, _ in result.targets)
    assert len(result.missed) < 3, table(result)
    assert result.verdict.states["Filled"] >= 6


@pytest.mark.timeout(600)
async def test_a_ledger_in_postgresql_outlives_its_executor_too(tmp_path: Path) -> None:
    plan = CampaignPlan(
        Accident.KILL,
        store="postgres",
        seed=20261129,
        sample=3,
        enumerations=1,
        moments=2,
        orders=20,
    )
    result = await campaign(tmp_path, plan)
    assert result.verdict.violations == [], table(result)
    assert {"before commit", "after commit"} <= {kind for kind, _, _ in result.targets}
    assert len(result.missed) < 3, table(result)
    assert result.verdict.states["Filled"] >= 20
