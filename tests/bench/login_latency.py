"""From the push approved to the executor pod Ready; from the session kicked to not Ready.

`make bench` runs it on the cluster of `make cluster`. A run of the first kind costs the week's token, a new
gateway pod and a login that a person asks for; of the second a kick and its end.
"""

import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from bench_page import Figure, Measured, save
from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images, timeline
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.readiness_watch import Watch
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import until

NAMESPACE: Final = "bench-login"
LIMIT_SECONDS: Final = 120.0
APPROVED: Final = "push approved to executor pod Ready, p95"
KICKED: Final = "session kicked to not Ready, p95"
METHOD: Final = (
    "On the kind cluster. The clock starts just before the call to the simulated IBKR and stops when the API server's watch tells of the pod's new Ready "
    "condition; marks on the way are the first line of each program, stamped by the container runtime."
)


@dataclass(frozen=True)
class Latency:
    """Seconds until the end, and the marks on the way."""

    seconds: float
    times: timeline.Times


def approved_to_ready(stage: Stage, ibkr: Ibkr, watch: Watch) -> Latency:
    """From the approval of a fresh login's push to the pod's Ready."""
    use_up_token(stage)
    asked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.kubectl(
        "annotate", "--overwrite", "ibgw/paper", f"ibgateway.dev/login-requested-at={asked}"
    )
    until("a push", ibkr.waiting, seconds=LIMIT_SECONDS)
    stage.wait_for_login("AwaitingApproval")
    begin = time.time()
    seconds = timed(ibkr.approve, lambda: watch.wait(ready=True))
    time.sleep(0.3)
    shown = timeline.conditions(watch.seen, begin, wanted=True)
    return Latency(seconds, {**timeline.said(stage, timeline.OPENING, begin), **shown})


def use_up_token(stage: Stage) -> None:
    """A gateway without the week's token that waits for a person.

    A pod that is deleted keeps its token; IBC's STOP costs it. The new start of the container waits, and its pod is deleted
    so that the kubelet does not wait longer and longer before the next runs' starts.
    """
    stage.tell_ibc("STOP")
    stage.wait_for_login("WaitingForPermit")
    stage.kubectl("delete", "pod", "paper-gateway-0")


def kicked_to_not_ready(stage: Stage, ibkr: Ibkr, watch: Watch) -> Latency:
    """From a person's login elsewhere to the pod no longer Ready."""
    watch.wait(ready=True)
    time.sleep(random.uniform(1, 3))  # noqa: S311 - not in step with any period
    # Without a window: after one, a gateway that gives way is a login and a push away from the next run.
    kick = lambda: ibkr.kick(style="silent")  # noqa: E731
    begin = time.time()
    seconds = timed(kick, lambda: watch.wait(ready=False))
    time.sleep(1.2)
    ibkr.free()
    shown = timeline.conditions(watch.seen, begin, wanted=False)
    return Latency(seconds, {**timeline.said(stage, timeline.CLOSING, begin), **shown})


def timed(act: Callable[[], None], end: Callable[[], float]) -> float:
    """Seconds from just before `act` to the moment `end` gives."""
    start = time.monotonic()
    act()
    return end() - start


def p95(runs: list[Latency]) -> float:
    """Seconds."""
    return statistics.quantiles([run.seconds for run in runs], n=20, method="inclusive")[-1]


def words(runs: list[Latency]) -> str:
    """The other figures of the same runs."""
    seconds = [run.seconds for run in runs]
    return f"p50 {statistics.median(seconds):.2f} s, max {max(seconds):.2f} s, {len(runs)} runs"


def measured(approved: list[Latency], kicked: list[Latency]) -> Measured:
    """As figures beside their aims, with the marks on the way."""
    return Measured(
        title="Login and loss, from IBKR to the executor's readiness",
        command="tests/bench/login_latency.py --save",
        method=METHOD,
        figures=(
            Figure(what=APPROVED, value=p95(approved), unit="s", aim=1.0, beside=words(approved)),
            Figure(what=KICKED, value=p95(kicked), unit="s", aim=0.4, beside=words(kicked)),
        ),
        text="\n".join(
            [*pieces("Approval to Ready", approved), *pieces("Kick to not Ready", kicked)]
        ),
    )


def pieces(title: str, runs: list[Latency]) -> list[str]:
    """Where the time goes: when each mark was reached, the middle of all runs, and the time since the one before."""
    lines = [
        f"{title}, piece by piece (p50):",
        "",
        "| reached | after | since the one before |",
        "|---|---|---|",
    ]
    before = 0.0
    for mark, at in timeline.medians([run.times for run in runs]).items():
        lines.append(f"| {mark} | {at:.3f} s | {at - before:.3f} s |")
        before = at
    return [*lines, ""]


@click.command()
@click.option("--runs", default=50, show_default=True, help="Runs of each kind.")
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def main(runs: int, kept: bool) -> None:
    """Print p95 beside p50 and max of both latencies, and where the time goes."""
    stage = Stage(Cluster.attach(), NAMESPACE)
    prepare(stage)
    with stage.ibkr() as ibkr, Watch(stage).running() as watch:
        until("the first push", ibkr.waiting, seconds=300)
        ibkr.approve()
        watch.wait(ready=True)
        kicked = [kicked_to_not_ready(stage, ibkr, watch) for _ in progress("kick", runs)]
        watch.wait(ready=True)
        approved = [approved_to_ready(stage, ibkr, watch) for _ in progress("approve", runs)]
    found = measured(approved, kicked)
    for figure in found.figures:
        print(f"{figure.what:<40} {figure.value:.2f} s, aim {figure.aim} s; {figure.beside}")
    print(found.text)
    if kept:
        save("latency", found)


def prepare(stage: Stage) -> None:
    """A fresh namespace with a gateway that waits for its first approval."""
    images.provide(stage.cluster, Reporter())
    stage.cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=240)
    stage.prepare()
    stage.write_credentials()
    stage.start_ibkr()
    stage.install_operator(calendar(datetime.now(UTC) - timedelta(days=3)))
    # The first push comes by itself and is the day's; all others somebody asks for, however long the runs take.
    stage.install_gateway({"login": {"maxAttempts": 1, "dailyAttempts": 1}})


def progress(what: str, runs: int) -> Iterator[Any]:
    """Counts on standard error."""
    for run in range(runs):
        print(f"\r{what} {run + 1}/{runs}", end="", file=sys.stderr, flush=True)
        yield run
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
