"""Where the time from a change at IBKR to the executor's readiness goes: what each program said, and when.

All on one clock, the machine's: the container runtime stamps each line as it comes, the watch is stamped on arrival.
"""

import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ibgateway_stage.stage import Stage

Times = dict[str, float]
"""Seconds since the change, by mark."""


@dataclass(frozen=True)
class Mark:
    """The first line of a container, after the change, that matches."""

    name: str
    workload: str
    container: str
    line: re.Pattern[str]


def _mark(name: str, workload: str, container: str, line: str) -> Mark:
    return Mark(name, workload, container, re.compile(line))


_GATEWAY: Final = "pod/paper-gateway-0"
_EXECUTOR: Final = "deploy/paper-executor"
_OPERATOR: Final = "deploy/ibgateway-operator"
OPENING: Final = (
    _mark("IBC's line: the login has completed", _GATEWAY, "gateway", r"Login has completed"),
    _mark("sentinel: proven by IBKR's answer", _GATEWAY, "sentinel", r" LoggedIn: "),
    _mark("operator: the gate is open", _OPERATOR, "operator", r"the gate is GateOpen"),
    _mark("executor: has heard it", _EXECUTOR, "executor", r"the gateway is LoggedIn"),
    _mark("executor: connected", _EXECUTOR, "executor", r"connected to the gateway"),
    _mark("executor: reconciled", _EXECUTOR, "executor", r"reconciled with the broker"),
)
CLOSING: Final = (
    _mark(
        "sentinel: the session is gone",
        _GATEWAY,
        "sentinel",
        r" (ConnectionLost|SessionConflict): ",
    ),
    _mark("operator: the gate is closed", _OPERATOR, "operator", r"the gate is (?!GateOpen)"),
    _mark("executor: has heard it", _EXECUTOR, "executor", r"the gateway is (?!LoggedIn)"),
)
CONDITIONS: Final = {
    "ibgateway.dev/trading-allowed": "API server: the operator's condition",
    "ContainersReady": "API server: the kubelet on the executor's probe",
    "Ready": "API server: the pod's Ready",
}


def said(stage: Stage, marks: Iterable[Mark], begin: float) -> Times:
    """When each mark was said after `begin` (epoch seconds); what nobody said is left out."""
    logs: dict[tuple[str, str], list[tuple[float, str]]] = {}
    times: Times = {}
    for mark in marks:
        place = mark.workload, mark.container
        if place not in logs:
            text = stage.kubectl(
                "logs", mark.workload, f"--container={mark.container}", "--timestamps", "--since=3m"
            )
            logs[place] = list(_stamped(text))
        after = [at for at, line in logs[place] if at >= begin and mark.line.search(line)]
        if after:
            times[mark.name] = after[0] - begin
    return times


def _stamped(text: str) -> Iterable[tuple[float, str]]:
    for line in text.splitlines():
        stamp, _, rest = line.partition(" ")
        cut = re.sub(r"(\.\d{6})\d*Z$", r"\1+00:00", stamp)
        yield datetime.fromisoformat(cut).timestamp(), rest


def conditions(
    news: Sequence[tuple[float, Mapping[str, Any]]], begin: float, *, wanted: bool
) -> Times:
    """When the watch first showed each condition of the pod as wanted; `news` are (epoch seconds, pod)."""
    status, times = str(wanted), {}
    for kind, name in CONDITIONS.items():
        shown = [at for at, pod in news if at >= begin and status == _status(pod, kind)]
        if shown:
            times[name] = shown[0] - begin
    return times


def _status(pod: Mapping[str, Any], kind: str) -> str:
    found = pod.get("status", {}).get("conditions", [])
    return next((str(c["status"]) for c in found if c["type"] == kind), "False")


def medians(runs: Sequence[Times]) -> Times:
    """The middle of each mark over the runs that have it, in the order of time."""
    names = {name for run in runs for name in run}
    middle = {name: statistics.median(r[name] for r in runs if name in r) for name in names}
    return dict(sorted(middle.items(), key=lambda item: item[1]))
