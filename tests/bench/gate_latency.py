"""From what happens to the gateway to a gate that has followed, at the executor, at the sentinel and at the operator.

The operator is asked for two conditions that it writes: on the executor's pod, and on one of somebody else's.

Real processes on this host: simulated gateway, wrapper, sentinel, executor, and the operator with an API server in memory
behind its own client. The clock starts just before the call to the simulated IBKR, or with the line in the gateway's log; it
stops when the one who is asked says so.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from bench_page import Figure, Measured, save
from gate_world import GateWorld, gate_world, is_closed, is_open, line_of
from ibgateway_simulator.model.users import ExpiryDialog, KickStyle, PushState
from notification_world import Receiver, ntfy

CLOSING: Final = 0.5
OPENING: Final = 1.2
MESSAGE: Final = 2.0
PROGRAM_RATIO: Final = 1.1
"""How much later a program's condition may be than the executor's, from the event on."""
USER: Final = "paperuser"
RESTART_LINE: Final = "Restart in progress; event=Opened"
EXPIRED_LINE: Final = "oft token=0 received"
EXPIRED: Final = ("TokenExpired", "AwaitingApproval")
"""What is said of the login then; the second where the first is over already."""
PUSH_TITLE: Final = "Approve IBKR's push"

Found = dict[str, list[float]]


async def acted(
    world: GateWorld, act: Callable[[], None], wanted: Callable[[str], bool]
) -> dict[str, float]:
    """Seconds from just before an act until each has followed."""
    begun = time.monotonic()
    act()
    return {who: at - begun for who, at in (await world.judged(wanted, begun)).items()}


async def kicked(world: GateWorld) -> dict[str, float]:
    """A person takes the session, and gives it back. Without a window: else each run would cost a push."""
    ibkr = world.pod.ibkr.ibkr
    found = await acted(world, lambda: ibkr.kick(USER, KickStyle.SILENT), is_closed)
    await ibkr.free(USER)
    await world.all_open()
    return found


async def link_lost(world: GateWorld) -> tuple[dict[str, float], dict[str, float]]:
    """The line between the gateway and IBKR fails, and is mended: 1100 and 1102."""
    ibkr = world.pod.ibkr.ibkr
    (session,) = ibkr.logins.of_user(USER)
    lost = await acted(world, lambda: ibkr.set_link(session, up=False, code=1102), is_closed)
    (session,) = ibkr.logins.of_user(USER)
    mended = await acted(world, lambda: ibkr.set_link(session, up=True, code=1102), is_open)
    await world.all_open()
    return lost, mended


async def followed(
    world: GateWorld, text: str, begins: int, wanted: Callable[[str], bool]
) -> dict[str, float]:
    """Seconds from a line of the gateway's log until each has followed."""
    since = time.monotonic()
    log = world.pod.run / "gateway.log"
    said, at = await asyncio.gather(line_of(log, text, begins), world.judged(wanted, since))
    return {who: max(moment - said, 0.0) for who, moment in at.items()}


async def restarted(world: GateWorld, phone: Receiver) -> dict[str, dict[str, float]]:
    """The gateway's own restart meets a dead token: it closes, says why, pushes, and is approved."""
    pod, ibkr = world.pod, world.pod.ibkr.ibkr
    ibkr.logins.expire_token(USER)
    begins, pushes = (pod.run / "gateway.log").stat().st_size, len(ibkr.logins.pushes)
    messages = len(phone.messages)
    closing = asyncio.create_task(followed(world, RESTART_LINE, begins, is_closed))
    expired = asyncio.create_task(
        followed(world, EXPIRED_LINE, begins, lambda reason: reason in EXPIRED)
    )
    message = asyncio.create_task(told(world, phone, pushes, messages))
    await pod.ibkr_said("POST", f"/v1/users/{USER}/restart")
    found = {"nightly restart": await closing, "expired token": await expired}
    found["push to message"] = {"message": await message}
    await pod.state("AwaitingApproval")
    push = ibkr.logins.waiting()[-1]
    found["approved push"] = await acted(
        world, lambda: ibkr.answer_push(push.id, PushState.APPROVED), is_open
    )
    await world.all_open()
    await received(phone, "IB Gateway is logged in", messages)
    return found


async def received(phone: Receiver, title: str, behind: int) -> float:
    """The moment at which people have a message with this title behind so many others."""
    await phone.until(lambda messages: any(title in m.title for m in messages[behind:]), limit=120)
    return time.monotonic()


