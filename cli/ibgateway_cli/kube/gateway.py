"""Which IBGateway is meant, and how it is called."""

import re

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.fields import GATEWAY_NAME_PATTERN
from ibgateway_api.names import Key
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Cluster, Json

RESOURCE = f"{names.PLURAL}.{names.GROUP}"


def chosen(cluster: Cluster, name: str | None) -> Json:
    """The IBGateway of that name, or the only one of the namespace. Raises PluginError, with the candidates."""
    if name is not None:
        return cluster.get(RESOURCE, _possible(name))
    found = cluster.list(RESOURCE)
    if len(found) == 1:
        return found[0]
    if not found:
        raise PluginError(
            f"there is no IBGateway in {_place(cluster)}",
            "name another namespace with --namespace, or make one: see docs/install.md",
            ExitCode.NOT_FOUND,
        )
    listed = ", ".join(sorted(key_of(gateway).name for gateway in found))
    raise PluginError(
        f"there are {len(found)} IBGateways in {_place(cluster)}: {listed}",
        "say which one: its name is the argument, or --gateway",
        ExitCode.NOT_FOUND,
    )


def lasting(gateway: Json) -> Json:
    """The IBGateway, unless it is being deleted: nothing that is asked of it then comes to anything. Raises PluginError."""
    if deletion := deletion_of(gateway):
        raise PluginError(
            deletion,
            f"kubectl get {RESOURCE} {key_of(gateway).name} --output=yaml names the finalizers that it waits for",
            ExitCode.REFUSED,
        )
    return gateway


def deletion_of(gateway: Json) -> str:
    """That it is being deleted, and what that means, in a sentence; empty where it is not."""
    since = gateway["metadata"].get("deletionTimestamp")
    if not since:
        return ""
    return f"{key_of(gateway).name} is being deleted since {since}: the operator serves it no more"


def own_program(cluster: Cluster, gateway: Json) -> str:
    """That a program of its own runs in the executor's place, in a sentence; empty where the executor does.

    While a change of it waits, the spec is ahead of what runs, so the pod is looked at: a program must not be shown
    the executor's tokens, and an executor that is to give way still has its orders.
    """
    name, executor = key_of(gateway).name, (gateway.get("spec") or {}).get("executor") or {}
    there = bool(executor.get("image"))
    if _waits(gateway):
        mine = f"{names.LABEL_GATEWAY}={name},{names.LABEL_COMPONENT}={names.Component.EXECUTOR}"
        found = [c["name"] for p in cluster.list("pods", mine) for c in p["spec"]["containers"]]
        there = names.CONTAINER_PROGRAM in found if found else there
    return f"{name} runs a program of its own in the executor's place" if there else ""


def _waits(gateway: Json) -> bool:
    """Whether what runs may be another one than the spec says."""
    status = gateway.get("status") or {}
    executor = names.child_names(key_of(gateway).name).executor
    unseen = status.get("observedGeneration") != gateway["metadata"].get("generation")
    return unseen or f"{executor}-" in str(status.get("pendingRevision", ""))


def key_of(gateway: Json) -> Key:
    """Where it lives."""
    metadata = gateway["metadata"]
    return Key(metadata["namespace"], metadata["name"])


def called(mode: str, key: Key) -> str:
    """What is asked of whom, as every question begins. Whatever is not paper is LIVE."""
    return f"{'PAPER' if mode == TradingMode.PAPER else 'LIVE'}, gateway {key}"


def _possible(name: str) -> str:
    """A name that an IBGateway can have: kubectl would take `--all` for an option of its own. Raises PluginError."""
    if re.fullmatch(GATEWAY_NAME_PATTERN, name):
        return name
    raise PluginError(
        f"no IBGateway can be called {name!r}",
        "kubectl get ibgateways lists them",
        ExitCode.NOT_FOUND,
    )


def _place(cluster: Cluster) -> str:
    return f"the namespace {cluster.namespace}" if cluster.namespace else "this namespace"


def own(cluster: Cluster, kind: str, gateway: str) -> list[Json]:
    """The objects of a kind that were made for a gateway: others may have its label, by which programs follow it.

    A claim that a StatefulSet makes has that label alone.
    """
    named = f"{names.LABEL_GATEWAY}={gateway}"
    ours = f"{named},{names.LABEL_MANAGED_BY}={names.MANAGED_BY}"
    return cluster.list(kind, named if kind == "persistentvolumeclaims" else ours)
