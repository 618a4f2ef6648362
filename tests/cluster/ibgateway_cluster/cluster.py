"""What tests use: a cluster that is up, with kubectl, helm, docker and the audit log at hand."""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

from ibgateway_cluster import record
from ibgateway_cluster.command import run
from ibgateway_cluster.docker import Docker, own_environment
from ibgateway_cluster.errors import CommandError, NotRunningError
from ibgateway_cluster.kindconfig import AUDIT_FOLDER
from ibgateway_cluster.paths import Paths, paths

CLUSTER_LABEL = "io.x-k8s.kind.cluster"
_DNS_METRICS = "/api/v1/namespaces/kube-system/services/kube-dns:metrics/proxy/metrics"


@dataclass(frozen=True)
class AuditEvent:
    """One request to the API server, as its audit log has it."""

    at: datetime
    user: str
    verb: str
    group: str
    resource: str
    subresource: str
    namespace: str
    name: str
    code: int

    @property
    def writes(self) -> bool:
        """Whether the request asked for a change."""
        return self.verb in {"create", "update", "patch", "delete", "deletecollection"}


@dataclass(frozen=True)
class Cluster:
    """A cluster that `up` has finished. `environ` points kubectl, helm, kind and docker at it."""

    name: str
    environ: Mapping[str, str]
    kubeconfig: Path

    @classmethod
    def attach(cls, name: str = record.CLUSTER) -> Self:
        """The running cluster called `name`; `NotRunningError` or `ForeignClusterError` otherwise."""
        places = paths(os.environ, home=Path.home(), root=os.geteuid() == 0)
        folder = places.cluster(record.checked_name(name))
        found = record.require(folder)
        kubeconfig = folder / "kubeconfig"
        record.checked_kubeconfig(kubeconfig.read_text(), name)
        environ = environment(outside(os.environ, places), places, found)
        return cls(name, environ, kubeconfig)

    @property
    def node(self) -> str:
        """The container that is the node."""
        return f"{self.name}-control-plane"

    def nodes(self) -> list[str]:
        """Every container that is a node, also one that has stopped; the control plane first."""
        return nodes_of(engine_of(self), self.name)

    def kubectl(self, *arguments: str, stdin: str | None = None, timeout: float = 120) -> str:
        """`kubectl ARGUMENTS`; gives standard output, raises `CommandError`."""
        record.checked_arguments(arguments)
        argv = ["kubectl", f"--context=kind-{self.name}", *arguments]
        return run(argv, env=self.environ, stdin=stdin, timeout=timeout)

    def helm(self, *arguments: str, timeout: float = 300) -> str:
        """`helm ARGUMENTS`; gives standard output, raises `CommandError`."""
        record.checked_arguments(arguments)
        argv = ["helm", f"--kube-context=kind-{self.name}", *arguments]
        return run(argv, env=self.environ, timeout=timeout)

    def docker(self, *arguments: str, timeout: float = 600) -> str:
        """`docker ARGUMENTS` on the cluster's engine."""
        return run(["docker", *arguments], env=self.environ, timeout=timeout)

    def audit(self) -> Iterator[AuditEvent]:
        """All logged requests since the cluster's start, oldest first: every write, and reads by
        service accounts outside kube-system."""
        script = f"cat $(ls -tr {AUDIT_FOLDER}/*.log)"
        for line in self.docker("exec", self.node, "bash", "-c", script).splitlines():
            event = audit_event(line)
            if event is not None:
                yield event


def audit_event(line: str) -> AuditEvent | None:
    """Parse one line of the audit log; None for a line that is still being written."""
    try:
        values = json.loads(line)
    except json.JSONDecodeError:
        return None
    target = values.get("objectRef", {})
    return AuditEvent(
        at=datetime.fromisoformat(values["requestReceivedTimestamp"]),
        user=values["user"].get("username", ""),
        verb=values["verb"],
        group=target.get("apiGroup", ""),
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        code=values.get("responseStatus", {}).get("code", 0),
    )


def environment(environ: Mapping[str, str], places: Paths, found: record.Record) -> dict[str, str]:
    """The process environment that points every tool at this cluster and its engine."""
    env = own_environment(environ, found.docker_host) if found.docker_host else dict(environ)
    env["KUBECONFIG"] = str(places.cluster(found.name) / "kubeconfig")
    env["KIND_EXPERIMENTAL_DOCKER_NETWORK"] = found.name
    env["PATH"] = f"{places.tools}:{env.get('PATH', '/usr/bin:/bin')}"
    return env


def outside(environ: Mapping[str, str], places: Paths) -> dict[str, str]:
    """`environ` as it was before somebody evaluated the `env` command's exports in this shell."""
    env = dict(environ)
    if env.get("DOCKER_HOST") == f"unix://{places.socket}":
        del env["DOCKER_HOST"]
    entries = env.get("PATH", "").split(":")
    env["PATH"] = ":".join(entry for entry in entries if entry != str(places.tools))
    return env


def reachable(cluster: Cluster) -> bool:
    """Whether the API server is ready, cluster DNS answers it and the node is Ready.

    After a restart, conditions are those of before for a while: what answers now is the evidence.
    """
    try:
        cluster.kubectl("get", "--raw=/readyz", timeout=15)
        cluster.kubectl("get", f"--raw={_DNS_METRICS}", timeout=15)
        cluster.kubectl(
            "wait", "--for=condition=Ready", "nodes", "--all", "--timeout=10s", timeout=30
        )
    except (CommandError, NotRunningError):
        return False
    return True


def nodes_of(docker: Docker, name: str) -> list[str]:
    """Containers of the cluster called `name`, running or not, finished or not; the control plane first."""
    label = f"label={CLUSTER_LABEL}={name}"
    return sorted(docker.run("ps", "-a", "--filter", label, "--format", "{{.Names}}").split())


def engine_of(cluster: Cluster) -> Docker:
    """The Docker client of the cluster's engine."""
    return Docker(cluster.environ)
