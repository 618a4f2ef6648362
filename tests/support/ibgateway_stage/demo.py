"""The demo: from nothing to a Ready paper gateway and an order that fills; harmless to run again."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any, Final

from rich.console import Console

from ibgateway_api import names
from ibgateway_cluster import Cluster
from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Stage
from ibgateway_stage.waiting import until

NAMESPACE: Final = "ibgateway-demo"
ORDER: Final = '{"contract":{"symbol":"AAPL"},"side":"BUY","quantity":1,"orderType":"MKT"}'


def run(cluster: Cluster) -> None:
    """Everything, with one line a step."""
    stage = Stage(cluster, NAMESPACE)
    console = Console()
    with step(console, "namespace, credentials and a simulated IBKR"):
        stage.prepare()
        stage.write_credentials()
        stage.start_ibkr()
    with step(console, "helm install ibgateway-operator"):
        stage.install_operator()
    with step(console, "helm install ibgateway: one paper gateway"):
        stage.install_gateway()
    login = "the gateway logs in; its push is approved on the simulated phone"
    with stage.ibkr() as ibkr, step(console, login):
        approve_until_ready(stage, ibkr)
    with step(console, "an order through the executor"):
        order = fill_one(stage)
    console.print(stage.kubectl("get", "ibgw").rstrip(), highlight=False)
    console.print(summary(order), highlight=False, soft_wrap=True)


@contextmanager
def step(console: Console, title: str) -> Iterator[None]:
    """A spinner while it runs, a line when it is done."""
    with console.status(title):
        yield
    console.print(f"[green]done[/]  {title}")


def approve_until_ready(stage: Stage, ibkr: Ibkr) -> None:
    """Approve whatever push waits until the executor is Ready."""

    def look() -> bool:
        if ibkr.waiting():
            ibkr.approve()
        return stage.ready("executor") and stage.condition("Ready").get("status") == "True"

    until("the executor is Ready", look, seconds=300, every=0.5)


def fill_one(stage: Stage) -> dict[str, Any]:
    """One share, bought through the Service that answers only while trading is allowed."""
    with stage.orders("executor") as orders:
        order = orders.place(f"demo-{time():.0f}")
        return until("the order fills", lambda: _filled(orders.get(order["id"])), seconds=60)


def _filled(order: dict[str, Any]) -> dict[str, Any] | None:
    return order if order["state"] == "Filled" else None


def summary(order: dict[str, Any]) -> str:
    """What runs now, and commands for bash or zsh that go on from here, each of them of use in this state."""
    return f"""
Order {order["id"]} is {order["state"]}. What runs: a kind cluster, the operator, the gateway paper (simulator, account {ACCOUNT}), its console and its executor.

In this folder, for this shell: kubectl, helm and docker of the cluster (they are on no other PATH), and three short names.

  eval "$(make -s env)"
  k() {{ kubectl --namespace {NAMESPACE} "$@"; }}
  ask() {{ k exec deploy/ibkr -- python3 -m ibgateway_simulator ask "$@"; }}
  orders() {{ k get secret paper-executor-token -o go-template='Authorization: Bearer {{{{.data.token|base64decode}}}}' | curl -sS --retry 5 --retry-connrefused -w '\\n' -H @- "$@"; }}

The gateway's window, until Ctrl-C, at http://localhost:6080 with the password {VNC_PASSWORD}:

  k port-forward svc/paper-novnc 6080

An order, and a moment later its fill:

  k port-forward svc/paper-executor-intake 8080 >/dev/null &
  orders -H "Idempotency-Key: $(date +%s)" -H 'Content-Type: application/json' -d '{ORDER}' http://localhost:8080/v1/orders
  orders http://localhost:8080/v1/orders

A login anew. While it is logged in a request does nothing, so IBC is told to stop first, which costs the week's token; orders wait meanwhile:

  k exec paper-gateway-0 --container=gateway -- bash -c 'echo STOP >/dev/tcp/127.0.0.1/7462'
  k wait ibgw/paper --for=condition=GatewayLoggedIn=False --timeout=2m
  k annotate --overwrite ibgw/paper {names.ANNOTATION_LOGIN_REQUESTED_AT}="$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  k wait ibgw/paper --for=jsonpath='{{.status.login.state}}'=AwaitingApproval --timeout=2m

Its push, approved on the simulated phone:

  ask POST /v1/pushes/latest/approve
  k wait ibgw/paper --for=condition=Ready --timeout=2m

Everything removed again:

  make down
"""
