"""Accidents on the real cluster: containers and control-plane programs that are killed, at a chosen moment too.

Nothing is asked of Kubernetes for it: a SIGKILL from the node, as the kernel or an operator's hand would send it.
"""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from ibgateway_stage.stage import OPERATOR, Stage
from ibgateway_stage.waiting import until

Json = dict[str, Any]

_CTR: Final = "ctr --namespace k8s.io"
_WATCH_SECONDS: Final = 300
"""A moment that does not come is a failure, not a wait for ever."""


@dataclass(frozen=True)
class Lives:
    """A pod and how often each of its containers was started again: equal while nothing of it was touched."""

    uid: str
    restarts: tuple[tuple[str, int], ...]


def lives(pod: Json) -> Lives:
    """What a pod has lived through."""
    found = sorted((each["name"], int(each["restartCount"])) for each in statuses(pod))
    return Lives(pod["metadata"]["uid"], tuple(found))


def statuses(pod: Json) -> list[Json]:
    """The status of each of its containers, sidecars among them."""
    status = pod["status"]
    return [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]


def restarts(pod: Json, container: str) -> int:
    """How often the kubelet has started this container again."""
    return dict(lives(pod).restarts)[container]


def only_pod(stage: Stage, component: str = "gateway") -> Json:
    """The component's only pod."""
    [pod] = until(f"one {component} pod", lambda: stage.pods(component))
    return pod


def on_node(stage: Stage, node: str, script: str) -> str:
    """What a script in bash says on a node; kind calls its containers as it calls its nodes."""
    return stage.cluster.docker("exec", node, "bash", "-c", script)


def kill(stage: Stage, pod: Json, container: str) -> None:
    """SIGKILL to every process of a container, and the kubelet has noticed it."""
    identity = _identity(pod, container)
    before = restarts(pod, container)
    on_node(stage, pod["spec"]["nodeName"], f"{_CTR} tasks kill -s SIGKILL -a {identity}")
    name = pod["metadata"]["name"]

    def noticed() -> bool:
        seen = stage.read("pod", name)
        return (
            seen is None or _ended(seen, container, identity) or restarts(seen, container) > before
        )

    until(f"the kubelet has noticed the end of {container}", noticed, seconds=60)


def _ended(pod: Json, container: str, identity: str) -> bool:
    status = next(each for each in statuses(pod) if each["name"] == container)
    return "running" not in status["state"] or identity not in status["containerID"]


@contextmanager
def killed_when(stage: Stage, pod: Json, container: str, seen: str) -> Iterator[None]:
    """SIGKILL to a container's first process in the moment in which `seen`, a command of bash, is true on its node.

    The watch stands when the block is entered; the block is left once the kill has happened. Raises TimeoutExpired.
    """
    find = f"{_CTR} tasks ls | while read -r id pid _; do [[ $id == {_identity(pod, container)} ]] && echo $pid; done"
    script = f"pid=$({find}); [[ -n $pid ]] || exit 1; echo watching; until {seen}; do :; done; kill -KILL $pid"
    with subprocess.Popen(
        [
            "docker",
            "exec",
            pod["spec"]["nodeName"],
            "timeout",
            str(_WATCH_SECONDS),
            "bash",
            "-c",
            script,
        ],
        env=dict(stage.cluster.environ),
        stdout=subprocess.PIPE,
        text=True,
    ) as watch:
        assert watch.stdout is not None
        assert watch.stdout.readline() == "watching\n"
        yield
        assert watch.wait(timeout=_WATCH_SECONDS) == 0


def _identity(pod: Json, container: str) -> str:
    found = next(each["containerID"] for each in statuses(pod) if each["name"] == container)
    return str(found).removeprefix("containerd://")


def run_folder(pod: Json) -> str:
    """Where the node has what wrapper and sentinel tell each other."""
    return f"/var/lib/kubelet/pods/{pod['metadata']['uid']}/volumes/kubernetes.io~empty-dir/run"


def operator_pod(stage: Stage) -> Json:
    """The operator's only pod."""

    def look() -> Json | None:
        text = stage.kubectl("get", "pods", f"-l=app.kubernetes.io/name={OPERATOR}", "-o=json")
        items: list[Json] = json.loads(text)["items"]
        return items[0] if len(items) == 1 else None

    return until("one operator pod", look)
