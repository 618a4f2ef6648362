"""The queue: no key twice at once, no add lost, failures back off."""

import asyncio
import logging
from dataclasses import dataclass, field

import pytest

from ibgateway_operator.workqueue import After, Pace, Workqueue


@dataclass
class Hand:
    """A clock that a test moves."""

    now: float = 0.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Runs:
    """Notes runs; each waits until the test lets it go."""

    begun: list[str] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, key: str) -> After | None:
        self.begun.append(key)
        await self.go.wait()
        return None


async def until(turns: int = 20) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)


async def test_a_key_added_three_times_is_taken_once() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    for _ in range(3):
        queue.add("a")
    assert await queue.take() == "a"
    assert len(queue) == 1
    queue.done("a")
    assert len(queue) == 0


async def test_the_key_that_is_due_longest_comes_first() -> None:
    clock = Hand(10.0)
    queue: Workqueue[str] = Workqueue(clock)
    queue.add("later", delay=2.0)
    queue.add("sooner", delay=1.0)
    clock.now = 13.0
    assert await queue.take() == "sooner"


async def test_an_earlier_wish_wins_over_a_later_one() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock)
    queue.add("a", delay=60.0)
    queue.add("a", delay=1.0)
    queue.add("a", delay=30.0)
    clock.now = 1.0
    assert await queue.take() == "a"


async def test_a_key_that_runs_is_not_taken_a_second_time_and_no_add_is_lost() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    runs = Runs()
    worker = asyncio.create_task(queue.work(runs, flight=2))
    queue.add("a")
    await until()
    queue.add("a")
    await until()
    assert runs.begun == ["a"]
    runs.go.set()
    await until()
    assert runs.begun == ["a", "a"]
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_as_many_keys_as_are_allowed_run_side_by_side() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    runs = Runs()
    worker = asyncio.create_task(queue.work(runs, flight=2))
    queue.add("a")
    queue.add("b")
    queue.add("c")
    await until()
    assert runs.begun == ["a", "b"]
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(1, 0.5), (2, 1.0), (3, 2.0), (7, 32.0), (8, 60.0), (40, 60.0)]
)
def test_failures_back_off_to_a_minute(failures: int, seconds: float) -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    delays = [queue.done("a", failed=True) for _ in range(failures)]
    assert delays[-1] == seconds


def test_a_success_ends_the_back_off() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    queue.done("a", failed=True)
    queue.done("a", failed=True)
    queue.done("a")
    assert queue.done("a", failed=True) == 0.5


async def test_a_run_that_raises_is_logged_counted_and_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock)
    tries: list[str] = []

    async def run(key: str) -> After | None:
        tries.append(key)
        raise RuntimeError("no luck")

    caplog.set_level(logging.ERROR)
    worker = asyncio.create_task(queue.work(run))
    queue.add("a")
    await until()
    clock.now = 0.6
    queue.add("b")
    await until()
    assert tries == ["a", "a", "b"]
    assert queue.failing() == 2
    assert "no luck" in caplog.text
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_after_brings_the_key_back_when_its_time_has_come() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock)
    queue.add("a")
    await queue.take()
    queue.done("a", again=After(5.0))
    assert len(queue) == 0
    clock.now = 5.0
    assert len(queue) == 1
    assert await queue.take() == "a"


async def test_a_run_that_is_ended_leaves_its_key_free() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    worker = asyncio.create_task(queue.work(Runs(), flight=2))
    queue.add("a")
    await until()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)
    queue.add("a")
    assert await queue.take() == "a"


async def test_a_wish_that_is_dropped_holds_up_no_other() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock)
    queue.add("gone", delay=1.0)
    queue.add("stays", delay=2.0)
    queue.forget("gone")
    clock.now = 2.0
    assert await queue.take() == "stays"


