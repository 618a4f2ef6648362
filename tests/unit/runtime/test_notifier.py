"""Telling people: what is sent to whom, what counts as told, and what a restart makes of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.notifications import (
    Concern,
    Episode,
    Fine,
    Letter,
    Reading,
    Severity,
    Subject,
    Topic,
)
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.notifications.answers import NOT_TAKEN, UNUSABLE
from ibgateway_runtime.notifications.notifier import Notifier, Told

PUSH = Concern(Topic.PUSH_WAITS, "Approve the push", "Until 14:03.", instance="1")
LOST = Concern(Topic.CONNECTION_LOST, "The connection is lost", "Look.")
BACK = Fine("Logged in", "It trades.")
A, B = "ntfy://user:canary@a/topic", "json://b/canary"


class World:
    """A notifier with receivers that take, refuse or hang; time is the test's."""

    def __init__(self, told: Mapping[Subject, Episode] | None = None) -> None:
        self.at, self.seconds = datetime(2026, 11, 22, 14, 0, tzinfo=UTC), 1000.0
        self.addresses: Sequence[str] | SettingsError = [A]
        self.answers: dict[str, str] = {}
        self.broken: Exception | None = None
        self.hanging: dict[str, asyncio.Event] = {}
        self.sent: list[tuple[str, str]] = []
        self.kept: dict[Subject, Episode] = {}
        self.counts: dict[str, int] = {}
        self.changed = asyncio.Event()
        clock = Clock(now=lambda: self.at, monotonic=lambda: self.seconds)
        self.notifier = Notifier(
            "trading/paper",
            courier=self,
            addresses=self._listed,
            clock=clock,
            on_told=Told(keep=self._keep, count=self._count),
            told=told or {},
        )

    def _listed(self) -> Sequence[str]:
        if isinstance(self.addresses, SettingsError):
            raise self.addresses
        return self.addresses

    def _keep(self, told: Mapping[Subject, Episode]) -> None:
        self.kept = dict(told)

    def _count(self, what: str) -> None:
        self.counts[what] = self.counts.get(what, 0) + 1

    async def send(self, address: str, letter: Letter) -> str:
        self.sent.append((address, letter.title))
        self.changed.set()
        if address in self.hanging:
            await self.hanging[address].wait()
        if self.broken is not None:
            raise self.broken
        return self.answers.get(address, "")

    async def check(self, address: str) -> str:
        return self.answers.get(address, "")

    def sees(
        self, reading: Reading, *, subject: Subject = Subject.LOGIN, batch: float = 60
    ) -> None:
        self.notifier.see({subject: reading}, minimum=Severity.INFO, batch_seconds=batch)

    async def pass_time(self, seconds: float) -> None:
        """Both clocks go on, and the notifier looks."""
        self.at += timedelta(seconds=seconds)
        self.seconds += seconds
        await self.settle()

    async def settle(self) -> None:
        for _ in range(10):
            self.notifier._woken.set()
            await asyncio.sleep(0)

    def titles(self, address: str = A) -> list[str]:
        return [title.removeprefix("trading/paper: ") for to, title in self.sent if to == address]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.notifier.close()


async def test_a_push_goes_out_at_once_and_is_told_from_then_on(world: World) -> None:
    world.sees(PUSH)
    await world.settle()
    assert world.titles() == ["Approve the push"]
    assert world.kept[Subject.LOGIN].told == ("PushWaits/1",)
    world.sees(PUSH)
    await world.settle()
    assert len(world.sent) == 1
    assert world.counts == {"taken": 1}


