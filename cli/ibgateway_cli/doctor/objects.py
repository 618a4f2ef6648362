"""Checks of what is stored: the API server, the resource, its spec, the Secret, the volumes."""

import re
from typing import Final

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.conditions import ConditionStatus, ConditionType
from ibgateway_api.crd import crd
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.week import is_time_zone
from ibgateway_cli.doctor.check import CheckState, CheckSubject, Finding, fine
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import RESOURCE
from ibgateway_cli.terminal.times import moment

OLDEST_SERVER: Final = (1, 31)


def server(of: CheckSubject) -> Finding:
    """The API server is new enough."""
    said = (of.plugin.cluster.versions().get("serverVersion") or {}).get("gitVersion", "")
    found = re.match(r"v(\d+)\.(\d+)", said)
    if found is None:
        return CheckState.UNKNOWN, "kubectl does not tell the server's version", _OWN_VERSION
    if (int(found[1]), int(found[2])) < OLDEST_SERVER:
        return CheckState.WRONG, f"Kubernetes {said} is older than 1.31", "upgrade the cluster"
    return fine(f"Kubernetes {said}")


_OWN_VERSION: Final = "see what kubectl version says"


def resource(of: CheckSubject) -> Finding:
    """The CustomResourceDefinition serves this version and has the fields that this plugin knows."""
    stored = of.plugin.cluster.get("customresourcedefinition", RESOURCE)
    served = {v["name"]: v for v in stored["spec"]["versions"] if v.get("served")}
    if names.VERSION not in served:
        return (
            CheckState.WRONG,
            f"the CRD serves {', '.join(served) or 'nothing'}, and not {names.VERSION}",
            "helm upgrade the operator's chart, which upgrades the CRD",
        )
    there = _fields(served[names.VERSION]["schema"]["openAPIV3Schema"])
    mine = _fields(crd()["spec"]["versions"][0]["schema"]["openAPIV3Schema"])
    if missing := sorted(mine - there):
        return (
            CheckState.WRONG,
            f"the CRD is older than this plugin: it lacks {_some(missing)}",
            "helm upgrade the operator's chart, which upgrades the CRD",
        )
    if more := sorted(there - mine):
        return (
            CheckState.DOUBT,
            f"the CRD is newer than this plugin: it has {_some(more)} too",
            "install the plugin of the operator's release",
        )
    return fine(f"{names.VERSION}, with all fields that this plugin knows")


def _fields(node: Json, path: str = "") -> set[str]:
    """Dotted paths of a schema's fields."""
    found = set()
    for name, below in (node.get("properties") or {}).items():
        found |= {f"{path}{name}"} | _fields(below, f"{path}{name}.")
    items = node.get("items")
    return found | (_fields(items, path) if isinstance(items, dict) else set())


def _some(listed: list[str]) -> str:
    more = f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    return f"{', '.join(listed[:3])}{more}"


def operator(of: CheckSubject) -> Finding:
    """Somebody keeps the status."""
    if of.facts.deletion:
        return CheckState.WRONG, of.facts.deletion, "wait for its end"
    ready = of.condition(ConditionType.READY)
    if ready is None:
        return (
            CheckState.WRONG,
            "no operator has written a status yet",
            "see whether its pod runs, and whether it watches this namespace",
        )
    if ready.reason == ConditionReason.OPERATOR_AWAY:
        return CheckState.WRONG, "the operator is away", "bring its pod back: see docs/install.md"
    generation = of.document["metadata"].get("generation", 0)
    if of.facts.status.observed_generation < generation:
        return (
            CheckState.DOUBT,
            "the operator has not looked at the newest spec yet",
            "look again in a moment; if it stays, look at the operator's log",
        )
    return fine("it has seen the newest spec")


def spec(of: CheckSubject) -> Finding:
    """The spec is served."""
    accepted = of.condition(ConditionType.SPEC_ACCEPTED)
    if accepted is None:
        return CheckState.UNKNOWN, "nobody has judged it yet", "look at the operator"
    if accepted.status is not ConditionStatus.TRUE:
        return CheckState.WRONG, f"{accepted.reason}: {accepted.message}", "correct that field"
    return fine("it is served")


def secret_keys(of: CheckSubject) -> Finding:
    """The credentials Secret has its keys; no value is looked at but for being empty."""
    name = of.facts.spec.credentials_secret_ref.name
    keys = of.plugin.cluster.secret(name)
    wanted = [names.SECRET_USERNAME, names.SECRET_PASSWORD]
    if of.facts.spec.trading_mode is TradingMode.LIVE:
        wanted.append(names.SECRET_VNC_PASSWORD)
    if missing := [key for key in wanted if not keys.get(key)]:
        return (
            CheckState.WRONG,
            f"the Secret {name} lacks {' and '.join(missing)}",
            f"kubectl edit secret {name}, or make it anew: see docs/install.md",
        )
    ready = of.condition(ConditionType.READY)
    if ready is not None and ready.reason in _OF_SECRETS:
        return CheckState.WRONG, f"{ready.reason}: {ready.message}", "write that value anew"
    if not keys.get(names.SECRET_VNC_PASSWORD):
        return (
            CheckState.DOUBT,
            f"the Secret {name} has no {names.SECRET_VNC_PASSWORD}: the documented default holds",
            "add one of eight characters",
        )
    return fine(f"the Secret {name} has {', '.join(sorted(keys))}")


_OF_SECRETS: Final = frozenset(
    {
        ConditionReason.CREDENTIALS_UNUSABLE,
        ConditionReason.DUPLICATE_USER_NAME,
        ConditionReason.DEFAULT_VNC_PASSWORD,
        ConditionReason.GUESSABLE_VNC_PASSWORD,
    }
)


def time_zone(of: CheckSubject) -> Finding:
    """The zones of the spec are known, and the next restart is at a moment that they give."""
    zones = {of.facts.spec.gateway.time_zone, of.facts.spec.weekly_restart.time_zone}
    if wrong := sorted(zone for zone in zones if not is_time_zone(zone)):
        return (
            CheckState.WRONG,
            f"{', '.join(wrong)} is no name of the time zone database",
            "write it like Europe/Berlin",
        )
    restart = of.facts.spec.weekly_restart
    at = of.facts.status.window.restart
    following = f", next at {moment(at)}" if at else ""
    return fine(f"the week restarts at {restart.restart_at} {restart.time_zone}{following}")


def storage(of: CheckSubject) -> Finding:
    """The volumes are bound."""
    children = names.child_names(of.facts.name)
    wanted = [children.gateway_claim]
    own_ledger = of.facts.spec.executor.database.postgres_secret_ref is None
    if of.facts.spec.executor.runs_executor and own_ledger:
        wanted.append(children.executor)
    words = []
    for name in wanted:
        claim = of.plugin.cluster.get("persistentvolumeclaim", name)
        status = claim.get("status") or {}
        if status.get("phase") != "Bound":
            return (
                CheckState.WRONG,
                f"the claim {name} is {status.get('phase', 'Pending')}",
                f"kubectl describe pvc {name} says what it waits for",
            )
        words.append(f"{name} {(status.get('capacity') or {}).get('storage', '')}".rstrip())
    return fine(f"bound: {', '.join(words)}")
