"""For each mutant the accidents that show it, so few that every run of the tests can have them all."""

from typing import Final

from crash_campaign.campaign import CampaignPlan
from crash_campaign.moods import FORGETFUL_AND_LATE, NO_ENDED
from crash_campaign.mutants import MUTANTS
from crash_campaign.session import Accident

ACCEPTED: Final = "ledger/insertion.py:accept"
RESERVED: Final = "ledger/sqlite.py:reserve"
PLACED: Final = "gateway broker/ib/connection.py:place"

PROOFS: Final[dict[str, CampaignPlan]] = {
    "sends-again-after-a-restart": CampaignPlan(
        Accident.KILL, aims=(("after commit", RESERVED, 1),), mutant="sends-again-after-a-restart"
    ),
    "sends-again-after-a-cut": CampaignPlan(
        Accident.CUT,
        aims=(("after write", PLACED, 1),),
        mood=FORGETFUL_AND_LATE,
        mutant="sends-again-after-a-cut",
    ),
    "answers-before-the-commit": CampaignPlan(
        Accident.KILL, aims=(("before commit", ACCEPTED, 1),), mutant="answers-before-the-commit"
    ),
    "writes-before-sending-is-stored": CampaignPlan(
        Accident.KILL,
        aims=(("before commit", RESERVED, 1),),
        mutant="writes-before-sending-is-stored",
    ),
    "asks-for-no-executions": CampaignPlan(
        Accident.KILL,
        aims=(("after write", PLACED, 1),) * 3,
        mood=NO_ENDED,
        mutant="asks-for-no-executions",
    ),
    "trades-a-rebalance-anew": CampaignPlan(
        Accident.KILL,
        story="rebalance",
        aims=(("after commit", ACCEPTED, 1),),
        mutant="trades-a-rebalance-anew",
    ),
    "syncs-nothing": CampaignPlan(
        Accident.POWER, aims=(("after commit", RESERVED, 1),), mutant="syncs-nothing"
    ),
    "gives-up-at-a-restart": CampaignPlan(
        Accident.KILL, aims=(("after commit", RESERVED, 1),), mutant="gives-up-at-a-restart"
    ),
}
"""Also what `campaign.py --mutant NAME` does where no moments are asked for."""

assert PROOFS.keys() == MUTANTS.keys()
