"""From IBC's first line about a session that was taken to the end of the gateway's process.

For that long, at most, a gateway that gives way stands against the person who has logged in elsewhere.
Real sentinel and wrapper on this host, around the simulated Gateway; a run costs a login.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import click

from sentinel_world import PodOnHost, pod_on_host

LINE: Final = "Re-login is required; event=Opened"
ENDED: Final = "wrapper: run.sh ended"


async def closed(port: int) -> float:
    """The moment (monotonic seconds) at which nobody listens on the API's port any more."""
    while True:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except OSError:
            return time.monotonic()
        writer.close()
        await asyncio.sleep(0.002)


async def says(log: Path, text: str, times: int) -> float:
    """The moment at which the log has the text so often."""
    return await asyncio.to_thread(watch, log, text, times)


def watch(log: Path, text: str, times: int) -> float:
    while log.read_text(errors="replace").count(text) < times:
        time.sleep(0.002)
    return time.monotonic()


async def run(pod: PodOnHost, number: int) -> tuple[float, float]:
    """Seconds to the API's end and to the container's."""
    await pod.log_in()
    log = pod.run / "gateway.log"
    await pod.ibkr_said("POST", "/v1/users/paperuser/kick", {"style": "waits"})
    async with asyncio.timeout(60):
        shown = await says(log, LINE, number)
        dead = await closed(pod.ports["api"])
        ended = await says(log, ENDED, number)
    await pod.until(lambda report: report["state"] == "SessionConflict")
    await pod.ibkr_said("POST", "/v1/users/paperuser/free")
    return dead - shown, ended - shown


async def measure(runs: int) -> list[tuple[float, float]]:
    """One gateway that is kicked and logs in again, over and over."""
    with tempfile.TemporaryDirectory() as folder:
        budget: dict[str, Any] = {"attemptIntervalSeconds": 1, "maxAttempts": 100}
        async with pod_on_host(Path(folder), dailyAttempts=1000, **budget) as pod:
            return [await run(pod, number) for number in range(1, runs + 1)]


@click.command()
@click.option("--runs", default=20, show_default=True, help="Kicks.")
def main(runs: int) -> None:
    """Print p50, p95 and max."""
    dead, ended = zip(*asyncio.run(measure(runs)), strict=True)
    for what, seconds in (("line -> process dead", dead), ("line -> container ended", ended)):
        p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
        click.echo(
            f"{what:<26} p50 {statistics.median(seconds):.2f} s   p95 {p95:.2f} s"
            f"   max {max(seconds):.2f} s   ({len(seconds)} runs)"
        )


if __name__ == "__main__":
    sys.exit(main())