async def told(world: GateWorld, phone: Receiver, pushes: int, messages: int) -> float:
    """Seconds from a push to the message about it."""
    logins = world.pod.ibkr.ibkr.logins
    while len(logins.pushes) <= pushes:  # noqa: ASYNC110 - the simulated IBKR tells nobody
        await asyncio.sleep(0.002)
    shown = time.monotonic()
    return await received(phone, PUSH_TITLE, messages) - shown


async def measure(runs: int) -> Found:
    """One gateway to which all of it happens, over and over."""
    found: Found = defaultdict(list)

    def keep(what: str, seconds: dict[str, float]) -> None:
        for who, value in seconds.items():
            found[f"{what}, {who}"].append(value)

    budget = {"attemptIntervalSeconds": 1, "maxAttempts": 10000, "dailyAttempts": 10000}
    with tempfile.TemporaryDirectory() as folder:
        async with ntfy() as phone, gate_world(Path(folder), **budget) as world:
            world.pod.tell_people(f"ntfy://127.0.0.1:{phone.port}/alerts")
            logins = world.pod.ibkr.ibkr.logins
            logins.rules = replace(logins.rules, expiry_dialog=ExpiryDialog.LOGIN_ERROR)
            await world.pod.log_in()
            await world.all_open()
            for number in range(1, runs + 1):
                print(f"\r{number}/{runs}", end="", file=sys.stderr, flush=True)
                keep("kick", await kicked(world))
                lost, mended = await link_lost(world)
                keep("connection lost", lost)
                keep("connection back", mended)
                for what, seconds in (await restarted(world, phone)).items():
                    keep(what, seconds)
            found["failed writes"] = [
                float((Path(folder) / "operator.log").read_text().count(" failed; again in"))
            ]
    print(file=sys.stderr)
    return found


def aim(what: str) -> float:
    """Seconds that the 95th percentile may take."""
    if what.startswith("push to message"):
        return MESSAGE
    return OPENING if what.startswith(("approved push", "connection back")) else CLOSING


def p95(seconds: list[float]) -> float:
    """The 95th percentile."""
    return statistics.quantiles(seconds, n=20, method="inclusive")[-1]


def ratio(found: Found) -> Figure:
    """What a program's condition takes beside the executor's, in the middle of all pairs."""
    pairs = [
        pair
        for what, seconds in found.items()
        if what.endswith(", operator")
        for pair in zip(seconds, found[f"{what} to a program"], strict=True)
    ]
    later = statistics.median(program - executor for executor, program in pairs)
    return Figure(
        what="a program's condition / the executor's, p50 of all pairs",
        value=statistics.median(program / executor for executor, program in pairs if executor),
        aim=PROGRAM_RATIO,
        beside=f"{later * 1000:.1f} ms later, {len(pairs)} pairs",
    )


def measured(found: Found) -> Measured:
    """As figures beside their aims."""
    failed = found["failed writes"][0]
    return Measured(
        title="The gate, from what happens to who has followed",
        command="tests/bench/gate_latency.py --save",
        method="Gateway, sentinel, executor and operator as processes on loopback; the operator's API server keeps its objects in memory. "
        "The clock starts just before the call to the simulated IBKR, or with the line in the gateway's log (restart, expired token).",
        figures=(
            *(
                Figure(
                    what=f"{what}, p95",
                    value=p95(seconds),
                    unit="s",
                    aim=aim(what),
                    beside=f"p50 {statistics.median(seconds):.3f} s, max {max(seconds):.3f} s, {len(seconds)} runs",
                )
                for what, seconds in found.items()
                if what != "failed writes"
            ),
            ratio(found),
            Figure(what="runs of the operator that failed", value=failed, aim=0),
        ),
    )


@click.command()
@click.option("--runs", default=100, show_default=True, help="Runs of each kind.")
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(runs: int, kept: bool) -> int:
    """Print p95 of each beside its aim; 1 where one is missed."""
    result = measured(asyncio.run(measure(runs)))
    for figure in result.figures:
        print(
            f"{figure.what:<54} {figure.value:.3f} {figure.unit}, aim {figure.aim}; {figure.beside}"
        )
    if kept:
        save("gate", result)
    return int(any(figure.met is False for figure in result.figures))


if __name__ == "__main__":
    sys.exit(main(standalone_mode=False))
