"""The executor dies at every write and every question of a rebalance: the weights are right in the end or an order waits for a person, and nothing is placed twice."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from executor_fakes import RebalanceWorld, open_hooked

DU = "DU1234567"
WRITES = ("accept", "advance", "reserve", "observe", "delay", "add_rebalance", "advance_rebalance")
QUESTIONS = ("candidates", "positions", "account", "quote", "commissions")
WEIGHTS = {"AAA": "0.5", "BBB": "0.5"}
EXPECTED = [("CCC", "SELL", 40), ("AAA", "BUY", 150), ("BBB", "BUY", 75)]
DIED_BETWEEN_ID_AND_WRITE = [("reserve", 1), ("reserve", 2), ("reserve", 3)]
"""Once for each order: its id is on disk, nobody knows whether a byte has left, and it is not sent again."""


class Death(Exception):  # noqa: N818 - no error: the process is gone
    """Nothing after this line happens."""


Point = tuple[str, int]
"""The n-th time that something is written or asked, by its name: orders that come at once may share a write or not, so all of
them together have no fixed numbers."""


class Reaper:
    """Ends the process at a point: before it, or after it was done and before anybody knows."""

    def __init__(self, at: Point | None, *, after: bool) -> None:
        self.at, self.after = at, after
        self.seen: Counter[str] = Counter()

    def _due(self, name: str) -> bool:
        self.seen[name] += 1
        return (name, self.seen[name]) == self.at

    def write(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        def written(*args: Any, **kwargs: Any) -> Any:
            due = self._due(name)
            if due and not self.after:
                raise Death
            done = method(*args, **kwargs)
            if due:
                raise Death
            return done

        return written

    def question(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        async def asked(*args: Any, **kwargs: Any) -> Any:
            due = self._due(name)
            if due and not self.after:
                raise Death
            answer = await method(*args, **kwargs)
            if due:
                raise Death
            return answer

        return asked


class Story:
    """One account at a broker that outlives the executor's processes on one ledger."""

    def __init__(self, folder: Path, reaper: Reaper, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.reaper, self.monkeypatch = folder, reaper, monkeypatch
        self.world = self._process()
        self.world.shares[DU, "CCC"] = 40
        self.world.show()

    def _process(self) -> RebalanceWorld:
        world = RebalanceWorld(open_hooked(self.folder / "ledger.db"), DU1234567=1000)
        for name in WRITES:
            method = getattr(world.store, name)
            self.monkeypatch.setattr(world.store, name, self.reaper.write(name, method))
        for name in QUESTIONS:
            method = getattr(world.broker, name)
            self.monkeypatch.setattr(world.broker, name, self.reaper.question(name, method))
        return world

    async def restart(self) -> None:
        """Another process on the same ledger; the broker is the same, and tells what became of what it has."""
        old = self.world
        old.ledger.close()
        self.world = new = self._process()
        new.time.set(old.time.now)
        new.take_over(old)
        await new.ledger.begin("paper")
        new.show()

    async def go(self) -> str:
        """Ask, again after a death, and let it run; the state it ends in."""
        for _ in range(90):
            try:
                run = await self.world.ask("r1", DU, weights=WEIGHTS)
                if run.ended:
                    return str(run.state)
                await self.world.step()
                self.world.time.advance(1)
            except Death:
                await self.restart()
        return str((await self.world.run("r1")).reason)


@pytest.fixture
def story(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Point | None, bool], Story]]:
    made: list[Story] = []

    def begin(at: Point | None, after: bool) -> Story:
        folder = tmp_path / f"{len(made)}"
        folder.mkdir()
        made.append(Story(folder, Reaper(at, after=after), monkeypatch))
        return made[-1]

    yield begin
    monkeypatch.undo()
    for each in made:
        each.world.ledger.close()


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_a_death_at_any_write_and_any_question_places_nothing_twice(
    story: Callable[[Point | None, bool], Story], after: bool
) -> None:
    undisturbed = story(None, after)
    assert await undisturbed.go() == "Completed"
    seen = undisturbed.reaper.seen
    assert seen.total() > 40
    in_doubt = []
    for at in [(name, nth) for name, times in seen.items() for nth in range(1, times + 1)]:
        disturbed = story(at, after)
        state = await disturbed.go()
        placed = [
            (o.terms.contract.symbol, o.terms.side.value, o.terms.quantity)
            for o in disturbed.world.broker.placed
        ]
        assert (at, len(set(placed))) == (at, len(placed))
        if state == "UnknownOrder":
            in_doubt.append(at)
            assert (at, placed) == (at, [each for each in EXPECTED if each in placed])
        else:
            assert (at, state, placed) == (at, "Completed", EXPECTED)
    assert in_doubt == (DIED_BETWEEN_ID_AND_WRITE if after else [])
