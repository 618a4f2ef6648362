"""`doctor`: one line a check, and a remedy where something is wrong; what can't be looked at is no fault."""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from ibgateway_api.crd import crd
from ibgateway_cli.errors import ExitCode
from plugin_fakes import PluginWorld, gateway_object, golden, secret_object
from plugin_fakes.objects import condition, pod_object, trading_status

Json = dict[str, Any]
VERSION = "version --output=json"


def claim(name: str, phase: str = "Bound") -> Json:
    metadata = {"name": name, "namespace": "trading"}
    status = {"phase": phase, "capacity": {"storage": "1Gi"}}
    return {"kind": "PersistentVolumeClaim", "metadata": metadata, "status": status}


def lease(renewed: datetime) -> Json:
    metadata = {"name": "ibgateway-operator", "namespace": "trading"}
    return {"kind": "Lease", "metadata": metadata, "spec": {"renewTime": renewed.isoformat()}}


def sound() -> PluginWorld:
    """Everything as it should be."""
    world = PluginWorld()
    operator = {
        "app.kubernetes.io/name": "ibgateway-operator",
        "app.kubernetes.io/component": "operator",
    }
    keys = {"IB_USERNAME": "user-canary", "IB_PASSWORD": "pass-canary", "VNC_PASSWORD": "vnc-cana"}
    status = trading_status()
    status["conditions"].append(condition("NotificationsDelivered", "True", "Delivered"))
    world.kubectl.add(
        gateway_object(status=status),
        crd(),
        secret_object("ib-credentials", **keys),
        claim("data-paper-gateway-0"),
        claim("paper-executor"),
        pod_object("paper-gateway-0", "gateway", "gateway", "sentinel"),
        pod_object("ibgateway-operator-7d-x", "operator", "operator", labels=operator),
        lease(world.now - timedelta(seconds=1)),
    )
    server = {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
    world.kubectl.said[VERSION] = json.dumps({"serverVersion": server})
    world.kubectl.executed = "looked\n"
    world.executor.answers |= {("GET", "/v1/status"): {}, ("GET", "/"): {}}
    return world


def test_everything_as_it_should_be() -> None:
    shown = sound().run("doctor")
    golden("doctor-sound", shown.golden())
    assert shown.code == 0


def test_no_value_of_a_secret_is_shown() -> None:
    world = sound()
    for form in ("table", "json", "yaml"):
        assert "cana" not in world.run("doctor", "-o", form).golden()
    assert "cana" not in str(world.kubectl.calls)


def without(world: PluginWorld, kind: str, name: str) -> None:
    del world.kubectl.objects[kind, name]


def old_crd(world: PluginWorld) -> None:
    document = crd()
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    del schema["spec"]["properties"]["executor"]["properties"]["resend"]
    world.kubectl.add(document)


def newer_crd(world: PluginWorld) -> None:
    document = crd()
    schema = document["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]
    schema["spec"]["properties"]["tomorrow"] = {"type": "string"}
    world.kubectl.add(document)


def unserved_crd(world: PluginWorld) -> None:
    document = crd()
    document["spec"]["versions"][0]["name"] = "v1"
    world.kubectl.add(document)


def with_condition(kind: str, status: str, reason: str) -> Callable[[PluginWorld], None]:
    def change(world: PluginWorld) -> None:
        gateway = world.kubectl.objects["ibgateway", "paper"]
        kept = [c for c in gateway["status"]["conditions"] if c["type"] != kind]
        gateway["status"]["conditions"] = [*kept, condition(kind, status, reason, "in words")]

    return change


def with_spec(**spec: Any) -> Callable[[PluginWorld], None]:
    def change(world: PluginWorld) -> None:
        gateway = world.kubectl.objects["ibgateway", "paper"]
        gateway["spec"] |= spec

    return change


def with_clock(seconds: float) -> Callable[[PluginWorld], None]:
    return lambda world: world.kubectl.add(lease(world.now + timedelta(seconds=seconds)))


def with_image(printed: str) -> Callable[[PluginWorld], None]:
    return lambda world: setattr(world.kubectl, "executed", printed)


def old_server(world: PluginWorld) -> None:
    server = {"major": "1", "minor": "30+", "gitVersion": "v1.30.9"}
    world.kubectl.said[VERSION] = json.dumps({"serverVersion": server})


LIVE = with_spec(tradingMode="live", executor={"accounts": ["U1234567"]})
CASES: list[tuple[str, Callable[[PluginWorld], None], str, str]] = [
    ("server", old_server, "wrong", "v1.30.9 is older than 1.31"),
    ("resource", old_crd, "wrong", "it lacks spec.executor.resend"),
    ("resource", newer_crd, "doubt", "it has spec.tomorrow too"),
    ("resource", unserved_crd, "wrong", "serves v1, and not v1alpha1"),
    (
        "resource",
        lambda w: without(w, "customresourcedefinition", "ibgateways.ibgateway.dev"),
        "unknown",
        "not found",
    ),
    ("operator", with_condition("Ready", "Unknown", "OperatorAway"), "wrong", "is away"),
    ("spec", with_condition("SpecAccepted", "False", "InvalidSpec"), "wrong", "InvalidSpec"),
    ("secret keys", lambda w: without(w, "secret", "ib-credentials"), "unknown", "not found"),
    (
        "secret keys",
        lambda w: w.kubectl.add(secret_object("ib-credentials", IB_USERNAME="a", IB_PASSWORD="")),
        "wrong",
        "lacks IB_PASSWORD",
    ),
    (
        "secret keys",
        lambda w: w.kubectl.add(secret_object("ib-credentials", IB_USERNAME="a", IB_PASSWORD="b")),
        "doubt",
        "has no VNC_PASSWORD",
    ),
    (
        "secret keys",
        with_condition("Ready", "False", "GuessableVncPassword"),
        "wrong",
        "GuessableVncPassword",
    ),
    (
        "time zone",
        with_spec(weeklyRestart={"timeZone": "Mars/Base", "restartAt": "09:00"}),
        "wrong",
        "Mars/Base is no name",
    ),
    (
        "image contract",
        with_image("there is no /home/x/scripts/run.sh\nlooked\n"),
        "wrong",
        "there is no /home/x/scripts/run.sh",
    ),
    ("image contract", with_image(""), "unknown", "has not answered"),
    ("storage", lambda w: w.kubectl.add(claim("paper-executor", "Pending")), "wrong", "is Pending"),
    ("storage", lambda w: without(w, "persistentvolumeclaim", "paper-executor"), "unknown", ""),
    (
        "policies",
        with_condition("NetworkPolicyEnforced", "False", "PolicyNotEnforced"),
        "doubt",
        "PolicyNotEnforced",
    ),
    (
        "policies",
        with_condition("NetworkPolicyEnforced", "Unknown", "PolicyUnknown"),
        "unknown",
        "not found out yet",
    ),
    ("clock", with_clock(90), "wrong", "1 min 30 s apart"),
    ("clock", with_clock(-90), "wrong", "1 min 30 s apart"),
    ("clock", with_condition("TradingAllowed", "False", "ClockSkew"), "wrong", "in words"),
    (
        "clock",
        lambda w: without(w, "lease", "ibgateway-operator"),
        "unknown",
        "Lease can't be read",
    ),
    ("reachability", lambda w: setattr(w.executor, "down", True), "wrong", "sentinel: no answer"),
    (
        "reachability",
        lambda w: w.kubectl.unreachable.update({"svc/paper-novnc": "error: no pods"}),
        "wrong",
        "console: no way to svc/paper-novnc: no pods",
    ),
    (
        "messages",
        with_condition("NotificationsDelivered", "Unknown", "NotConfigured"),
        "doubt",
        "nobody is told",
    ),
    (
        "messages",
        with_condition("NotificationsDelivered", "False", "Undelivered"),
        "wrong",
        "in words",
    ),
]


@pytest.mark.parametrize(("name", "change", "state", "words"), CASES)
def test_what_is_wrong_is_one_line_with_its_remedy(
    name: str, change: Callable[[PluginWorld], None], state: str, words: str
) -> None:
    world = sound()
    change(world)
    shown = world.run("doctor", "-o", "json")
    found = {check["name"]: check for check in json.loads(shown.out)["checks"]}
    assert found[name]["state"] == state
    assert words in found[name]["sentence"]
    assert "\n" not in found[name]["sentence"]
    assert found[name]["remedy"]
    others = {n: c["state"] for n, c in found.items() if n != name and c["state"] != "ok"}
    assert others == {}
    assert shown.code == (ExitCode.FAILED if state == "wrong" else 0)


def test_live_needs_enforced_policies() -> None:
    world = sound()
    LIVE(world)
    with_condition("NetworkPolicyEnforced", "False", "PolicyNotEnforced")(world)
    golden("doctor-live-unenforced", world.run("doctor").golden())


def test_who_may_not_read_secrets_sees_the_rest() -> None:
    world = sound()
    world.kubectl.refused["get", "secret"] = (
        "Error from server (Forbidden): secrets is forbidden: User anna cannot get"
    )
    found = {
        check["name"]: check["state"]
        for check in json.loads(world.run("doctor", "-o", "json").out)["checks"]
    }
    assert found["secret keys"] == "unknown"
    assert found["storage"] == "ok"


def test_the_checks_are_those_of_the_page() -> None:
    found = json.loads(sound().run("doctor", "-o", "json").out)["checks"]
    assert [check["name"] for check in found] == [
        "server",
        "resource",
        "operator",
        "spec",
        "secret keys",
        "time zone",
        "image contract",
        "storage",
        "policies",
        "clock",
        "reachability",
        "messages",
    ]


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ({"serverVersion": {"gitVersion": "v1.31.4-gke.1", "major": "1", "minor": "31+"}}, "ok"),
        ({"serverVersion": {"gitVersion": "v1.37.0+k3s1", "major": "", "minor": ""}}, "ok"),
        ({"serverVersion": {"gitVersion": "v1.30.9"}}, "wrong"),
        ({"serverVersion": {"gitVersion": "unknown", "major": "x", "minor": "y"}}, "unknown"),
        ({"clientVersion": {"gitVersion": "v1.32.0"}}, "unknown"),
    ],
)
def test_a_version_is_read_as_any_kubernetes_writes_it(said: Json, state: str) -> None:
    world = PluginWorld()
    world.kubectl.said[VERSION] = json.dumps(said)
    checks = json.loads(world.run("doctor", "-o", "json").out)["checks"]
    assert next(c["state"] for c in checks if c["name"] == "server") == state
