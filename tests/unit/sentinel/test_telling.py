"""The sentinel tells people: from lines in a log to letters, over restarts and full volumes."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from ibgateway_agent.sentinel.notifications.telling import NO_ADDRESSES, SentinelNotifications
from ibgateway_agent.sentinel.settings import environment
from ibgateway_api.login import Sign
from ibgateway_api.notifications import Letter
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, DONE, PUSH

MISSED = "IBC: Re-login after second factor authentication timeout not required"
SETTINGS: dict[str, Any] = {
    "tradingMode": "paper",
    "notifications": {"namespace": "trading", "gateway": "paper", "batchSeconds": 0},
}


class Phone:
    """Takes letters, or does not."""

    def __init__(self) -> None:
        self.titles: list[str] = []
        self.answer = ""

    async def send(self, address: str, letter: Letter) -> str:
        if not self.answer:
            self.titles.append(letter.title.removeprefix("trading/paper: ").split(" until ")[0])
        return self.answer

    async def check(self, address: str) -> str:
        return ""


class TellingPod:
    """A gateway's files, a sentinel that looks at them, and its messages."""

    def __init__(self, folder: Path) -> None:
        self.pod, self.phone = FakePod(folder), Phone()
        self.secret = folder / "secret"
        self.secret.mkdir()
        (self.secret / "URLS").write_text("ntfy://user:canary@phone/topic\n")
        self.pod.settings(json.dumps(SETTINGS))
        self.counted: list[str] = []
        self.start()

    def start(self) -> None:
        at = environment(
            {
                "SENTINEL_SETTINGS": str(self.pod.folder / "settings.json"),
                "SENTINEL_STATE_DIR": str(self.pod.state),
                "SENTINEL_NOTIFICATIONS_DIR": str(self.secret),
            }
        )
        self.telling = SentinelNotifications(
            at,
            publisher=self.pod.sentinel.publisher,
            alive=lambda: True,
            count=self.counted.append,
            clock=self.pod.time.clock,
            courier=self.phone,
        )

    async def start_again(self) -> None:
        """The sentinel's container starts anew."""
        await self.telling.close()
        self.pod.boot()
        self.pod.look()
        self.start()

    async def tells(self) -> list[str]:
        """What is on the phone after a look."""
        before = list(self.phone.titles)
        await self.telling._look()
        for _ in range(20):
            if self.telling._notifier is not None:
                self.telling._notifier._woken.set()
            await asyncio.sleep(0)
        self.pod.sentinel.publisher.undelivered = self.telling._trouble()
        return self.phone.titles[len(before) :]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[TellingPod]:
    made = TellingPod(tmp_path)
    made.pod.waits()
    assert await made.tells() == ["Messages about this gateway come here"]
    yield made
    await made.telling.close()


async def test_a_push_is_told_as_soon_as_its_line_was_read(world: TellingPod) -> None:
    world.pod.runs()
    world.pod.says(PUSH)
    assert await world.tells() == ["Approve IBKR's push"]
    world.pod.look()
    assert await world.tells() == []
    world.pod.says(ANSWERED, DONE)
    world.pod.api(Sign.API_READY, "DU1")
    assert await world.tells() == ["IB Gateway is logged in"]


async def test_a_missed_push_is_told_and_so_is_the_next_one(world: TellingPod) -> None:
    world.pod.runs()
    world.pod.says(PUSH)
    await world.tells()
    world.pod.says(ANSWERED, MISSED)
    assert await world.tells() == ["The push was not approved"]
    world.pod.time.passes(timedelta(minutes=15))
    world.pod.ends()
    world.pod.waits()
    await world.tells()
    world.pod.runs()
    world.pod.says(PUSH)
    assert await world.tells() == ["Approve IBKR's push"]