async def test_a_key_that_asks_for_itself_all_the_time_waits_behind_the_others() -> None:
    queue: Workqueue[str] = Workqueue(Hand())
    order: list[str] = []

    async def run(key: str) -> After | None:
        order.append(key)
        if key == "noisy":
            queue.add(key)
        return None

    for key in ("noisy", "a", "b", "c"):
        queue.add(key)
    worker = asyncio.create_task(queue.work(run))
    await until()
    assert order[:5] == ["noisy", "a", "b", "c", "noisy"]
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_a_key_that_runs_too_often_waits_and_the_others_do_not() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock, pace=Pace(burst=3, seconds=1.0))
    runs: list[tuple[float, str]] = []

    async def run(key: str) -> After | None:
        runs.append((clock.now, key))
        if key == "noisy":
            queue.add(key)
        return None

    worker = asyncio.create_task(queue.work(run))
    queue.add("noisy")
    for second in range(4):
        clock.now = float(second)
        queue.add(f"other at {second}")
        await until()
    assert [at for at, key in runs if key == "noisy"] == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]
    assert [(at, key) for at, key in runs if key != "noisy"] == [
        (float(second), f"other at {second}") for second in range(4)
    ]
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


async def test_a_key_that_was_quiet_may_run_often_again() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock, pace=Pace(burst=2, seconds=1.0))
    for _ in range(2):
        queue.add("a")
        queue.done(await queue.take(), again=After(3600.0))
    clock.now = 60.0
    for _ in range(2):
        queue.add("a")
        assert await queue.take() == "a"
        queue.done("a", again=After(3600.0))


async def test_what_has_happened_does_not_wait_for_the_pace() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock, pace=Pace(burst=2, seconds=1.0))
    for _ in range(2):
        queue.add("a")
        queue.done(await queue.take(), again=After(3600.0))
    queue.add("a")
    waiting = asyncio.create_task(queue.take())
    await until()
    assert not waiting.done()
    queue.renew("a")
    await until()
    assert waiting.result() == "a"


@dataclass(frozen=True)
class Counted:
    """A key that counts how often any of its kind is looked up."""

    number: int
    looked_up: list[int]

    def __hash__(self) -> int:
        self.looked_up[0] += 1
        return self.number


async def test_what_a_key_costs_does_not_depend_on_how_many_wait() -> None:
    queue: Workqueue[Counted] = Workqueue(Hand())
    looked_up = [0]
    for number in range(1000):
        queue.add(Counted(number, looked_up), delay=60.0)
    queue.add(Counted(1000, looked_up))
    looked_up[0] = 0
    key = await queue.take()
    queue.done(key, again=After(5.0))
    assert key.number == 1000
    assert looked_up[0] < 20


class TestStill:
    """A key that only its time has brought is asked first whether it needs a run."""

    @staticmethod
    async def worked(says: After | None, queue: Workqueue[str], clock: Hand) -> list[str]:
        done: list[str] = []

        async def run(key: str) -> After | None:
            done.append(f"run {key}")
            return After(5.0)

        async def still(key: str) -> After | None:
            done.append(f"still {key}")
            return says

        worker = asyncio.create_task(queue.work(run, still=still))
        queue.add("a")
        await until()
        clock.now = 5.0
        queue.add("b")
        await until()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        return done

    async def test_one_that_was_added_is_run(self) -> None:
        clock = Hand()
        done = await self.worked(After(1.0), Workqueue(clock), clock)
        assert [each for each in done if "b" in each] == ["run b"]

    async def test_time_alone_runs_nothing_that_still_stands(self) -> None:
        clock = Hand()
        queue: Workqueue[str] = Workqueue(clock)
        done = await self.worked(After(1.0), queue, clock)
        assert [each for each in done if "a" in each] == ["run a", "still a"]
        clock.now = 6.0
        assert await queue.take() == "a"

    async def test_time_runs_what_does_not(self) -> None:
        clock = Hand()
        done = await self.worked(None, Workqueue(clock), clock)
        assert [each for each in done if "a" in each] == ["run a", "still a", "run a"]

    async def test_one_that_is_added_while_it_runs_is_run_again(self) -> None:
        queue: Workqueue[str] = Workqueue(Hand())
        done: list[str] = []

        async def run(key: str) -> After | None:
            done.append("run")
            if len(done) == 1:
                queue.add(key)
            return After(5.0)

        async def still(key: str) -> After | None:
            done.append("still")
            return After(5.0)

        worker = asyncio.create_task(queue.work(run, still=still))
        queue.add("a")
        await until()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
        assert done == ["run", "run"]


async def test_the_oldest_run_tells_how_long_it_has_lasted() -> None:
    clock = Hand()
    queue: Workqueue[str] = Workqueue(clock)
    assert queue.oldest_run() == 0.0
    queue.add("a")
    await queue.take()
    clock.now = 301.0
    assert queue.oldest_run() == 301.0