async def test_a_failure_of_our_own_is_tried_again_like_a_refusal(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.broken = RuntimeError(A)
    world.sees(PUSH)
    await world.settle()
    assert world.counts == {"failed": 1}
    await world.pass_time(61)
    assert world.notifier.trouble().endswith("sending it failed (RuntimeError)")
    world.broken = None
    await world.pass_time(60)
    assert world.counts["taken"] == 1
    assert world.kept[Subject.LOGIN].told == ("PushWaits/1",)
    assert "canary" not in caplog.text


async def test_an_end_closes_the_episode_once_it_was_taken(world: World) -> None:
    world.sees(PUSH)
    await world.settle()
    world.sees(BACK)
    await world.pass_time(59)
    assert Subject.LOGIN in world.kept
    await world.pass_time(1)
    assert world.titles() == ["Approve the push", "Logged in"]
    assert world.kept == {}


async def test_an_end_that_waits_for_its_letter_is_told_although_all_is_well_again_and_again(
    world: World,
) -> None:
    world.sees(PUSH)
    await world.settle()
    world.sees(BACK)
    world.sees(BACK)
    await world.pass_time(59)
    world.sees(BACK)
    await world.pass_time(1)
    assert world.titles() == ["Approve the push", "Logged in"]
    assert world.kept == {}


async def test_an_end_that_waits_makes_room_for_what_began_and_ended_after_it(world: World) -> None:
    world.sees(PUSH)
    await world.settle()
    world.sees(BACK)
    world.sees(LOST)
    await world.pass_time(30)
    world.sees(BACK)
    world.sees(BACK)
    await world.pass_time(60)
    assert world.titles() == ["Approve the push", "Logged in"]


async def test_what_passes_before_anybody_heard_of_it_is_not_told(world: World) -> None:
    world.sees(LOST)
    await world.pass_time(30)
    world.sees(BACK)
    await world.pass_time(100)
    assert world.sent == []


async def test_several_are_one_letter(world: World) -> None:
    world.sees(LOST)
    world.sees(LOST, subject=Subject.VOLUME)
    await world.pass_time(60)
    assert world.titles() == ["The connection is lost (and 1 more)"]


async def test_nobody_waits_for_a_receiver_that_hangs(world: World) -> None:
    world.addresses, world.hanging[A] = [A, B], asyncio.Event()
    world.sees(PUSH)
    await world.settle()
    world.sees(Concern(Topic.PUSH_MISSED, "The push was missed", ""))
    await world.settle()
    assert world.titles(B) == ["Approve the push", "The push was missed"]
    assert world.titles(A) == ["Approve the push"]
    world.hanging.pop(A).set()
    await world.settle()
    assert world.titles(A) == ["Approve the push", "The push was missed"]


async def test_what_is_not_taken_is_tried_again_and_trouble_is_told_after_a_while(
    world: World,
) -> None:
    world.addresses, world.answers[B] = [A, B], f"{NOT_TAKEN} (HTTP 500)"
    world.sees(PUSH)
    await world.settle()
    assert world.notifier.trouble() == ""
    for seconds in (5, 10, 20, 24):
        await world.pass_time(seconds)
    assert world.notifier.trouble() == ""
    await world.pass_time(1)
    assert world.notifier.trouble() == (
        f"address 2 (json) has taken nothing since 2026-11-22T14:00:00Z: {NOT_TAKEN} (HTTP 500)"
    )
    assert len(world.titles(B)) == 4
    world.answers.clear()
    await world.pass_time(60)
    assert world.notifier.trouble() == ""
    assert world.counts == {"taken": 2, "failed": 4}


async def test_a_push_is_not_told_after_its_time(world: World) -> None:
    world.answers[A] = NOT_TAKEN
    expires = world.at + timedelta(minutes=3)
    world.sees(Concern(Topic.PUSH_WAITS, "Approve the push", "", expires=expires))
    await world.settle()
    await world.pass_time(200)
    before = len(world.sent)
    world.answers.clear()
    await world.pass_time(900)
    assert len(world.sent) == before
    assert world.counts["dropped"] == 1
    assert world.kept == {}


async def test_a_program_that_starts_again_tells_only_what_nobody_has_heard(world: World) -> None:
    world.sees(PUSH)
    await world.settle()
    world.answers[A] = NOT_TAKEN
    world.sees(Concern(Topic.PUSH_MISSED, "The push was missed", ""))
    await world.settle()
    again = World(world.kept)
    again.sees(PUSH)
    again.sees(Concern(Topic.PUSH_MISSED, "The push was missed", ""))
    await again.settle()
    assert again.titles() == ["The push was missed"]
    again.sees(BACK)
    await again.pass_time(60)
    assert again.titles() == ["The push was missed", "Logged in"]
    await again.notifier.close()


async def test_without_addresses_nothing_is_lost(world: World) -> None:
    world.addresses = SettingsError("the Secret alerts has no key URLS")
    world.sees(PUSH)
    await world.settle()
    assert world.notifier.trouble() == "the Secret alerts has no key URLS"
    world.addresses = [A]
    await world.settle()
    assert (world.notifier.trouble(), world.titles()) == ("", ["Approve the push"])


async def test_an_address_that_can_not_be_one_is_said_before_anything_is_to_be_sent(
    world: World,
) -> None:
    world.addresses = [A, "canary-token-alone"]
    world.answers["canary-token-alone"] = UNUSABLE
    await world.notifier.check()
    assert world.notifier.trouble() == (
        f"address 2 has taken nothing since 2026-11-22T14:00:00Z: {UNUSABLE}"
    )


async def test_no_log_line_has_an_address(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    world.answers[A] = NOT_TAKEN
    world.sees(PUSH)
    await world.pass_time(100)
    assert "telling people: Approve the push" in caplog.text
    assert "canary" not in caplog.text + world.notifier.trouble()