async def test_a_sentinel_that_starts_again_tells_nothing_twice_and_ends_what_it_began(
    world: TellingPod,
) -> None:
    world.pod.runs()
    world.pod.says(PUSH)
    await world.tells()
    await world.start_again()
    assert await world.tells() == []
    world.pod.says(ANSWERED, DONE)
    world.pod.api(Sign.API_READY, "DU1")
    assert await world.tells() == ["IB Gateway is logged in"]
    await world.start_again()
    assert await world.tells() == []


async def test_a_reminder_that_was_given_is_not_given_again_by_the_next_sentinel(
    world: TellingPod,
) -> None:
    told = SETTINGS["notifications"] | {"reminderSeconds": 7 * 86400}
    world.pod.settings(json.dumps(SETTINGS | {"notifications": told}))
    (reminder,) = await world.tells()
    assert reminder.startswith("Weekly restart on Sunday 09:00:00")
    await world.start_again()
    assert await world.tells() == []
    world.pod.later(hours=30)
    assert reminder not in await world.tells()


async def test_what_nobody_took_is_told_by_the_next_sentinel(world: TellingPod) -> None:
    world.phone.answer = "it was not reached"
    world.pod.runs()
    world.pod.says(PUSH)
    assert await world.tells() == []
    assert world.counted[-1] == "failed"
    await world.start_again()
    world.phone.answer = ""
    assert await world.tells() == ["Approve IBKR's push"]


async def test_a_full_volume_keeps_no_message_back_and_costs_a_second_one_after_a_restart(
    world: TellingPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    world.pod.runs()
    world.pod.says(PUSH)
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        assert await world.tells() == ["Approve IBKR's push"]
        assert await world.tells() == []
        await world.start_again()
    assert await world.tells() == ["Approve IBKR's push"]


async def test_undelivered_messages_are_in_the_report_without_the_address(
    world: TellingPod,
) -> None:
    world.phone.answer = "it was not reached"
    world.pod.runs()
    world.pod.says(PUSH)
    await world.tells()
    world.pod.later(seconds=70)
    await world.tells()
    said = world.pod.look().undelivered
    assert said.startswith("address 1 (ntfy) has taken nothing since 2026-")
    assert "canary" not in said


async def test_a_secret_that_is_not_there_is_said_and_read_once_it_comes(world: TellingPod) -> None:
    (world.secret / "URLS").unlink()
    await world.start_again()
    world.pod.runs()
    world.pod.says(PUSH)
    assert await world.tells() == []
    assert world.pod.look().undelivered == NO_ADDRESSES
    (world.secret / "URLS").write_text("# mine\n\njson://hook/canary\n")
    assert await world.tells() == ["Approve IBKR's push"]
    assert world.pod.look().undelivered == ""


async def test_nobody_is_told_unless_it_was_asked_for(world: TellingPod) -> None:
    world.pod.settings('{"tradingMode": "paper"}')
    world.pod.runs()
    world.pod.says(PUSH)
    assert await world.tells() == []


async def test_an_operator_that_asks_again_is_told(world: TellingPod) -> None:
    world.pod.later(minutes=5)
    assert "The operator is away" in await world.tells()
    world.telling.operator_asks()
    assert "The operator is back" in await world.tells()


async def test_it_goes_on_after_an_error_of_its_own(
    world: TellingPod, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks, failed = 0, asyncio.Event()
    look: Callable[[], object] = world.telling._look

    async def fails_once() -> int:
        nonlocal looks
        looks += 1
        if looks == 1:
            failed.set()
            raise RuntimeError("a fault of ours")
        return int(await look())  # type: ignore[misc]

    monkeypatch.setattr(world.telling, "_look", fails_once)
    world.pod.runs()
    world.pod.says(PUSH)
    async with aiohttp.ClientSession() as session:
        task = asyncio.create_task(world.telling.run(session))
        await failed.wait()
        await asyncio.sleep(0)
        world.pod.says(ANSWERED, MISSED)
        async with asyncio.timeout(10):
            while "The push was not approved" not in world.phone.titles:  # noqa: ASYNC110 - a fake tells
                await asyncio.sleep(0.01)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
