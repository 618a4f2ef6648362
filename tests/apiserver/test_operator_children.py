"""The operator as a process against a real API server: what it makes is admitted, kept, and goes.

No image exists here, so no container ever starts; what is proven is what the API server and its
controllers do with the children, under Pod Security's `restricted`.
"""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from host_processes import free_port
from ibgateway_cluster import Cluster

pytestmark = pytest.mark.cluster

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
PATIENCE = 90.0
CHILDREN = (
    "configmaps,deployments,networkpolicies,poddisruptionbudgets,services,serviceaccounts,"
    "statefulsets"
)
MINE = "app.kubernetes.io/managed-by=ibgateway-operator"


def until(question: Callable[[], T], what: str) -> T:
    """The first truthy answer."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if answer := question():
            return answer
        time.sleep(0.2)
    raise AssertionError(f"never came: {what}")


class OperatorProcess:
    """A namespace, an operator that serves it, and kubectl."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster, self.namespace = cluster, namespace
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.cluster.kubectl("-n", self.namespace, *arguments, stdin=stdin)

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        text = self.kubectl("get", kind, name, "--ignore-not-found", "-o", "json")
        return json.loads(text) if text.strip() else None

    def names(self, kinds: str) -> list[str]:
        text = self.kubectl("get", kinds, "-l", MINE, "-o", "name")
        return sorted(text.split())

    def start(self) -> None:
        more = {
            "WATCH_NAMESPACE": self.namespace,
            "OPERATOR_AGENT_IMAGE": "example.invalid/agent:1",
            "OPERATOR_EXECUTOR_IMAGE": "example.invalid/executor:1",
            "OPERATOR_LIVENESS_PORT": str(self.port),
            "OPERATOR_METRICS_PORT": "0",
            "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'gateway'}:{ROOT / 'runtime'}:{ROOT / 'api'}",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "ibgateway_operator"],
            env={**os.environ, **self.cluster.environ, **more},
        )
        until(self.alive, "the operator's /healthz")

    def alive(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/healthz", timeout=5) as r:
                return bool(r.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=PATIENCE)

    def reason(self, condition: str = "Ready") -> str:
        gateway = self.read("ibgateway", "paper") or {}
        conditions = gateway.get("status", {}).get("conditions", [])
        return next((c["reason"] for c in conditions if c["type"] == condition), "")


@pytest.fixture(scope="module")
def site(cluster: Cluster, namespace: str) -> Iterator[OperatorProcess]:
    cluster.kubectl(
        "label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted"
    )
    site = OperatorProcess(cluster, namespace)
    site.start()
    yield site
    if site.process is not None and site.process.poll() is None:
        site.stop()


def gateway(namespace: str) -> str:
    spec = {
        "credentialsSecretRef": {"name": "ib-credentials"},
        "gateway": {"image": {"repository": "example.invalid/gateway", "tag": "1"}},
    }
    meta = {"name": "paper", "namespace": namespace}
    return json.dumps(
        {
            "apiVersion": "ibgateway.dev/v1alpha1",
            "kind": "IBGateway",
            "metadata": meta,
            "spec": spec,
        }
    )


BEGUN_WITH_CREDENTIALS = {"deployment.apps/paper-executor", "deployment.apps/paper-novnc"}
MADE = {
    "configmap/paper-executor",
    "configmap/paper-gateway",
    "networkpolicy.networking.k8s.io/paper-executor",
    "networkpolicy.networking.k8s.io/paper-gateway",
    "networkpolicy.networking.k8s.io/paper-novnc",
    "poddisruptionbudget.policy/paper-gateway",
    "service/paper-executor",
    "service/paper-executor-intake",
    "service/paper-gateway",
    "service/paper-gateway-pods",
    "service/paper-novnc",
    "serviceaccount/paper-executor",
    "serviceaccount/paper-gateway",
    "serviceaccount/paper-novnc",
    "statefulset.apps/paper-gateway",
}


def test_without_credentials_nothing_is_started_and_no_claim_is_left(site: OperatorProcess) -> None:
    site.kubectl("apply", "-f", "-", stdin=gateway(site.namespace))
    until(lambda: site.reason() == "CredentialsMissing", "the condition that names the Secret")
    assert set(site.names(CHILDREN)) == MADE
    assert site.read("pod", "paper-gateway-0") is None
    assert site.names("persistentvolumeclaims") == []


def test_the_operator_leaves_no_mark_on_the_users_object(site: OperatorProcess) -> None:
    stored = site.read("ibgateway", "paper")
    assert stored is not None
    assert "finalizers" not in stored["metadata"]
    notes = stored["metadata"].get("annotations", {})
    assert set(notes) <= {"kubectl.kubernetes.io/last-applied-configuration"}


def test_with_credentials_the_gateway_pod_is_admitted_as_restricted(site: OperatorProcess) -> None:
    site.kubectl(
        "create",
        "secret",
        "generic",
        "ib-credentials",
        "--from-literal=IB_USERNAME=someone",
        "--from-literal=IB_PASSWORD=canary-password",
    )
    until(lambda: site.read("pod", "paper-gateway-0"), "the gateway's pod")
    until(lambda: site.names("pods,persistentvolumeclaims"), "the other pods")
    assert set(site.names(CHILDREN)) == MADE | BEGUN_WITH_CREDENTIALS
    assert site.reason("SpecAccepted") == "Accepted"


def test_the_executor_waits_for_the_gate(site: OperatorProcess) -> None:
    def gate() -> str:
        pods = json.loads(site.kubectl("get", "pods", "-l", MINE, "-o", "json"))["items"]
        conditions = [c for p in pods for c in p["status"].get("conditions", [])]
        mine = [c for c in conditions if c["type"] == "ibgateway.dev/trading-allowed"]
        return f"{mine[0]['status']} {mine[0]['reason']}" if mine else ""

    assert until(gate, "the readiness gate's condition") == "False NoNews"


@pytest.mark.parametrize(
    ("kind", "name", "patch"),
    [
        ("service", "paper-gateway", {"spec": {"ports": [{"port": 4001, "targetPort": 1}]}}),
        ("deployment", "paper-novnc", {"spec": {"replicas": 3}}),
        ("configmap", "paper-gateway", {"data": {"settings.json": "{}"}}),
        ("networkpolicy", "paper-gateway", {"spec": {"ingress": [{}]}}),
    ],
)
def test_what_somebody_edits_is_put_right(
    site: OperatorProcess, kind: str, name: str, patch: dict[str, Any]
) -> None:
    before = site.read(kind, name)
    assert before is not None
    site.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps(patch))

    def healed() -> bool:
        now = site.read(kind, name) or {}
        return all(now.get(part) == before.get(part) for part in ("spec", "data"))

    until(healed, f"{kind} {name} as it was")


