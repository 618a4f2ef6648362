"""The executor's intake beside bare commits of like rows, with more and more orders stored.

The real process on loopback, its gate closed; clients that cost as little as they can. For each number of stored
orders: bare commits, then one client, then sixteen; memory, and the time from the start to the first answer.
"""

import asyncio
import itertools
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import aiohttp
import click
import psutil

from bench_page import save
from bench_stores import STORES, BenchStore, bench_store
from executor_world import CLIENT_TOKEN, ExecutorProcess, JsonClient, SentinelStub
from intake_load import LoadFigures, fill
from intake_load.stored_run import StoredRun, measured

MIB: Final = 1024 * 1024
COLUMNS: Final = "{:>8} {:>8} {:>8} | {:>22} | {:>6} {:>22} {:>6} {:>6} {:>6} | {:>6} {:>22} {:>6} {:>6} {:>6} | {:>7} {:>5} {:>5}"


def line(run: StoredRun) -> str:
    """One line of the table."""

    def figures(told: LoadFigures) -> str:
        return f"{told.rate:.0f}/s {told.p50:.2f} {told.p99:.1f} {told.longest:.0f}"

    def beside(told: LoadFigures, used: float) -> tuple[str, ...]:
        late = told.p99 - run.bare.p99
        cpu = f"{used:.2f}", f"{told.cpu:.2f}"
        return f"{run.share(told):.2f}", figures(told), f"{late:+.1f}", *cpu

    ends = (f"{run.opened:.2f}", f"{run.rest:.0f}", f"{run.after:.0f}")
    sides = (*beside(run.one, run.used[0]), *beside(run.many, run.used[1]))
    return COLUMNS.format(run.store, run.stored, run.kind, figures(run.bare), *sides, *ends)


async def program(*arguments: str) -> LoadFigures:
    """What a program of `intake_load` prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    text, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"{arguments[0]} failed")
    return LoadFigures.from_json(text.decode())


async def started(executor: ExecutorProcess) -> float:
    """Seconds from the start to the first answer."""
    begin = time.monotonic()
    await executor.start()
    async with aiohttp.ClientSession() as session:
        client = JsonClient(session, f"http://127.0.0.1:{executor.port}", CLIENT_TOKEN)
        while True:
            try:
                await client.get("/v1/orders?limit=1")
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.005)
            else:
                return time.monotonic() - begin


@dataclass(frozen=True)
class LedgerShape:
    """What a ledger has before a run."""

    store: str
    stored: int
    waiting: bool


async def measure(folder: Path, shape: LedgerShape, store: BenchStore, orders: int) -> StoredRun:
    """One line of the table."""
    now, stored, waiting = datetime.now(UTC), shape.stored, shape.waiting
    beside = store.ledger(folder / "bare")
    fill(beside, stored, waiting=waiting, now=now)
    executor = ExecutorProcess(folder)
    ledger = store.ledger(executor.data)
    fill(ledger, stored, waiting=waiting, now=now)
    executor.database = ledger.url
    bare = await program("intake_load.bare", str(beside.where), str(orders))
    async with SentinelStub().serving() as sentinel:
        executor.configure(api_host="127.0.0.1", api_port=9, sentinel_url=sentinel.url)
        opened = await started(executor)
        assert executor.process is not None
        process = psutil.Process(executor.process.pid)
        await asyncio.sleep(3)
        rest = process.memory_info().rss / MIB
        client = ("intake_load.client", str(executor.port), CLIENT_TOKEN)
        cpu = [cpu_seconds(process)]
        one = await program(*client, "1", str(orders), "one")
        cpu.append(cpu_seconds(process))
        many = await program(*client, "16", str(orders * 2), "many")
        cpu.append(cpu_seconds(process))
        after = process.memory_info().rss / MIB
        await executor.kill()
    kind = "waiting" if waiting else "done"
    used = ((cpu[1] - cpu[0]) / orders * 1000, (cpu[2] - cpu[1]) / orders / 2 * 1000)
    return StoredRun(stored, kind, shape.store, bare, one, many, used, opened, rest, after)


def cpu_seconds(process: psutil.Process) -> float:
    """What it has used so far."""
    spent = process.cpu_times()
    return float(spent.user + spent.system)


@click.command()
@click.option("--stored", multiple=True, type=int, default=(0, 200, 3000, 20_000, 100_000))
@click.option("--waiting/--done", default=None, help="Only these; otherwise both.")
@click.option("--store", "stores", multiple=True, type=click.Choice(STORES), default=STORES)
@click.option("--orders", default=2000, help="With one client; with sixteen twice as many.")
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(
    stored: tuple[int, ...],
    waiting: bool | None,
    stores: tuple[str, ...],
    orders: int,
    kept: bool,
) -> None:
    """Print the table."""
    runs = []
    kinds = (False, True) if waiting is None else (waiting,)
    print(
        "rates with p50, p99 and longest in ms; /bare: share of the bare rate; late: p99 less the bare one's;"
    )
    print(
        "cpu, client: what the executor and the client use, ms a request; opened: s to the first answer; MiB at rest, after"
    )
    side = ("late", "cpu", "client")
    head = ("bare", "/bare", "1 client", *side, "/bare", "16 clients", *side)
    print(COLUMNS.format("store", "stored", "", *head, "opened", "rest", "after"))
    for name in stores:
        with bench_store(name) as store:
            for kind, count in itertools.product(kinds, stored):
                with tempfile.TemporaryDirectory() as folder:
                    shape = LedgerShape(name, count, kind)
                    run = asyncio.run(measure(Path(folder), shape, store, orders))
                    print(line(run), flush=True)
                    runs.append(run)
    if kept:
        save("intake", measured(runs))


if __name__ == "__main__":
    main()
