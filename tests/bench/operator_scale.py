"""The operator with many gateways, beside the bare loop that writes the same objects.

A real API server; pods by a pretended kubelet, sentinels and consoles by one process, all in a network of
the run's own. As root: `PYTHONPATH=... .venv/bin/python tests/bench/operator_scale.py --gateways 200`.
"""

import asyncio
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import click

from bench_page import save
from scale_world import audit, network
from scale_world.client import Api, Json, many
from scale_world.figures import measured
from scale_world.gateways import gateway, name, prepare
from scale_world.run import GATEWAYS, NAMESPACE, Run, running

EDITS: Final = 100
TURNS: Final = 50


async def bare(folder: Path, count: int) -> float:
    """Seconds the bare loop takes on a control plane of its own."""
    async with running(folder, count) as run:
        await prepare(run.api, "bare", count)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "scale_world.bare", str(count)),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "KUBECONFIG": str(run.plane.kubeconfig("bare"))},
        )
        text, _ = await process.communicate()
        return float(text)


async def cold(run: Run, limit: float) -> Json:
    """All gateways at once, an empty operator; until everyone is Ready."""
    await asyncio.sleep(5)
    empty = run.rss
    begin, cpu = time.time(), run.cpu
    await many(run.count, lambda n: create(run.api, n))
    while run.watched.ready < run.count and time.time() - begin < limit:
        await asyncio.sleep(0.5)
        if run.operator is not None and run.operator.poll() is not None:
            raise RuntimeError("the operator has ended")
    ready = time.time() - begin
    made = run.made(begin)
    children = [
        r
        for r in made
        if r.verb in ("patch", "create") and r.code == 201 and r.resource != "events"
    ]
    await asyncio.sleep(15)
    return {
        "last child": max((r.answered for r in children), default=begin) - begin,
        "all Ready": ready if run.watched.ready == run.count else None,
        "Ready": run.watched.ready,
        "reasons": dict(Counter(run.watched.reasons.values())),
        "requests a gateway": len([r for r in made if r.verb != "watch"]) / run.count,
        "requests": audit.table(made),
        "CPU seconds": run.cpu - cpu,
        "memory empty, MiB": empty,
        "memory, MiB": run.rss,
        "KiB a further gateway": (run.rss - empty) * 1024 / run.count,
    }


async def create(api: Api, number: int) -> None:
    """One gateway."""
    await api.call("POST", GATEWAYS, gateway(NAMESPACE, number))


async def quiet(run: Run, seconds: float) -> Json:
    """Nothing happens."""
    begin, cpu = time.time(), run.cpu
    await asyncio.sleep(seconds)
    made = [r for r in run.made(begin) if r.verb != "watch"]
    spent = time.time() - begin
    return {
        "writes": len([r for r in made if r.writes and r.resource != "leases"]),
        "requests a gateway and hour": len(made) / run.count * 3600 / spent,
        "requests": audit.table(made),
        "CPU share": (run.cpu - cpu) / spent,
    }


async def edits(run: Run) -> Json:
    """A limit is changed: until the sentinel's settings say so."""
    seconds, order = [], random.sample(range(run.count), run.count)
    for turn in range(EDITS):
        number, value = order[turn % run.count], 7 + turn % 16  # never what it has already
        arrived: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        run.watched.edits[f"{name(number)}-gateway"] = (f'dailyAttempts\\":{value}', arrived)
        begin = time.monotonic()
        patch = {"spec": {"login": {"dailyAttempts": value}}}
        await run.api.call(
            "PATCH", f"{GATEWAYS}/{name(number)}", patch, content="application/merge-patch+json"
        )
        seconds.append(await asyncio.wait_for(arrived, 60) - begin)
        await asyncio.sleep(random.uniform(0.2, 0.6))  # noqa: S311
    return quantiles(seconds)


async def turns(run: Run) -> Json:
    """A login is lost and comes back: until the pod's condition says so."""
    seconds, missed = [], 0
    for _ in range(TURNS):
        number = random.randrange(run.count)  # noqa: S311
        for _ in ("lost", "back"):
            told = await run.world("POST", f"turn?namespace={NAMESPACE}&name={name(number)}")
            if told["seconds"] is None:
                missed += 1
            else:
                seconds.append(told["seconds"])
            await asyncio.sleep(random.uniform(0.3, 0.8))  # noqa: S311
    return {**quantiles(seconds), "missed": missed}


async def restart(run: Run, limit: float) -> Json:
    """The operator is stopped and started: who is heard when, and what it writes."""
    run.stop_operator()
    await asyncio.sleep(2)
    await run.world("POST", "reset")
    begin = time.time()
    run.start_operator()
    heard = None
    while time.time() - begin < limit:
        await asyncio.sleep(0.25)
        if (await run.world("GET", "state"))["asked"] == run.count:
            heard = time.time() - begin
            break
    await asyncio.sleep(max(60 - (time.time() - begin), 15))
    made = run.made(begin)
    return {
        "gates closed": (await run.world("GET", "state"))["closedSinceReset"],
        "writes": len([r for r in made if r.writes and r.resource != "leases"]),
        "write table": audit.table(r for r in made if r.writes),
        "requests": audit.table(r for r in made if not r.writes),
        "all heard, s": heard,
        "memory, MiB": run.rss,
        "CPU seconds": run.cpu,
    }


