"""The preStop hook and the start script, run by a real bash against a command server of the test's."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "gateway" / "ibgateway_pod"


@contextlib.asynccontextmanager
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


async def prestop(run: Path, port: int, **env: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("bash", str(SCRIPTS / "prestop.sh")),
        env={
            "PATH": os.environ["PATH"],
            "SENTINEL_RUN_DIR": str(run),
            "IBC_COMMAND_PORT": str(port),
            "PRESTOP_DRAIN_SECONDS": "0",
            "PRESTOP_PAUSE_SECONDS": "2",
            **env,
        },
    )


class Driver:
    """A command server that takes commands, or one of them not."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses, self.port = refuses, 0
        self.commands: list[str] = []
        self._heard = asyncio.Condition()

    async def obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        command = (await reader.readline()).decode().strip()
        writer.write(b"ERROR\n" if command == self.refuses else b"OK\nOK more\n")
        writer.close()
        async with self._heard:
            self.commands.append(command)
            self._heard.notify_all()

    async def heard(self, *commands: str) -> None:
        async with self._heard, asyncio.timeout(20):
            await self._heard.wait_for(lambda: self.commands == list(commands))


@contextlib.asynccontextmanager
async def driver(refuses: str = "") -> AsyncIterator[Driver]:
    made = Driver(refuses)
    server = await asyncio.start_server(made.obey, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    async with server:
        yield made


def runs(folder: Path, pid: int, *, may_pause: str = "") -> None:
    (folder / "wrapper").write_text(f"state=running\nstart=7-1\npid={pid}\n")
    if may_pause:
        (folder / "may-pause").write_text(may_pause)


@pytest.mark.parametrize(
    ("may_pause", "command"),
    [("7-1", "PAUSE"), ("", "STOP"), ("6-1", "STOP")],
    ids=["the token lives", "the token is dead", "said of another start"],
)
async def test_it_says_one_word_and_waits_for_the_end(
    tmp_path: Path, may_pause: str, command: str
) -> None:
    async with driver() as ibc, process() as gateway:
        runs(tmp_path, gateway.pid, may_pause=may_pause)
        hook = await prestop(tmp_path, ibc.port, PRESTOP_PAUSE_SECONDS="60")
        await ibc.heard(command)
        await asyncio.sleep(0.5)
        assert hook.returncode is None
        gateway.kill()
        await gateway.wait()
        assert await asyncio.wait_for(hook.wait(), 20) == 0
    assert ibc.commands == [command]
    assert (tmp_path / "planned-stop").exists()


@pytest.mark.parametrize("refuses", ["PAUSE", ""], ids=["is refused", "does nothing"])
async def test_a_pause_that_comes_to_nothing_is_followed_by_a_stop(
    tmp_path: Path, refuses: str
) -> None:
    async with driver(refuses) as ibc, process() as gateway:
        runs(tmp_path, gateway.pid, may_pause="7-1")
        hook = await prestop(tmp_path, ibc.port)
        await ibc.heard("PAUSE", "STOP")
        gateway.kill()
        await gateway.wait()
        assert await asyncio.wait_for(hook.wait(), 20) == 0


async def test_a_process_that_never_ends_is_not_waited_for_for_ever(tmp_path: Path) -> None:
    async with driver() as ibc, process() as gateway:
        runs(tmp_path, gateway.pid)
        hook = await prestop(tmp_path, ibc.port, PRESTOP_SECONDS="1")
        assert await asyncio.wait_for(hook.wait(), 20) == 0
        assert gateway.returncode is None


async def test_it_waits_for_the_drain_before_it_says_a_word(tmp_path: Path) -> None:
    async with driver() as ibc, process() as gateway:
        runs(tmp_path, gateway.pid)
        (tmp_path / "drained").touch()
        hook = await prestop(tmp_path, ibc.port, PRESTOP_DRAIN_SECONDS="60")
        while not (tmp_path / "planned-stop").exists():  # noqa: ASYNC110 - a file tells
            await asyncio.sleep(0.02)
        await asyncio.sleep(0.5)
        assert ibc.commands == []
        (tmp_path / "drained").touch()
        await ibc.heard("STOP")
        gateway.kill()
        assert await asyncio.wait_for(hook.wait(), 20) == 0


async def test_without_a_process_there_is_nothing_to_wait_for(tmp_path: Path) -> None:
    (tmp_path / "wrapper").write_text("state=waiting\npid=\n")
    hook = await prestop(tmp_path, 1)
    assert await asyncio.wait_for(hook.wait(), 20) == 0


async def test_before_the_command_server_listens_term_has_to_do(tmp_path: Path) -> None:
    async with process() as gateway:
        (tmp_path / "wrapper").write_text(f"state=running\npid={gateway.pid}\n")
        hook = await prestop(tmp_path, 1)
        assert await asyncio.wait_for(hook.wait(), 20) == 0
        assert gateway.returncode is None


async def test_the_start_script_turns_the_command_server_on_for_loopback(tmp_path: Path) -> None:
    template = tmp_path / "config.ini.tmpl"
    template.write_text("IbLoginId=$X\nCommandServerPort=0\nBindAddress=\nControlFrom=\n")
    for _ in range(2):
        script = await asyncio.create_subprocess_exec(
            *("bash", str(SCRIPTS / "10-ibc.sh")),
            env={"PATH": os.environ["PATH"], "IBC_INI_TMPL": str(template)},
        )
        assert await asyncio.wait_for(script.wait(), 20) == 0
    assert template.read_text() == (
        "IbLoginId=$X\nCommandServerPort=7462\nBindAddress=127.0.0.1\nControlFrom=\n"
    )
