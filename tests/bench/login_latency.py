"""From the push approved to the executor pod Ready; from the session kicked to not Ready.

`make bench` runs it on the cluster of `make cluster`. A run of the first kind costs a new gateway pod
and a login that a person asks for; of the second a kick and its end.
"""

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

from ibgateway_cluster import Cluster
from ibgateway_cluster.report import Reporter
from ibgateway_stage import images
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import Stage, is_ready
from ibgateway_stage.waiting import until

NAMESPACE: Final = "bench-login"
LIMIT_SECONDS: Final = 120.0


class Watch:
    """The executor pod's readiness as the API server's watch tells it, with the time of each news."""

    def __init__(self, stage: Stage) -> None:
        self.news = threading.Condition()
        self.ready = False
        self._stage = stage

    @contextmanager
    def running(self) -> Iterator["Watch"]:
        """Reads the watch in a thread until left."""
        argv = [
            "kubectl",
            f"--context=kind-{self._stage.cluster.name}",
            f"--namespace={self._stage.namespace}",
            "get",
            "pods",
            "-l=ibgateway.dev/gateway=paper,app.kubernetes.io/component=executor",
            "--watch",
            "--output=json",
        ]
        environ = dict(self._stage.cluster.environ)
        with subprocess.Popen(argv, env=environ, stdout=subprocess.PIPE, text=True) as process:
            reader = threading.Thread(target=self._read, args=(process,), daemon=True)
            reader.start()
            try:
                yield self
            finally:
                process.terminate()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        text, decoder = "", json.JSONDecoder()
        for line in process.stdout:
            text += line
            if line.startswith("}"):
                pod, end = decoder.raw_decode(text)
                text = text[end:].lstrip()
                self._tell(is_ready(pod))

    def _tell(self, ready: bool) -> None:
        with self.news:
            self.ready = ready
            self.news.notify_all()

    def wait(self, ready: bool) -> float:
        """The moment (monotonic seconds) at which the pod is as asked."""
        with self.news:
            if not self.news.wait_for(lambda: self.ready is ready, LIMIT_SECONDS):
                raise TimeoutError(f"the executor pod was not {'' if ready else 'un'}ready in time")
            return time.monotonic()


def approved_to_ready(stage: Stage, ibkr: Ibkr, watch: Watch) -> float:
    """Seconds from the approval of a fresh login's push to the pod's Ready."""
    stage.kubectl("delete", "pod", "paper-gateway-0")
    stage.wait_for_login("WaitingForPermit")
    asked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    stage.kubectl(
        "annotate", "--overwrite", "ibgw/paper", f"ibgateway.dev/login-requested-at={asked}"
    )
    until("a push", ibkr.waiting, seconds=LIMIT_SECONDS)
    stage.wait_for_login("AwaitingApproval")
    return timed(ibkr.approve, lambda: watch.wait(ready=True))


def kicked_to_not_ready(ibkr: Ibkr, watch: Watch) -> float:
    """Seconds from a person's login elsewhere to the pod no longer Ready."""
    watch.wait(ready=True)
    time.sleep(1.5)
    # Without a window: after one, a gateway that gives way is a login and a push away from the next run.
    kick = lambda: ibkr.kick(style="silent")  # noqa: E731
    seconds = timed(kick, lambda: watch.wait(ready=False))
    ibkr.free()
    return seconds


def timed(act: Callable[[], None], end: Callable[[], float]) -> float:
    """Seconds from just before `act` to the moment `end` gives."""
    start = time.monotonic()
    act()
    return end() - start


def report(what: str, seconds: list[float]) -> None:
    """One line of figures."""
    p95 = statistics.quantiles(seconds, n=20, method="inclusive")[-1]
    figures = f"p50 {statistics.median(seconds):.2f} s   p95 {p95:.2f} s   max {max(seconds):.2f} s"
    print(f"{what:<36} {figures}   ({len(seconds)} runs)", flush=True)


@click.command()
@click.option("--runs", default=50, show_default=True, help="Runs of each kind.")
def main(runs: int) -> None:
    """Print p50, p95 and max of both latencies."""
    stage = Stage(Cluster.attach(), NAMESPACE)
    prepare(stage)
    with stage.ibkr() as ibkr, Watch(stage).running() as watch:
        until("the first push", ibkr.waiting, seconds=300)
        ibkr.approve()
        watch.wait(ready=True)
        kicked = [kicked_to_not_ready(ibkr, watch) for _ in progress("kick", runs)]
        watch.wait(ready=True)
        approved = [approved_to_ready(stage, ibkr, watch) for _ in progress("approve", runs)]
    report("push approved -> executor pod Ready", approved)
    report("session kicked -> not Ready", kicked)


def prepare(stage: Stage) -> None:
    """A fresh namespace with a gateway that waits for its first approval."""
    images.provide(stage.cluster, Reporter())
    stage.cluster.kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", timeout=240)
    stage.prepare()
    stage.write_credentials()
    stage.start_ibkr()
    stage.install_operator(calendar(datetime.now(UTC) - timedelta(days=3)))
    stage.install_gateway({"login": {"dailyAttempts": 24}})


def progress(what: str, runs: int) -> Iterator[Any]:
    """Counts on standard error."""
    for run in range(runs):
        print(f"\r{what} {run + 1}/{runs}", end="", file=sys.stderr, flush=True)
        yield run
    print(file=sys.stderr)


if __name__ == "__main__":
    main()