async def killed(run: Run, limit: float) -> Json:
    """Two operators; the one that works is killed: until the other has heard everyone, and who wrote when."""
    run.start_second()
    await asyncio.sleep(20)
    await run.world("POST", "reset")
    assert run.operator is not None
    begin = time.time()
    run.operator.kill()
    run.operator.wait()
    run.operator = None
    await run.world("POST", "reset")
    while (await run.world("GET", "state"))["asked"] < run.count and time.time() - begin < limit:  # noqa: ASYNC110 - polled
        await asyncio.sleep(0.25)
    heard = time.time() - begin
    await asyncio.sleep(15)
    lease, others = lease_and_others(run.made(begin, "second"))
    before = [r for r in run.made(begin - 60) if r.writes]
    return {
        "took over, s": min((r.answered for r in lease), default=begin) - begin,
        "all heard, s": heard,
        "gates closed": (await run.world("GET", "state"))["closedSinceReset"],
        "writes": audit.table(others),
        "last write of the first, s": max((r.answered for r in before), default=begin) - begin,
    }


def lease_and_others(made: list[audit.Request]) -> tuple[list[audit.Request], list[audit.Request]]:
    """Writes of the Lease, and all other writes."""
    writes = [r for r in made if r.writes and r.code < 300]
    return (
        [r for r in writes if r.resource == "leases"],
        [r for r in writes if r.resource != "leases"],
    )


def quantiles(seconds: list[float]) -> dict[str, float]:
    """p50, p99 and the longest, in milliseconds."""
    ordered = sorted(seconds)
    last = len(ordered) - 1
    return {
        "runs": len(ordered),
        "p50 ms": ordered[min(int(len(ordered) * 0.5), last)] * 1000,
        "p99 ms": ordered[min(int(len(ordered) * 0.99), last)] * 1000,
        "max ms": ordered[last] * 1000,
    }


@asynccontextmanager
async def watched(folder: Path, count: int, *, counted: bool = False) -> AsyncIterator[Run]:
    """A world with the gateways' Secrets, and an operator in it."""
    async with running(folder, count, counted=counted) as run:
        await prepare(run.api, NAMESPACE, count)
        tasks = [
            asyncio.create_task(run.watched.follow_gateways(run.api)),
            asyncio.create_task(run.watched.follow_settings(run.api)),
        ]
        try:
            run.start_operator()
            yield run
        finally:
            for task in tasks:
                task.cancel()


async def measure(folder: Path, count: int, limit: float) -> dict[str, Any]:
    """Everything for one number of gateways."""
    found: dict[str, Any] = {"gateways": count, "bare loop, s": await bare(folder / "bare", count)}
    show(found)
    async with watched(folder / "cold", count) as run:
        parts: dict[str, Callable[[], Awaitable[Json]]] = {
            "cold start": lambda: cold(run, limit),
            "quiet minute": lambda: quiet(run, 60),
            "spec edit to child": lambda: edits(run),
            "report to condition": lambda: turns(run),
            "operator restarted": lambda: restart(run, limit),
            "operator killed, one stands by": lambda: killed(run, limit),
        }
        for title, part in parts.items():
            found[title] = await part()
            show({title: found[title]})
    return found


async def look_at_heap(folder: Path, count: int, limit: float) -> None:
    """What the operator's heap is made of: empty, with the gateways, and started again beside them."""
    async with watched(folder, count, counted=True) as run:
        await asyncio.sleep(10)
        show({"empty": await run.heap()})
        for title, part in {"cold start": cold, "operator restarted": restart}.items():
            show({title: await part(run, limit)})
            await asyncio.sleep(30)
            show({f"{title}: heap": await run.heap()})


def show(what: Json) -> None:
    """One JSON document a line."""
    print(json.dumps(what, default=lambda x: round(x, 3)), flush=True)


@click.command()
@click.option("--gateways", "counts", multiple=True, type=int, default=[50], show_default=True)
@click.option("--limit", default=900.0, show_default=True, help="Seconds a part may take.")
@click.option("--keep", is_flag=True, help="Keep the folder with logs.")
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
@click.option("--heap", is_flag=True, help="Only look at what the operator's memory is made of.")
def main(counts: tuple[int, ...], limit: float, keep: bool, kept: bool, heap: bool) -> None:
    """Measure each number of gateways in turn."""
    network.enter()
    network.prepare()
    found = []
    for count in counts:
        folder = Path(tempfile.mkdtemp(prefix="operator-scale-"))
        try:
            if heap:
                asyncio.run(look_at_heap(folder / "heap", count, limit))
            else:
                found.append(asyncio.run(measure(folder, count, limit)))
        finally:
            if keep:
                print(f"kept {folder}")
            else:
                shutil.rmtree(folder)
    if kept and found:
        save("operator", measured(found))


if __name__ == "__main__":
    main()