def test_what_somebody_deletes_comes_back(site: OperatorProcess) -> None:
    before = site.read("service", "paper-novnc")
    site.kubectl("delete", "service", "paper-novnc")

    def back() -> bool:
        now = site.read("service", "paper-novnc")
        return now is not None and before is not None and _uid(now) != _uid(before)

    until(back, "the Service")


def _uid(body: dict[str, Any]) -> str:
    return str(body["metadata"]["uid"])


def test_a_pod_that_never_began_takes_a_corrected_template_at_once(site: OperatorProcess) -> None:
    before = site.read("pod", "paper-gateway-0")
    assert before is not None
    patch = {"spec": {"gateway": {"javaHeapMiB": 512}}}
    site.kubectl("patch", "ibgateway", "paper", "--type=merge", "-p", json.dumps(patch))

    def replaced() -> bool:
        now = site.read("pod", "paper-gateway-0")
        return now is not None and _uid(now) != _uid(before)

    until(replaced, "a pod with the new template")


def test_tokens_survive_a_restart_of_the_operator(site: OperatorProcess) -> None:
    before = site.read("secret", "paper-agent-token")
    assert before is not None
    site.stop()
    site.start()
    site.kubectl("delete", "deployment", "paper-novnc")
    until(lambda: site.read("deployment", "paper-novnc"), "a sign that the operator works")
    after = site.read("secret", "paper-agent-token")
    assert after is not None
    assert after["metadata"]["resourceVersion"] == before["metadata"]["resourceVersion"]


