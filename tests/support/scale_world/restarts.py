"""`python -m scale_world.restarts COUNT`: an operator that starts again, and one that is away, with many gateways.

In a network of its own (see `network`). Prints what was seen as one JSON document; judges nothing.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from scale_world import audit, network
from scale_world.client import Json, many
from scale_world.gateways import PASSWORD, USER, gateway, prepare
from scale_world.run import GATEWAYS, METRICS_PORT, NAMESPACE, Run, running
from scraped_text import scrape

PATIENCE: Final = 150.0
STILL_SECONDS: Final = 8.0
"""Nothing is written for so long: all is as it should be."""
LISTENING_SECONDS: Final = 25.0
"""How long a new operator is watched: each gateway is looked at, its console and executor asked."""


async def until(wanted: Callable[[], bool], what: str) -> float:
    """Seconds until it is so. Raises TimeoutError that names it."""
    begin = time.monotonic()
    while not wanted():
        if time.monotonic() - begin > PATIENCE:
            raise TimeoutError(what)
        await asyncio.sleep(0.2)
    return time.monotonic() - begin


async def until_still(run: Run) -> None:
    """The operator has written nothing for a while."""
    begin = time.time()
    while any(written(run, time.time() - STILL_SECONDS)):
        if time.time() - begin > PATIENCE:
            raise TimeoutError("the operator never stops writing")
        await asyncio.sleep(1)


def written(run: Run, begin: float, user: str = "operator") -> dict[str, int]:
    """What was written since then, the Lease aside."""
    made = run.made(begin, user)
    return audit.table(each for each in made if each.writes and each.resource != "leases")


async def everyone_asked(run: Run) -> None:
    """The operator listens to every gateway."""
    begin = time.monotonic()
    while (await run.world("GET", "state"))["asked"] < run.count:
        if time.monotonic() - begin > PATIENCE:
            raise TimeoutError("not everyone was asked")
        await asyncio.sleep(0.2)


async def gates(run: Run) -> Json:
    """How many gates are open, and how many have closed since the last reset."""
    state = await run.world("GET", "state")
    return {"open": state["open"], "closed": state["closedSinceReset"]}


async def statuses(run: Run) -> dict[str, Any]:
    """Each gateway's status without `Ready`."""
    listed = await run.api.call("GET", GATEWAYS)
    return {item["metadata"]["name"]: without_ready(item["status"]) for item in listed["items"]}


def without_ready(status: Json) -> Json:
    """Everything but the summary."""
    conditions = {each["type"]: each for each in status["conditions"] if each["type"] != "Ready"}
    return {**status, "conditions": conditions}


async def starts_again(run: Run) -> Json:
    """The operator is stopped and started."""
    run.stop_operator()
    await run.world("POST", "reset")
    begin = time.time()
    run.start_operator()
    await everyone_asked(run)
    await asyncio.sleep(LISTENING_SECONDS)
    return {"written": written(run, begin), "gates": await gates(run)}


async def is_away(run: Run) -> Json:
    """The operator goes, and comes back; a watchdog looks on."""
    run.start_watchdog()
    before = await statuses(run)
    await run.world("POST", "reset")
    run.stop_operator()
    begin = time.time()
    away = await until(lambda: all_say(run, "OperatorAway"), "everyone says OperatorAway")
    seen = {
        "told after, s": away,
        "Ready": await ready(run),
        "others kept": await statuses(run) == before,
        "gates": await gates(run),
    }
    run.start_operator()
    back = time.time()
    await until(lambda: all_say(run, "Ready"), "everyone is Ready again")
    await until_still(run)
    return {
        **seen,
        "by the watchdog": written(run, begin, "watchdog"),
        "by the operator": written(run, back),
        "gates at the end": await gates(run),
    }


def all_say(run: Run, word: str) -> bool:
    """Whether all gateways have this as the reason of `Ready`, or are Ready."""
    said = list(run.watched.reasons.values())
    return len(said) == run.count and set(said) == {word}


async def ready(run: Run) -> list[str]:
    """The different statuses of `Ready`."""
    listed = await run.api.call("GET", GATEWAYS)
    conditions = [c for item in listed["items"] for c in item["status"]["conditions"]]
    return sorted({c["status"] for c in conditions if c["type"] == "Ready"})


async def scraped(run: Run) -> Json:
    """What the operator's metrics say, over its socket, as Prometheus reads them."""
    seen = await scrape(METRICS_PORT)
    requests = "operator_api_requests_total"
    return {
        "leading": seen.of("operator_leading"),
        "gateways": seen.of("operator_gateways"),
        "open gates": sum(seen.of("operator_gate_open", "gateway").values()),
        "reconciles": seen.of("operator_reconciles_total", "result"),
        "methods": sorted(seen.of(requests, "method")),
        "codes": sorted(seen.of(requests, "code")),
        "secrets": seen.tells(USER, PASSWORD),
    }


async def story(count: int, folder: Path) -> Json:
    """Everything that was seen."""
    async with running(folder, count) as run:
        await prepare(run.api, NAMESPACE, count)
        following = asyncio.create_task(run.watched.follow_gateways(run.api))
        try:
            run.start_operator()

            async def create(number: int) -> None:
                await run.api.call("POST", GATEWAYS, gateway(NAMESPACE, number))

            await many(count, create)
            await until(lambda: all_say(run, "Ready"), "everyone is Ready")
            await until_still(run)
            return {
                "scraped": await scraped(run),
                "starts again": await starts_again(run),
                "is away": await is_away(run),
            }
        finally:
            following.cancel()


def main() -> None:
    """Print the story."""
    network.prepare()
    with tempfile.TemporaryDirectory(prefix="restarts-") as folder:
        seen = asyncio.run(story(int(sys.argv[1]), Path(folder) / "run"))
    sys.stdout.write(f"{json.dumps(seen)}\n")


if __name__ == "__main__":
    main()
