"""The wrapper, run by a real bash around a run.sh of the test's own."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "gateway" / "ibgateway_pod"
LIMIT = 20.0
QUICK = "echo $EXISTING_SESSION_DETECTED_ACTION; echo last line; exit 7"
LASTING = """
trap 'echo got TERM; exit 143' TERM
echo up
while :; do sleep 0.05; done
"""


class Container:
    """The wrapper as a container's first process; its own session ends with it."""

    def __init__(self, folder: Path, run_sh: str) -> None:
        self.run = folder / "run"
        self.settings = folder / "settings"
        self.home = folder / "home"
        for path in (self.run, self.settings, self.home / "scripts"):
            path.mkdir(parents=True, exist_ok=True)
        script = self.home / "scripts" / "run.sh"
        script.write_text(f"#!/bin/bash\n{run_sh}\n")
        script.chmod(0o755)
        self.user = "someone"
        self.output = folder / "output"
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        with self.output.open("ab") as output:
            self.process = await asyncio.create_subprocess_exec(
                *("bash", str(SCRIPTS / "wrapper.sh")),
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self.home),
                    "SENTINEL_RUN_DIR": str(self.run),
                    "TWS_SETTINGS_PATH": str(self.settings),
                    "TWS_USERID": self.user,
                },
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    async def permit(self, number: int | str = 1, **other: object) -> None:
        """A permit for the start that waits, but for what is `other`."""
        await self.in_state("waiting")
        now = int(time.time())
        good = {"id": number, "kind": "full", "existingSession": "secondary"}
        good |= {"start": self.state()["start"], "given": now, "expires": now + 30}
        lines = [f"{key}={value}\n" for key, value in (good | other).items() if value is not None]
        aside = self.run / "permit.new"
        aside.write_text("".join(lines))
        aside.replace(self.run / "permit")

    def state(self) -> dict[str, str]:
        try:
            text = (self.run / "wrapper").read_text()
        except FileNotFoundError:
            return {}
        return dict(line.split("=", 1) for line in text.splitlines())

    def is_another(self, start: str) -> bool:
        return self.state()["start"] != start

    def log(self) -> list[str]:
        log = self.run / "gateway.log"
        return log.read_text().splitlines() if log.exists() else []

    def token(self, name: str = "abc") -> Path:
        (self.settings / name).mkdir(exist_ok=True)
        file = self.settings / name / "autorestart"
        file.touch()
        return file

    async def until(self, wanted: Callable[[], bool]) -> None:
        async with asyncio.timeout(LIMIT):
            while not wanted():  # noqa: ASYNC110 - another process tells through files
                await asyncio.sleep(0.02)

    async def in_state(self, name: str) -> None:
        await self.until(lambda: self.state().get("state") == name)

    async def code(self) -> int:
        assert self.process is not None
        return await asyncio.wait_for(self.process.wait(), LIMIT)

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def end(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()


@contextlib.asynccontextmanager
async def container(folder: Path, run_sh: str) -> AsyncIterator[Container]:
    made = Container(folder, run_sh)
    try:
        await made.start()
        yield made
    finally:
        await made.end()


async def test_nothing_runs_without_a_permit(tmp_path: Path) -> None:
    async with container(tmp_path, "touch $HOME/ran") as pod:
        await pod.in_state("waiting")
        await asyncio.sleep(0.5)
        assert not (pod.home / "ran").exists()


async def test_a_permit_is_good_for_one_run(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        await pod.in_state("waiting")
        await pod.permit(7)
        assert await pod.code() == 7
        assert pod.state()["state"] == "ended"
        assert (pod.state()["permit"], pod.state()["exit"]) == ("7", "7")
        assert not (pod.run / "permit").exists()
        await pod.start()
        await pod.in_state("waiting")
        assert pod.log().count("last line") == 1


async def test_the_log_has_everything_in_order(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        await pod.permit(7, existingSession="primary")
        await pod.code()
        assert [line.partition(" wrapper: ")[2] or line for line in pod.log()] == [
            "waiting for a permit",
            "permit 7 taken: full, primary",
            "primary",
            "last line",
            "run.sh ended with 7",
        ]
        assert pod.output.read_text().splitlines() == pod.log()


async def test_the_last_lines_of_a_talkative_run_are_not_lost(tmp_path: Path) -> None:
    async with container(tmp_path, "for i in {1..20000}; do echo line $i; done") as pod:
        await pod.permit(1)
        assert await pod.code() == 0
        assert pod.log()[-2] == "line 20000"
        assert len(pod.log()) == 20003


async def test_what_outlives_run_sh_does_not_hold_the_container(tmp_path: Path) -> None:
    async with container(tmp_path, "sleep 60 & exit 1") as pod:
        await pod.permit(1)
        assert await pod.code() == 1


async def test_term_goes_on_to_run_sh_and_its_code_comes_back(tmp_path: Path) -> None:
    async with container(tmp_path, LASTING) as pod:
        await pod.permit(1)
        await pod.until(lambda: "up" in pod.log())
        pod.signal(signal.SIGTERM)
        assert await pod.code() == 143
        assert pod.log().count("got TERM") == 1


async def test_term_ends_a_waiting_wrapper_at_once(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        await pod.in_state("waiting")
        pod.signal(signal.SIGTERM)
        assert await pod.code() == 143


async def test_after_a_kill_the_next_start_waits_again(tmp_path: Path) -> None:
    async with container(tmp_path, LASTING) as pod:
        await pod.permit(1)
        await pod.in_state("running")
        first = pod.state()["start"]
        await pod.end()
        await pod.start()
        await pod.until(lambda: pod.state()["start"] != first)
        await pod.in_state("waiting")
        assert not (pod.run / "permit.taken").exists()
        assert pod.log().count("up") <= 1


async def test_a_full_permit_removes_a_stale_token(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        stale = pod.token()
        await pod.permit(1)
        await pod.code()
        assert not stale.exists()


async def test_a_token_permit_keeps_the_token_for_run_sh(tmp_path: Path) -> None:
    Container(tmp_path, "").token()
    async with container(tmp_path, "ls $TWS_SETTINGS_PATH/*/autorestart && echo with token") as pod:
        await pod.in_state("waiting")
        assert pod.state()["token"] == "yes"
        await pod.permit(1, kind="token")
        assert await pod.code() == 0
        assert "with token" in pod.log()


@pytest.mark.parametrize("files", [0, 2], ids=["no token", "two tokens, which IBC deletes"])
async def test_a_token_permit_never_becomes_a_push(tmp_path: Path, files: int) -> None:
    # Before the start: the wrapper looks for tokens once, and would find one of two half-way.
    before = Container(tmp_path, "touch $HOME/ran")
    for number in range(files):
        before.token(f"user{number}")
    async with container(tmp_path, "touch $HOME/ran") as pod:
        await pod.in_state("waiting")
        await pod.permit(1, kind="token")
        await pod.until(lambda: any("does not hold" in line for line in pod.log()))
        assert (pod.state()["state"], pod.state()["token"]) == ("waiting", "no")
        assert not (pod.home / "ran").exists()
        await pod.permit(2)
        assert await pod.code() == 0


@pytest.mark.parametrize(
    ("number", "kind", "session"),
    [("7; rm -rf /", "full", "primary"), ("7", "other", "primary"), ("7", "full", "manual")],
)
async def test_a_permit_that_says_something_else_is_none(
    tmp_path: Path, number: str, kind: str, session: str
) -> None:
    async with container(tmp_path, "touch $HOME/ran") as pod:
        await pod.permit(number, kind=kind, existingSession=session)
        await pod.until(lambda: any("does not hold" in line for line in pod.log()))
        assert not (pod.home / "ran").exists()


HOUR = 3600


@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"start": "1763000000000-7"}, "it is for another start"),
        ({"start": None}, "it names no start, as those of an older sentinel"),
        ({"expires": int(time.time())}, "it has expired"),
        ({"given": int(time.time()) + HOUR, "expires": int(time.time()) + 2 * HOUR}, "it has expired"),
        ({"expires": None}, "it does not say until when"),
        ({"given": "0x7fffffff"}, "it does not say until when"),
        ({"expires": "a[$(touch ran)]"}, "it does not say until when"),
    ],
    ids=["another start", "no start", "late", "clock set back", "no end", "no number", "code"],
)  # fmt: skip
async def test_a_permit_is_for_one_start_and_soon_over(
    tmp_path: Path, other: dict[str, object], fault: str
) -> None:
    async with container(tmp_path, "touch $HOME/ran") as pod:
        await pod.permit(5, **other)
        await pod.until(lambda: any(f"permit 5 does not hold: {fault}" in x for x in pod.log()))
        assert not (pod.home / "ran").exists()
        assert not (pod.run / "permit").exists()
        await pod.permit(6)
        assert await pod.code() == 0
        assert (pod.home / "ran").exists()


async def test_a_torn_permit_is_none(tmp_path: Path) -> None:
    async with container(tmp_path, "touch $HOME/ran") as pod:
        await pod.in_state("waiting")
        (pod.run / "permit").write_text("")
        await pod.until(lambda: any("does not hold" in line for line in pod.log()))
        assert not (pod.home / "ran").exists()


async def test_a_waiting_wrapper_counts_and_a_dead_one_does_not(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        await pod.in_state("waiting")
        first = (pod.run / "alive").read_text().split()
        assert first[0] == pod.state()["start"]
        await pod.until(lambda: (pod.run / "alive").read_text().split()[1:] > first[1:])
        await pod.end()
        last = (pod.run / "alive").read_text()
        await pod.start()
        await pod.until(lambda: (pod.run / "alive").read_text().split()[:1] != last.split()[:1])


async def test_each_start_looks_anew_whether_there_is_a_token(tmp_path: Path) -> None:
    async with container(tmp_path, "touch $TWS_SETTINGS_PATH/abc/autorestart") as pod:
        (pod.settings / "abc").mkdir()
        await pod.in_state("waiting")
        assert pod.state()["token"] == "no"
        await pod.permit(1)
        assert await pod.code() == 0
        await pod.start()
        await pod.in_state("waiting")
        assert pod.state()["token"] == "yes"


async def test_a_token_that_is_of_no_use_is_removed_for_the_start_that_is_named(
    tmp_path: Path,
) -> None:
    async with container(tmp_path, LASTING) as pod:
        await pod.permit(1)
        await pod.until(lambda: "up" in pod.log())
        token = pod.token()
        (pod.run / "drop-token").write_text("another start")
        await pod.until(lambda: not (pod.run / "drop-token").exists())
        assert token.exists()
        (pod.run / "drop-token").write_text(pod.state()["start"])
        await pod.until(lambda: not token.exists())
        await pod.until(lambda: pod.state()["token"] == "no")
        assert pod.state()["state"] == "running"


async def test_what_was_meant_for_an_earlier_start_is_cleared_away(tmp_path: Path) -> None:
    left = Container(tmp_path, "")
    for name in ("stop", "planned-stop", "drop-token", "permit.taken"):
        (left.run / name).write_text("1763000000000-7")
    async with container(tmp_path, QUICK) as pod:
        await pod.until(lambda: any("waiting for a permit" in line for line in pod.log()))
        assert {path.name for path in pod.run.iterdir()} == {"wrapper", "alive", "gateway.log"}


async def test_the_stop_file_ends_the_start_that_it_names(tmp_path: Path) -> None:
    async with container(tmp_path, LASTING) as pod:
        await pod.permit(1)
        await pod.until(lambda: "up" in pod.log())
        (pod.run / "stop").write_text("another start")
        await asyncio.sleep(0.5)
        assert pod.state()["state"] == "running"
        (pod.run / "stop").write_text(pod.state()["start"])
        assert await pod.code() == 143
        assert "got TERM" in pod.log()


async def test_a_token_of_another_user_name_is_none(tmp_path: Path) -> None:
    async with container(tmp_path, QUICK) as pod:
        await pod.permit()
        await pod.code()
        pod.token()
        for user, token in (("someone", "yes"), ("another", "no")):
            pod.user, before = user, pod.state()["start"]
            await pod.end()
            await pod.start()
            await pod.until(partial(pod.is_another, before))
            assert pod.state()["token"] == token
        await pod.permit(3, kind="token")
        await pod.until(lambda: "does not hold: there is no token" in pod.log()[-1])
        await pod.permit(4)
        await pod.code()
        assert list(pod.settings.glob("*/autorestart")) == []
