"""Programs that trade by themselves, over HTTP: real sentinel, wrapper, preStop hook and operator, simulated Gateway."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from ib_async import IB

from ibgateway_api.gate_documents import GateReport
from ibgateway_stage.calendar import calendar
from operator_on_host import DRAINED, OperatorOnHost, operated
from sentinel_world import GATE_TOKEN, TOKEN, PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

LIMIT = 60


class ProgramOnHost:
    """One that listens to the gate, and says that it has drained when a test wants it to."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}/v1/gate"
        self.told: list[GateReport] = []
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """It has heard the first word."""
        self._task = asyncio.create_task(self._listen())
        await self.until(lambda word: True)

    async def crash(self) -> None:
        """It ends with its connection."""
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def until(self, wanted: Callable[[GateReport], object]) -> GateReport:
        """The first word from now on, or the last one so far, that is as wanted."""
        seen = max(len(self.told) - 1, 0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LIMIT):
                while True:
                    for word in self.told[seen:]:
                        if wanted(word):
                            return word
                    seen = len(self.told)
                    self._news.clear()
                    await self._news.wait()
        raise AssertionError(f"{self.name} was never told so, last {self.told[-1:]}")

    async def answers(self) -> None:
        """It has nothing under way, and sends nothing until the gate opens again."""
        drain = self.told[-1].drain
        assert drain is not None
        body = {"program": self.name, "drain": drain.id}
        async with (
            aiohttp.ClientSession(headers=bearer(GATE_TOKEN)) as session,
            session.post(f"{self.url}/drained", json=body) as answer,
        ):
            assert answer.status == 204, await answer.text()

    async def _listen(self) -> None:
        headers = {**bearer(GATE_TOKEN), "Accept": "text/event-stream"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError):
                    async with session.get(self.url, params={"program": self.name}) as stream:
                        async for line in stream.content:
                            if line.startswith(b"data: "):
                                self._hear(line.removeprefix(b"data: "))
                await asyncio.sleep(0.05)

    def _hear(self, data: bytes) -> None:
        self.told.append(GateReport.model_validate_json(data))
        self._news.set()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def is_open(word: GateReport) -> bool:
    return word.open


def is_closed_for(reason: str) -> Callable[[GateReport], bool]:
    return lambda word: word.reason == reason and not word.open


def asks_for_a_drain(word: GateReport) -> bool:
    return word.drain is not None


@contextlib.asynccontextmanager
async def programs_of(pod: PodOnHost, *names: str) -> AsyncIterator[list[ProgramOnHost]]:
    made = [ProgramOnHost(name, pod.ports["http"]) for name in names]
    await asyncio.gather(*(program.start() for program in made))
    try:
        yield made
    finally:
        await asyncio.gather(*(program.crash() for program in made))


