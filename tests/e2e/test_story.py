"""The story on a real cluster, step by step and in this order: from helm install to kubectl delete.

Two pushes in the whole of it (the first login, the weekly restart), one restart of the gateway's
container (the weekly one) until it is killed on purpose, and no login that nobody permitted.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_cluster import AuditEvent
from ibgateway_stage.calendar import calendar
from ibgateway_stage.ibkr import Ibkr, bystander
from ibgateway_stage.orders import Orders
from ibgateway_stage.scraping import BY_IBKR, scraped
from ibgateway_stage.stage import OPERATOR, Stage, is_ready
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

Json = dict[str, Any]

CANARY = "c4n4ry-paper-Pa55"
IN_CLUSTER_ORDER = """
import json, sys, urllib.request
url, token, key = sys.argv[1:]
body = {"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 3, "orderType": "MKT"}
headers = {"Authorization": "Bearer " + token, "Idempotency-Key": key, "Content-Type": "application/json"}
request = urllib.request.Request(url + "/v1/orders", json.dumps(body).encode(), headers)
print(urllib.request.urlopen(request, timeout=20).read().decode())
"""


@pytest.fixture(scope="module")
def orders(stage: Stage) -> Iterator[Orders]:
    """The intake Service, which answers at any time."""
    with stage.orders() as client:
        yield client


def executor(stage: Stage) -> Json:
    """The executor's only pod."""
    [pod] = until("one executor pod", lambda: stage.pods("executor"))
    return pod


def gateway(stage: Stage) -> Json:
    """The gateway's only pod."""
    [pod] = stage.pods("gateway")
    return pod


def restarts(pod: Json, container: str) -> int:
    status = pod["status"]
    every = [*status.get("containerStatuses", []), *status.get("initContainerStatuses", [])]
    return int(next(c["restartCount"] for c in every if c["name"] == container))


def filled(orders: Orders, order: Json) -> Json:
    return until("the order fills", lambda: _filled(orders.get(order["id"])), seconds=90)


def _filled(order: Json) -> Json | None:
    return order if order["state"] == "Filled" else None


def operator_writes(stage: Stage, since: datetime) -> list[AuditEvent]:
    """All but the renewals of its Lease, which say every 15 seconds that it is there."""
    user = f"system:serviceaccount:{stage.namespace}:{OPERATOR}"
    events = [e for e in stage.cluster.audit() if e.writes and e.user == user and e.at >= since]
    return [e for e in events if e.resource != "leases"]


def test_a_missing_secret_is_named_and_starts_nothing(stage: Stage, long_ago: Json) -> None:
    stage.install_operator(long_ago, networkPolicy=BY_IBKR)
    client = {"podSelector": {"app.kubernetes.io/name": "simulated-ibkr"}}
    stage.install_gateway(
        {
            "login": {
                "attemptIntervalSeconds": 30,
                "maxAttempts": 2,
                "existingSession": "takeOver",
            },
            "networkPolicy": {"executorClients": [client]},
        }
    )
    ready = stage.wait_for("Ready", "False", "CredentialsMissing")
    assert "ib-credentials" in ready["message"]
    assert stage.pods("gateway") == []


def test_a_missing_key_is_named_too(stage: Stage, ibkr: Ibkr) -> None:
    user = {"password": CANARY, "account": "DU1234567", "modes": ["paper"], "two_factor": True}
    ibkr.put("/v1/users/paperuser", user)
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "ib-credentials"}}
    stage.apply({**secret, "stringData": {"IB_USERNAME": "paperuser", "VNC_PASSWORD": "vnc-demo"}})
    look = lambda: "IB_PASSWORD" in stage.condition("Ready").get("message", "")  # noqa: E731
    until("the missing key is named", look, seconds=120)
    assert stage.pods("gateway") == []


def test_the_executor_is_not_ready_while_the_push_waits(stage: Stage, ibkr: Ibkr) -> None:
    stage.write_credentials(IB_PASSWORD=CANARY)
    until("a push waits", ibkr.waiting, seconds=240)
    stage.wait_for_login("AwaitingApproval")
    stage.wait_for("TradingAllowed", "False", "AwaitingApproval")
    assert not is_ready(executor(stage))
    assert endpoints(stage, "paper-executor") == []
    assert len(ibkr.pushes()) == 1


