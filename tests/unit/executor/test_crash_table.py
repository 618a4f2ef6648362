"""The table that a crash campaign prints."""

from collections import Counter

from crash_campaign.campaign import CampaignPlan, CampaignResult
from crash_campaign.session import Accident
from crash_campaign.table import details, table
from order_judge import AuditVerdict


def result(plan: CampaignPlan, verdict: AuditVerdict, **done: int) -> CampaignResult:
    counted = Counter({name.replace("_", " "): number for name, number in done.items()})
    return CampaignResult(plan, [("await", "run.py:f:1", 1)], [], counted, verdict, 3, 1)


def test_worlds_of_one_accident_store_and_story_are_added_up() -> None:
    kill, power = CampaignPlan(Accident.KILL), CampaignPlan(Accident.POWER, story="rebalance")
    twice = AuditVerdict(twice=["o1 came 2 times"], states=Counter(Filled=5, Unknown=1))
    fine = AuditVerdict(states=Counter(Filled=10))
    printed = table(
        [
            result(kill, fine, points_reached=4, kill=4),
            result(kill, twice, moments=2, kill=2, orders_on_their_way_at_a_death=1),
            result(power, fine, points_reached=1, power=1),
        ]
    ).splitlines()
    assert printed[0].startswith("| accident | store | story | points | moments | deaths |")
    assert printed[2:] == [
        "| kill | sqlite | orders | 4 | 2 | 6 | 1 | 16 | 0 | 1 | 0 | 0 | 4 | 2 |",
        "| power | sqlite | rebalance | 1 | 0 | 1 | 0 | 10 | 0 | 0 | 0 | 0 | 2 | 1 |",
    ]


def test_the_details_have_the_number_of_points_and_each_violation() -> None:
    verdict = AuditVerdict(lost=["o1 was acknowledged and is not in the ledger"])
    lines = details(result(CampaignPlan(Accident.CUT), verdict)).splitlines()
    assert lines[0] == "1 points of the kind await"
    assert lines[-1] == "VIOLATION lost: o1 was acknowledged and is not in the ledger"


def test_there_is_no_power_to_lose_with_postgresql_and_no_database_to_kill_without() -> None:
    assert not CampaignPlan(Accident.POWER, store="postgres").possible
    assert not CampaignPlan(Accident.DATABASE).possible
    assert CampaignPlan(Accident.DATABASE, store="postgres").possible
    assert CampaignPlan(Accident.KILL, store="postgres").possible
