"""What is done at a moment of the schedule: once, with the dry run first, and never with old targets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from executor_fakes import NOON, RebalanceWorld, open_hooked
from ibgateway_api.settings import TargetSettings
from ibgateway_executor.errors import TargetsError
from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.rebalance_runs.target_source import KeptTargets
from ibgateway_executor.rebalance_runs.targets_follower import TargetsFollower

DU = "DU1234567"
BODY = {"targets": [{"contract": {"symbol": "AAA"}, "weight": "0.5"}]}
SETTINGS = TargetSettings.model_validate(
    {"url": "https://desk.example/t?key=hidden", "account": DU, "schedule": {"at": "12:00"}}
)


@dataclass
class Source:
    """A source in memory."""

    answer: RebalanceBody | TargetsError = field(
        default_factory=lambda: RebalanceBody.model_validate(BODY)
    )
    fetched: int = 0
    kept: KeptTargets | None = None

    async def fetch(self, url: str, now: datetime) -> RebalanceBody:
        self.fetched += 1
        if isinstance(self.answer, TargetsError):
            raise self.answer
        self.kept = KeptTargets(source=url, fetched_at=now, body=BODY)
        return self.answer

    def last_good(self) -> KeptTargets | None:
        return self.kept


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[RebalanceWorld]:
    world = RebalanceWorld(open_hooked(tmp_path / "ledger.db"), DU1234567=1000)
    world.settings = world.settings.model_copy(update={"targets": SETTINGS})
    yield world
    world.ledger.close()


def follower(here: RebalanceWorld, source: Source) -> TargetsFollower:
    return TargetsFollower(
        settings=lambda: here.settings,
        source=source,  # type: ignore[arg-type] # as far as it is used
        intake=here.intake,
        clock=here.time.clock,
    )


async def names(here: RebalanceWorld) -> list[str]:
    return [run.id for run in await here.ledger.rebalances.page(after=0, limit=10)]


async def test_a_moment_has_one_rebalance_whatever_is_restarted(here: RebalanceWorld) -> None:
    source = Source()
    for _ in range(3):
        await follower(here, source).look()
    assert (await names(here), source.fetched) == (["targets-2026-11-23T17:00Z"], 1)
    run = await here.run("targets-2026-11-23T17:00Z")
    assert (run.account, run.valid_until) == (DU, NOON + timedelta(hours=6))
    assert (await here.go(run.id)).state == "Completed"
    here.time.set(NOON + timedelta(hours=24))
    here.broker.hours = "20261124:0930-20261124:1600"
    await follower(here, source).look()
    assert len(await names(here)) == 2


async def test_nothing_is_fetched_long_after_the_moment_or_without_a_source(
    here: RebalanceWorld,
) -> None:
    source = Source()
    here.time.set(NOON + timedelta(minutes=31))
    await follower(here, source).look()
    here.settings = here.settings.model_copy(update={"targets": None})
    here.time.set(NOON + timedelta(days=1))
    await follower(here, source).look()
    assert (source.fetched, await names(here)) == (0, [])


async def test_a_source_that_fails_is_asked_again_and_old_targets_are_shown_not_traded(
    here: RebalanceWorld,
) -> None:
    source = Source(kept=KeptTargets(source="s", fetched_at=NOON - timedelta(days=1), body=BODY))
    source.answer = TargetsError("it answers 500")
    made = follower(here, source)
    for _ in range(5):
        await made.look()
    assert source.fetched == 1
    told = made.document()
    assert (told["problem"], told["url"]) == ("it answers 500", "https://desk.example/t")
    assert (told["lastGood"]["ageSeconds"], await names(here)) == (86400, [])
    here.time.advance(61)
    source.answer = RebalanceBody.model_validate(BODY)
    await made.look()
    assert (len(await names(here)), made.document()["problem"]) == (1, None)


async def test_what_the_dry_run_refuses_is_not_stored(here: RebalanceWorld) -> None:
    source = Source()
    source.answer = RebalanceBody.model_validate(
        {"targets": [{"contract": {"symbol": "NOPE"}, "weight": "0.5"}]}
    )
    made = follower(here, source)
    await made.look()
    assert "NOPE" in made.document()["problem"]
    assert await names(here) == []


async def test_what_would_not_trade_now_is_not_stored_and_tried_again(here: RebalanceWorld) -> None:
    here.settings = here.settings.model_copy(update={"max_order_value": "1"})
    made = follower(here, Source())
    await made.look()
    assert "OrderValueLimit: BUY 50 AAA" in made.document()["problem"]
    assert await names(here) == []
    here.settings = here.settings.model_copy(update={"max_order_value": None})
    here.time.advance(61)
    await made.look()
    assert len(await names(here)) == 1


async def test_another_rebalance_of_the_account_goes_first(here: RebalanceWorld) -> None:
    await here.ask("r1", DU, weights={"BBB": "0.1"})
    made = follower(here, Source())
    await made.look()
    assert "has the rebalance r1, which is Accepted" in made.document()["problem"]
    await here.go("r1")
    here.time.advance(61)
    await made.look()
    assert await names(here) == ["r1", "targets-2026-11-23T17:00Z"]