def endpoints(stage: Stage, service: str) -> list[str]:
    """Addresses a Service sends traffic to now."""
    selector = f"kubernetes.io/service-name={service}"
    slices = json.loads(stage.kubectl("get", "endpointslices", f"-l={selector}", "-o=json"))
    return [
        address
        for one in slices["items"]
        for endpoint in one["endpoints"] or []
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    ]


def test_an_approval_makes_it_ready(stage: Stage, ibkr: Ibkr) -> None:
    ibkr.approve()
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=120)
    stage.wait_for("Ready", "True")
    stage.wait_for("GatewayLoggedIn", "True", "LoggedIn")
    assert stage.status()["accounts"] == ["DU1234567"]


def test_nobody_but_whom_the_chart_names_reads_metrics_or_the_condition_says_why(
    stage: Stage,
) -> None:
    """The network of a built node enforces no policy, that of kind's own image does: the condition knows which."""
    stage.apply(bystander())
    stage.kubectl("wait", "--for=condition=Ready", "pod/bystander", "--timeout=60s")
    until("IBKR's pod may read", lambda: scraped(stage, "deploy/ibkr") == ["metrics"] * 4)
    enforced = until("the console has found out", lambda: known_policy(stage), seconds=120)
    answer = {"True": "no answer", "False": "metrics"}[enforced]
    assert scraped(stage, "pod/bystander") == [answer] * 4


def known_policy(stage: Stage) -> str:
    """Whether policies are enforced, as True or False; empty while that is being found out."""
    status = str(stage.condition("NetworkPolicyEnforced").get("status", ""))
    return status if status in ("True", "False") else ""


