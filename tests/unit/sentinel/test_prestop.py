"""The preStop hook and the start script, run by a real bash against a command server of the test's."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

SCRIPTS = Path(__file__).parents[3] / "gateway" / "ibgateway_pod"


@contextlib.asynccontextmanager
async def process() -> AsyncIterator[asyncio.subprocess.Process]:
    made = await asyncio.create_subprocess_exec("sleep", "60")
    try:
        yield made
    finally:
        with contextlib.suppress(ProcessLookupError):
            made.kill()
        await made.wait()


async def prestop(run: Path, port: int) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *("bash", str(SCRIPTS / "prestop.sh")),
        env={
            "PATH": os.environ["PATH"],
            "SENTINEL_RUN_DIR": str(run),
            "IBC_COMMAND_PORT": str(port),
            "PRESTOP_HOLD_SECONDS": "0",
        },
    )


async def test_it_says_stop_and_waits_for_the_end(tmp_path: Path) -> None:
    commands: list[str] = []
    heard = asyncio.Event()

    async def obey(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        commands.append((await reader.readline()).decode())
        writer.write(b"OK Shutting down: STOP command\n")
        writer.close()
        heard.set()

    server = await asyncio.start_server(obey, "127.0.0.1", 0)
    async with server, process() as gateway:
        (tmp_path / "wrapper").write_text(f"state=running\npid={gateway.pid}\n")
        hook = await prestop(tmp_path, server.sockets[0].getsockname()[1])
        await asyncio.wait_for(heard.wait(), 20)
        await asyncio.sleep(0.5)
        assert hook.returncode is None
        gateway.kill()
        await gateway.wait()
        assert await asyncio.wait_for(hook.wait(), 20) == 0
    assert commands == ["STOP\n"]
    assert (tmp_path / "planned-stop").exists()


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