PROGRAM = {
    "image": {"repository": "example.invalid/my-bot", "tag": "1"},
    "command": ["python"],
    "env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "a", "key": "a"}}}],
    "envFrom": [{"configMapRef": {"name": "a", "optional": True}}],
    "volumes": [{"name": "scratch", "emptyDir": {"sizeLimit": "1024Mi"}}],
    "volumeMounts": [{"name": "scratch", "mountPath": "/scratch"}],
    "resources": {"requests": {"cpu": "0.05"}, "limits": {"memory": "1024Mi"}},
    "ports": [{"name": "http", "containerPort": 9000}],
    "livenessProbe": {"httpGet": {"port": "http"}},
    "startupProbe": {"tcpSocket": {"port": 9000}},
}
"""As people write it: quantities that the API server writes otherwise, and fields that it fills in."""


def edit_executor(site: OperatorProcess, executor: dict[str, Any]) -> None:
    patch = json.dumps({"spec": {"executor": executor}})
    site.kubectl("patch", "ibgateway", "paper", "--type=merge", "-p", patch)


def executor_pods(site: OperatorProcess) -> list[str]:
    """The container of each pod in the executor's place that stays."""
    selector = f"{MINE},app.kubernetes.io/component=executor"
    pods = json.loads(site.kubectl("get", "pods", "-l", selector, "-o", "json"))["items"]
    stay = [pod for pod in pods if "deletionTimestamp" not in pod["metadata"]]
    return [container["name"] for pod in stay for container in pod["spec"]["containers"]]


def test_a_program_in_the_executors_place_is_admitted_as_restricted(site: OperatorProcess) -> None:
    """No container has ever run here, so nothing has to wait for the week's window."""
    edit_executor(site, PROGRAM)
    until(lambda: executor_pods(site) == ["program"], "the program's pod")
    until(lambda: site.read("configmap", "paper-executor") is None, "the end of the settings")
    service = site.read("service", "paper-executor-intake")
    assert service is not None
    assert [port["port"] for port in service["spec"]["ports"]] == [9000]
    policy = site.read("networkpolicy", "paper-executor")
    assert policy is not None
    assert policy["spec"]["policyTypes"] == ["Ingress"]
    assert site.read("persistentvolumeclaim", "paper-executor") is not None


def test_what_the_api_server_writes_otherwise_is_not_applied_again_and_again(
    site: OperatorProcess,
) -> None:
    before = site.read("deployment", "paper-executor")
    assert before is not None
    site.stop()
    site.start()
    site.kubectl("delete", "deployment", "paper-novnc")
    until(lambda: site.read("deployment", "paper-novnc"), "a sign that the operator works")
    after = site.read("deployment", "paper-executor")
    assert after is not None
    assert after["metadata"]["generation"] == before["metadata"]["generation"]


def test_a_program_that_pod_security_forbids_says_why(site: OperatorProcess) -> None:
    edit_executor(site, {"securityContext": {"runAsUser": 0, "runAsNonRoot": False}})

    def said() -> bool:
        stored = site.read("ibgateway", "paper") or {}
        conditions = stored.get("status", {}).get("conditions", [])
        mine: dict[str, Any] = next((c for c in conditions if c["type"] == "ExecutorReady"), {})
        return mine.get("reason") == "PodWaiting" and "violates PodSecurity" in mine["message"]

    until(said, "the condition that names Pod Security")


def test_the_executor_takes_its_place_back_with_its_ledger(site: OperatorProcess) -> None:
    ledger = site.read("persistentvolumeclaim", "paper-executor")
    assert ledger is not None
    edit_executor(site, dict.fromkeys((*PROGRAM, "securityContext")))
    until(lambda: executor_pods(site) == ["executor"], "the executor's pod")
    until(lambda: site.read("configmap", "paper-executor"), "its settings")
    after = site.read("persistentvolumeclaim", "paper-executor")
    assert after is not None
    assert _uid(after) == _uid(ledger)


def test_deletion_works_without_the_operator_and_spares_the_volumes(site: OperatorProcess) -> None:
    site.stop()
    site.kubectl("delete", "ibgateway", "paper", "--timeout=60s")
    until(lambda: not site.names(f"{CHILDREN},secrets"), "the end of the children")
    until(lambda: not site.names("pods"), "the end of the pods")
    text = site.kubectl("get", "persistentvolumeclaims", "-o", "name")
    assert sorted(text.split()) == [
        "persistentvolumeclaim/data-paper-gateway-0",
        "persistentvolumeclaim/paper-executor",
    ]