def test_an_order_through_the_service_fills_exactly_once(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    until("the Service has its endpoint", lambda: endpoints(stage, "paper-executor"))
    argv = ["python3", "-c", IN_CLUSTER_ORDER, "http://paper-executor:8080", stage.executor_token()]
    order = json.loads(stage.kubectl("exec", "deploy/ibkr", "--", *argv, "story-1"))
    assert filled(orders, order)["filledQuantity"] in (3, "3")
    assert [booked["quantity"] for booked in ibkr.orders()] == ["3"]


def test_a_session_taken_by_a_person_closes_the_gate(stage: Stage, ibkr: Ibkr) -> None:
    ibkr.kick()
    until("the executor pod is not Ready", lambda: not is_ready(executor(stage)), seconds=60)
    stage.wait_for("TradingAllowed", "False", "SessionConflict")


def test_an_order_meanwhile_is_accepted_and_waits(ibkr: Ibkr, orders: Orders) -> None:
    order = orders.place("story-2", quantity=2)
    until("the order waits", lambda: orders.get(order["id"])["state"] == "Waiting", seconds=30)
    stays("it waits", lambda: orders.get(order["id"])["state"] == "Waiting", seconds=5)
    assert orders.get(order["id"])["reason"] == "SessionConflict"
    assert len(ibkr.orders()) == 1


def test_it_fills_once_when_the_session_is_free_again(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    ibkr.free()
    order = orders.place("story-2", quantity=2)
    filled(orders, order)
    assert [booked["quantity"] for booked in ibkr.orders()] == ["3", "2"]
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=60)
    assert len(ibkr.pushes()) == 1
    assert restarts(gateway(stage), "gateway") == 0


def test_a_restart_of_the_executor_loses_and_repeats_nothing(stage: Stage, ibkr: Ibkr) -> None:
    before = executor(stage)["metadata"]
    stage.kubectl("delete", "pod", before["name"])
    until(
        "a new executor pod is Ready",
        lambda: executor(stage)["metadata"]["uid"] != before["uid"] and stage.ready("executor"),
        seconds=180,
    )
    with stage.orders() as orders:
        again = orders.place("story-2", quantity=2)
        assert again["state"] == "Filled"
        assert len(orders.all()["orders"]) == 2
    assert len(ibkr.orders()) == 2


def known(stage: Stage) -> bool:
    """Whether nothing is still being found out, such as what the console learns of the network."""
    return all(
        condition["status"] != "Unknown" or condition["reason"] == "NotConfigured"
        for condition in stage.status()["conditions"]
    )


def test_a_quiet_minute_costs_no_write(stage: Stage) -> None:
    stage.wait_for("Ready", "True")
    until("everything is known", lambda: known(stage), seconds=120)
    since = datetime.now(UTC)
    stays("quiet", lambda: stage.ready("executor"), seconds=60, every=5)
    assert operator_writes(stage, since) == []


def test_the_weekly_window_costs_one_restart_and_one_push(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    before = gateway(stage)["metadata"]["uid"]
    boundary = datetime.now(UTC) + timedelta(seconds=90)
    restart = (boundary + timedelta(seconds=60)).strftime("%H:%M")
    week = {"spec": {"weeklyRestart": {"restartAt": restart, "timeZone": "UTC"}}}
    stage.kubectl("patch", "ibgw", "paper", "--type=merge", "-p", json.dumps(week))
    stage.install_operator(calendar(boundary), networkPolicy=BY_IBKR)
    stage.wait_for("TradingAllowed", "False", "RestartWindow", seconds=180)
    until("the executor pod is not Ready", lambda: not is_ready(executor(stage)), seconds=30)
    until("the weekly push", ibkr.waiting, seconds=300)
    assert gateway(stage)["metadata"]["uid"] == before
    ibkr.approve()
    stage.wait_for("Ready", "True", seconds=180)
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=60)
    assert stage.condition("OutsideRestartWindow")["status"] == "True"
    assert gateway(stage)["metadata"]["uid"] == before
    assert restarts(gateway(stage), "gateway") == 1
    assert len(ibkr.pushes()) == 2


def test_no_other_container_was_restarted(stage: Stage) -> None:
    assert restarts(gateway(stage), "sentinel") == 0
    assert restarts(executor(stage), "executor") == 0
    [console] = stage.pods("novnc")
    assert restarts(console, "console") == 0


def test_a_killed_gateway_does_not_log_in_without_a_permit(stage: Stage, ibkr: Ibkr) -> None:
    logins = len(ibkr.logins())
    statuses = gateway(stage)["status"]["containerStatuses"]
    container = next(c["containerID"] for c in statuses if c["name"] == "gateway")
    identifier = container.removeprefix("containerd://")
    node = stage.cluster.node
    stage.cluster.docker(
        "exec", node, "ctr", "-n", "k8s.io", "tasks", "kill", "-s", "SIGKILL", "-a", identifier
    )
    until("a restart", lambda: restarts(gateway(stage), "gateway") == 2, seconds=120)
    stage.wait_for_login("WaitingForPermit")
    stage.wait_for("TradingAllowed", "False", "WaitingForPermit")
    stays("no login", lambda: len(ibkr.logins()) == logins, seconds=45)
    assert len(ibkr.pushes()) == 2


def test_no_secret_is_to_be_read_anywhere(stage: Stage) -> None:
    kinds = "ibgw,pods,events,configmaps,deployments,statefulsets,services,networkpolicies"
    seen = [stage.kubectl("get", kinds, "-o=yaml")]
    for pod in json.loads(stage.kubectl("get", "pods", "-o=json"))["items"]:
        name = pod["metadata"]["name"]
        seen.append(stage.kubectl("logs", name, "--all-containers", "--tail=-1"))
    environment = stage.kubectl("exec", "paper-gateway-0", "-c=gateway", "--", "env")
    for text in (*seen, environment):
        assert CANARY not in text
        assert stage.executor_token() not in text


def test_a_delete_with_the_operator_away_leaves_only_the_volumes(stage: Stage) -> None:
    stage.kubectl("scale", f"deployment/{OPERATOR}", "--replicas=0")
    stage.kubectl("wait", "--for=delete", "pod", f"-l=app.kubernetes.io/name={OPERATOR}")
    stage.kubectl("delete", "ibgw", "paper", "--timeout=30s")
    kinds = (
        "statefulsets,deployments,services,configmaps,secrets,pods,networkpolicies,"
        "poddisruptionbudgets,serviceaccounts,persistentvolumeclaims"
    )

    def left() -> list[str]:
        found = stage.kubectl("get", kinds, "-l=ibgateway.dev/gateway=paper", "-o=name")
        return sorted(found.split())

    volumes = [
        "persistentvolumeclaim/data-paper-gateway-0",
        "persistentvolumeclaim/paper-executor",
    ]
    until("only the volumes are left", lambda: left() == volumes, seconds=240)