async def test_programs_are_held_while_the_push_waits_and_told_at_once_when_it_was_approved(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.state("AwaitingApproval")
        names = [f"bot-{number}" for number in range(100)]
        async with programs_of(pod, *names) as programs:
            for program in programs:
                word = await program.until(is_closed_for("AwaitingApproval"))
                assert word.until is not None
            assert (await pod.call("GET", "/readyz"))[0] == 503
            await pod.approve()
            opened = await asyncio.gather(*(program.until(is_open) for program in programs))
            assert len({word.sequence for word in opened}) == 1
            assert all(word.next_stop is not None for word in opened)
            assert (await pod.call("GET", "/readyz"))[0] == 200


async def test_a_pod_that_goes_waits_for_the_program_that_drains_and_not_for_the_one_that_crashed(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        async with programs_of(pod, "bot", "crashes") as (bot, crashes):
            await asyncio.gather(bot.until(is_open), crashes.until(is_open))
            hook = asyncio.create_task(pod.prestop())
            word = await bot.until(asks_for_a_drain)
            assert word.drain is not None
            assert (word.reason, word.drain.reason) == ("PlannedStop", "PodStop")
            assert word.drain.waiting_for == ("bot", "crashes")
            await crashes.crash()
            await bot.until(lambda now: now.drain and now.drain.waiting_for == ("bot",))
            assert pod.ibkr.ibkr.logins.sessions
            assert not hook.done()
            await bot.answers()
            assert await asyncio.wait_for(hook, LIMIT) == 0
        assert not pod.ibkr.ibkr.logins.sessions


async def test_a_program_that_never_answers_costs_the_hook_its_limit_and_no_more(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        async with programs_of(pod, "bot") as (bot,):
            await bot.until(is_open)
            hook = asyncio.create_task(pod.prestop())
            await bot.until(asks_for_a_drain)
            assert await asyncio.wait_for(hook, LIMIT) == 0
            last = bot.told[-1]
            assert last.drain is not None
            assert last.drain.waiting_for == ("bot",)
        assert not pod.ibkr.ibkr.logins.sessions
        assert "waits no longer for bot: not drained" in (tmp_path / "sentinel.log").read_text()


async def test_sunday_closes_the_gate_and_a_connection_that_stands_is_left_alone(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        api = IB()
        async with programs_of(pod, "bot") as (bot,):
            await bot.until(is_open)
            await api.connectAsync("127.0.0.1", pod.ports["socat"], clientId=21)
            try:
                pod.tell_sentinel(calendar=calendar(datetime.now(UTC) + timedelta(seconds=3)))
                await bot.until(is_closed_for("RestartWindow"))
                assert (await pod.call("GET", "/readyz"))[0] == 503
                assert (await pod.state("LoggedIn"))["holds"] == []
                assert await asyncio.wait_for(api.reqCurrentTimeAsync(), LIMIT)
            finally:
                api.disconnect()


async def test_a_connection_that_stands_ends_with_the_stop_and_after_the_drain(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        api, ended = IB(), asyncio.Event()
        api.disconnectedEvent += ended.set
        async with programs_of(pod, "bot") as (bot,):
            await api.connectAsync("127.0.0.1", pod.ports["socat"], clientId=21)
            hook = asyncio.create_task(pod.prestop())
            await bot.until(asks_for_a_drain)
            assert await asyncio.wait_for(api.reqCurrentTimeAsync(), LIMIT)
            assert not ended.is_set()
            await bot.answers()
            await asyncio.wait_for(ended.wait(), LIMIT)
            assert await asyncio.wait_for(hook, LIMIT) == 0


async def test_a_pause_at_the_console_and_the_operators_hold_close_it_for_programs(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        async with programs_of(pod, "bot") as (bot,):
            await bot.until(is_open)
            for action in ("pause", "resume"):
                press = {"id": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {action}", "action": action}
                assert (await pod.call("POST", "/v1/console-requests", press))[0] == 202
                wanted = is_closed_for("Paused") if action == "pause" else is_open
                await bot.until(wanted)
            pod.tell_sentinel(holds=[{"reason": "ReadOnlyApi"}])
            await bot.until(is_closed_for("ReadOnlyApi"))
            pod.tell_sentinel(holds=[])
            await bot.until(is_open)


async def test_a_sentinel_that_crashes_closes_nothing_for_good_and_its_next_boot_tells_anew(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        async with programs_of(pod, "bot") as (bot,):
            before = await bot.until(is_open)
            await pod.crash_sentinel()
            await pod.start_sentinel()
            after = await bot.until(lambda word: word.open and word.boot != before.boot)
            assert after.sequence > before.sequence


async def asked(pod: PodOnHost, path: str, token: str) -> tuple[int, str]:
    url = f"http://127.0.0.1:{pod.ports['http']}{path}"
    async with (
        aiohttp.ClientSession(headers=bearer(token)) as session,
        session.get(url) as answer,
    ):
        return answer.status, await answer.text()


async def test_no_token_is_in_the_sentinels_log_and_the_programs_opens_the_gate_alone(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        for token, statuses in ((TOKEN, [200, 200]), (GATE_TOKEN, [401, 200])):
            paths = ("/v1/status", "/v1/gate")
            answers = [await asked(pod, path, token) for path in paths]
            assert [status for status, _ in answers] == statuses
            assert "canary" not in "".join(text for _, text in answers)
        assert "canary" not in (tmp_path / "sentinel.log").read_text()


def asked_by(operator: OperatorOnHost) -> tuple[str, ...] | None:
    memory = operator.app.memories.get(operator.key)
    return memory.drain.programs if memory and memory.drain else None


async def test_a_suspend_of_the_operators_waits_for_programs_and_for_the_executor(
    tmp_path: Path,
) -> None:
    async with (
        operated(tmp_path) as (pod, operator),
        programs_of(pod, "bot", "other") as (bot, other),
    ):
        operator.http.answers["/v1/gate"] = DRAINED
        await asyncio.gather(bot.until(is_open), other.until(is_open))
        operator.edit(suspend=True)
        await operator.until(lambda: asked_by(operator) == ("bot", "other"))
        word = await bot.until(asks_for_a_drain)
        assert word.drain is not None
        assert (word.open, word.drain.reason) == (False, "Suspend")
        await bot.answers()
        await operator.until(lambda: asked_by(operator) == ("other",))
        assert operator.replicas("StatefulSet", "paper-gateway") == 1
        await other.answers()
        await operator.until(lambda: operator.replicas("StatefulSet", "paper-gateway") == 0)


async def test_a_suspend_that_is_taken_back_lets_programs_trade_again(tmp_path: Path) -> None:
    async with operated(tmp_path) as (pod, operator), programs_of(pod, "bot") as (bot,):
        operator.http.answers["/v1/gate"] = DRAINED
        operator.edit(suspend=True)
        await operator.until(lambda: asked_by(operator) == ("bot",))
        drain = (await bot.until(asks_for_a_drain)).drain
        operator.edit(suspend=False)
        await operator.until(operator.trades)
        word = await bot.until(is_open)
        assert (word.drain, drain is not None) == (None, True)
