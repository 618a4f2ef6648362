"""From the push shown on the phone to the message about it at a receiver: ntfy's protocol on loopback.

Real sentinel, wrapper and sending process on this host, around the simulated Gateway. The start is the moment at which the
simulated IBKR sends the push, the end the receiver's. Beside it a bare measure of the same machine in the same run: a letter
handed to the sending process, and one posted by hand.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

import aiohttp
import click

from bench_page import Figure, Measured, save
from ibgateway_api.notifications import Letter, Severity
from ibgateway_runtime.notifications.courier import Courier
from notification_world import Receiver, ntfy
from sentinel_world import PodOnHost, pod_on_host

LETTER: Final = Letter(Severity.CRITICAL, "a title", "a body")
PUSH: Final = "Approve IBKR's push"
AIM: Final = 2.0


async def pushed(pod: PodOnHost, count: int) -> float:
    """The moment (monotonic seconds) at which IBKR sends the push."""
    while len(pod.pushes()) < count:  # noqa: ASYNC110 - the simulated IBKR tells nobody
        await asyncio.sleep(0.001)
    return time.monotonic()


async def received(phone: Receiver, title: str, count: int) -> float:
    """The moment at which the receiver has so many with the title."""
    await phone.until(lambda all_of: sum(title in m.title for m in all_of) >= count, limit=120)
    return time.monotonic()


async def run(pod: PodOnHost, phone: Receiver, number: int) -> float:
    """Seconds from the push to its message; the login is approved and ended again."""
    shown, told = await asyncio.gather(pushed(pod, number), received(phone, PUSH, number))
    await pod.approve()
    report = await pod.state("LoggedIn")
    await received(phone, "IB Gateway is logged in", number)
    request = {"id": f"{report['at'][:10]}T23:59:{number % 60:02d}.{number:03d}Z"}
    assert (await pod.call("POST", "/v1/restarts", request))[0] == 202
    return told - shown


async def bare(phone: Receiver, runs: int) -> tuple[list[float], list[float]]:
    """Seconds a letter by the sending process, and by hand."""
    by_worker, by_hand, courier = [], [], Courier()
    address = f"ntfy://127.0.0.1:{phone.port}/bare"
    await courier.send(address, LETTER)
    async with aiohttp.ClientSession() as session:
        for _ in range(runs):
            began = time.monotonic()
            assert await courier.send(address, LETTER) == ""
            by_worker.append(time.monotonic() - began)
            began = time.monotonic()
            body = {"topic": "bare", "title": LETTER.title, "message": LETTER.body}
            async with session.post(f"http://127.0.0.1:{phone.port}/", json=body) as answer:
                assert answer.status == 200
            by_hand.append(time.monotonic() - began)
    await courier.close()
    return by_worker, by_hand


async def cold(phone: Receiver, runs: int) -> list[float]:
    """Seconds of the first letter of a sending process that has yet to start."""
    found = []
    for _ in range(runs):
        courier, began = Courier(), time.monotonic()
        assert await courier.send(f"ntfy://127.0.0.1:{phone.port}/cold", LETTER) == ""
        found.append(time.monotonic() - began)
        await courier.close()
    return found


async def measure(runs: int) -> dict[str, list[float]]:
    """One gateway that logs in over and over."""
    with tempfile.TemporaryDirectory() as folder:
        budget: dict[str, Any] = {"attemptIntervalSeconds": 30, "maxAttempts": 100}
        async with ntfy() as phone, pod_on_host(Path(folder), dailyAttempts=1000, **budget) as pod:
            pod.tell_people(f"ntfy://127.0.0.1:{phone.port}/alerts")
            told = [await run(pod, phone, number) for number in range(1, runs + 1)]
            by_worker, by_hand = await bare(phone, runs)
            return {
                "push -> message": told,
                "letter, process ready": by_worker,
                "letter, process to start": await cold(phone, max(runs // 5, 3)),
                "posted by hand": by_hand,
            }


@click.command()
@click.option("--runs", default=50, show_default=True, help="Pushes.")
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(runs: int, kept: bool) -> int:
    """Print p50, p95 and max; 1 where p95 of push -> message is above two seconds."""
    found = asyncio.run(measure(runs))
    for what, seconds in found.items():
        click.echo(
            f"{what:<26} p50 {statistics.median(seconds):.3f} s   p95 {p95(seconds):.3f} s"
            f"   max {max(seconds):.3f} s   ({len(seconds)} runs)"
        )
    if kept:
        save("messages", measured(found))
    return int(p95(found["push -> message"]) > AIM)


def measured(found: dict[str, list[float]]) -> Measured:
    """As figures; only the whole way has an aim."""
    return Measured(
        title="From a push to the message about it",
        command="tests/bench/push_to_message.py --save",
        method="A sentinel beside a simulated gateway as processes on loopback; the receiver speaks ntfy's protocol.",
        figures=tuple(
            Figure(
                what=f"{what.replace('->', 'to')}, p95",
                value=p95(seconds),
                unit="s",
                aim=AIM if what == "push -> message" else None,
                beside=f"p50 {statistics.median(seconds):.3f} s, max {max(seconds):.3f} s, {len(seconds)} runs",
            )
            for what, seconds in found.items()
        ),
    )


def p95(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]


if __name__ == "__main__":
    sys.exit(main(standalone_mode=False))
