"""A volume that fills up while orders come and go: the process lives, says so, and goes on by itself."""

import asyncio
import contextlib
import resource
import signal
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from executor_world import ExecutorWorld, until, world
from host_processes import small_volume

ROOM = 4 * 1024 * 1024
LEFT = 64 * 1024
SYMBOLS = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN")
MOST = 400


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with little room; skipped where this process may not mount one."""
    with small_volume(tmp_path / "data", ROOM) as folder:
        yield folder


async def ordered(here: ExecutorWorld, number: int) -> tuple[int, Any]:
    symbol = SYMBOLS[number % len(SYMBOLS)]
    return await here.place(f"k{number}", contract={"symbol": symbol})


async def until_full(here: ExecutorWorld, limit_at: int, fill: Callable[[], None]) -> list[str]:
    """Order one after the other; the disk is full after some of them. Ids of what was acknowledged."""
    acknowledged: list[str] = []
    for number in range(MOST):
        if number == limit_at:
            fill()
        status, answer = await ordered(here, number)
        if status == 503:
            assert answer["code"] == "LedgerUnavailable", answer
            assert "free or enlarge its volume" in answer["detail"]
            return acknowledged
        assert status == 202, (status, answer)
        acknowledged.append(answer["id"])
    raise AssertionError("the disk never filled up")


async def goes_on(here: ExecutorWorld, acknowledged: list[str], free: Callable[[], None]) -> None:
    """Full: everybody is told. With room again: each acknowledged order is sent once, new ones too."""
    assert here.executor.process is not None
    await here.not_ready("LedgerUnavailable")
    gate = await here.agent.get("/v1/gate")
    assert (gate["open"], gate["reason"]) == (False, "LedgerUnavailable")
    assert "free or enlarge its volume" in gate["message"]
    await asyncio.sleep(3)
    assert (await ordered(here, MOST))[0] == 503
    assert (await here.probes.ask("GET", "/healthz"))[0] == 200
    assert here.executor.process.returncode is None
    free()

    async def taken() -> str | None:
        status, answer = await ordered(here, MOST)
        return answer["id"] if status in (200, 202) else None

    acknowledged = [*acknowledged, await until("an order is taken again", taken)]
    for order_id in acknowledged:
        await here.reaches(order_id, "Filled")
    await here.ready()
    assert here.executor.process.returncode is None
    references = [frame[26] for frame in await here.placed_frames()]
    assert sorted(references) == sorted(f"ibg-{order_id}" for order_id in acknowledged)
    log = here.executor.log.read_text()
    assert "Traceback" not in log
    assert log.count("the ledger can't be used") <= 5


@contextlib.asynccontextmanager
async def trading(folder: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(folder) as here:
        await here.executor.start()
        await here.log_in()
        await here.ready()
        yield here


async def test_a_small_volume_fills_up(tmp_path: Path, volume: Path) -> None:
    filler = volume / "filler"

    def fill() -> None:
        """As another program's file does: to the last byte but a few pages."""
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        with filler.open("ab") as file:
            file.truncate(filler.stat().st_size - LEFT)

    async with trading(tmp_path) as here:
        acknowledged = await until_full(here, 20, fill)
        await goes_on(here, acknowledged, filler.unlink)


async def test_a_file_that_may_grow_no_more_is_like_a_full_disk(tmp_path: Path) -> None:
    """RLIMIT_FSIZE of the running process stands for a quota: writing fails with EFBIG, an I/O error to SQLite."""
    async with trading(tmp_path) as here:
        assert here.executor.process is not None
        pid = here.executor.process.pid

        def limit(size: int) -> None:
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

        def fill() -> None:
            limit((here.executor.data / "ledger.db-wal").stat().st_size + LEFT)

        acknowledged = await until_full(here, 20, fill)
        await goes_on(here, acknowledged, lambda: limit(resource.RLIM_INFINITY))


async def shown_but_not_taken(here: ExecutorWorld, order_id: str) -> None:
    """Started on a disk that takes nothing: what is there is shown, what comes is told why it can't stay."""
    await here.executor.start()
    await here.up()
    order = await here.orders.get(f"/v1/orders/{order_id}")
    assert order["state"] in ("Accepted", "Waiting")
    status, answer = await here.place("new")
    assert (status, answer["code"]) == (503, "LedgerUnavailable"), answer
    assert "free or enlarge its volume" in answer["detail"]
    assert (await here.orders.ask("DELETE", f"/v1/orders/{order_id}"))[0] == 503
    await here.not_ready("LedgerUnavailable")
    await here.log_in()
    await asyncio.sleep(3)
    assert (await here.orders.ask("GET", f"/v1/orders/{order_id}"))[0] == 200
    assert (await here.probes.ask("GET", "/healthz"))[0] == 200
    assert await here.placed_frames() == []


async def taken_again(here: ExecutorWorld, order_id: str) -> None:
    """There is room: the order is sent once, the next one too."""
    await here.reaches(order_id, "Filled")
    status, answer = await here.place("new")
    assert status == 202, answer
    await here.reaches(answer["id"], "Filled")
    assert len(await here.placed_frames()) == 2
    assert "Traceback" not in here.executor.log.read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
async def test_a_start_on_a_full_disk_shows_what_is_there(
    tmp_path: Path, volume: Path, number: signal.Signals
) -> None:
    filler = volume / "filler"
    async with world(tmp_path) as here:
        await here.executor.start()
        order = (await here.place_when_up("old"))[1]
        await here.executor.kill(number)
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))
        await shown_but_not_taken(here, order["id"])
        filler.unlink()
        await taken_again(here, order["id"])


def remount(volume: Path, how: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{how}", str(volume)], check=True)


async def test_a_start_on_a_read_only_disk_shows_what_is_there(
    tmp_path: Path, volume: Path
) -> None:
    async with world(tmp_path) as here:
        await here.executor.start()
        order = (await here.place_when_up("old"))[1]
        await here.executor.kill(signal.SIGTERM)
        await asyncio.to_thread(remount, volume, "ro")
        await shown_but_not_taken(here, order["id"])
        await asyncio.to_thread(remount, volume, "rw")
        await taken_again(here, order["id"])
