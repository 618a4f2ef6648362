"""What the scale run found, as figures beside their aims and curves over the number of gateways."""

from collections.abc import Sequence
from typing import Any, Final

from bench_page import Chart, Figure, Measured

Found = dict[str, Any]

METHOD: Final = (
    "A kube-apiserver with etcd and the controller manager of its own; pods by a pretended kubelet, sentinels and consoles by one process, "
    "everything on the same cores. The bare loop applies the same objects, 32 requests in flight, on another such control plane in the same run."
)


def measured(runs: Sequence[Found]) -> Measured:
    """The aims hold for the largest number of gateways; every number is a point of the curves."""
    counts = " ".join(f"--gateways {run['gateways']}" for run in runs)
    return Measured(
        title="The operator with many gateways",
        command=f"tests/bench/operator_scale.py {counts} --save",
        method=METHOD,
        figures=tuple(figures(max(runs, key=lambda run: int(run["gateways"])))),
        charts=tuple(charts(sorted(runs, key=lambda run: int(run["gateways"])))),
    )


def figures(run: Found) -> list[Figure]:
    """The table of one run."""
    count, bare = run["gateways"], run["bare loop, s"]
    cold, quiet = run["cold start"], run["quiet minute"]
    again, killed = run["operator restarted"], run["operator killed, one stands by"]
    edit, news = run["spec edit to child"], run["report to condition"]
    seconds = f"{cold['last child']:.0f} s / {bare:.0f} s"
    return [
        Figure(what="gateways", value=count),
        Figure(what="cold start / bare apply loop", value=ratio(run), aim=1.3, beside=seconds),
        Figure(what="gateways without news after it", value=count - cold["Ready"], aim=0),
        Figure(what="requests a gateway at the start", value=cold["requests a gateway"], aim=24),
        Figure(
            what="requests a gateway and hour, quiet",
            value=quiet["requests a gateway and hour"],
            aim=6,
        ),
        Figure(what="writes in 60 quiet seconds", value=quiet["writes"], aim=0),
        Figure(what="processor when quiet", value=quiet["CPU share"] * 100, unit="% of a core"),
        Figure(what="restart: gates closed", value=again["gates closed"], aim=0),
        Figure(what="restart: writes", value=again["writes"], aim=0),
        Figure(what="restart: all heard", value=again["all heard, s"], unit="s", aim=15),
        Figure(
            what="killed with one standing by: works again",
            value=killed["took over, s"],
            unit="s",
            aim=20,
        ),
        Figure(
            what="killed with one standing by: all heard", value=killed["all heard, s"], unit="s"
        ),
        Figure(
            what="killed with one standing by: gates closed", value=killed["gates closed"], aim=0
        ),
        Figure(what="memory, empty", value=cold["memory empty, MiB"], unit="MiB", aim=70),
        Figure(what="memory", value=cold["memory, MiB"], unit="MiB", aim=200),
        Figure(
            what="memory, each further gateway",
            value=cold["KiB a further gateway"],
            unit="KiB",
            aim=100,
        ),
        Figure(
            what="spec edit to child, p99",
            value=edit["p99 ms"],
            unit="ms",
            aim=150,
            beside=p50(edit),
        ),
        Figure(
            what="report to readiness condition, p99",
            value=news["p99 ms"],
            unit="ms",
            aim=50,
            beside=p50(news),
        ),
    ]


def charts(runs: Sequence[Found]) -> list[Chart]:
    """Growth over the number of gateways."""
    x = tuple(float(run["gateways"]) for run in runs)

    def chart(name: str, title: str, unit: str, **curves: Sequence[float | None]) -> Chart:
        named = {key.replace("_", " "): tuple(curve) for key, curve in curves.items()}
        return Chart(name=name, title=title, x_title="gateways", unit=unit, x=x, curves=named)

    return [
        chart(
            "operator-cold-start",
            "Cold start",
            "s",
            operator=[run["cold start"]["last child"] for run in runs],
            bare_apply_loop=[run["bare loop, s"] for run in runs],
        ),
        chart(
            "operator-memory",
            "Memory of the operator",
            "MiB",
            after_the_start=[run["cold start"]["memory, MiB"] for run in runs],
            restarted=[run["operator restarted"]["memory, MiB"] for run in runs],
        ),
        chart(
            "operator-heard",
            "Everyone heard after",
            "s",
            restarted=[run["operator restarted"]["all heard, s"] for run in runs],
            killed_with_one_standing_by=[
                run["operator killed, one stands by"]["all heard, s"] for run in runs
            ],
        ),
        chart(
            "operator-latency",
            "p99 of a change on its way",
            "ms",
            spec_edit_to_child=[run["spec edit to child"]["p99 ms"] for run in runs],
            report_to_readiness_condition=[run["report to condition"]["p99 ms"] for run in runs],
        ),
    ]


def ratio(run: Found) -> float:
    """The last child's time over the bare loop's."""
    return float(run["cold start"]["last child"] / run["bare loop, s"])


def p50(run: Found) -> str:
    """The middle of the same runs."""
    return f"p50 {run['p50 ms']:.0f} ms, {run['runs']} runs"
