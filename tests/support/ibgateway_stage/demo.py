"""The demo: from nothing to a Ready paper gateway and an order that fills; harmless to run again."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import time
from typing import Any, Final

from rich.console import Console

from ibgateway_cluster import Cluster
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Stage
from ibgateway_stage.waiting import until

NAMESPACE: Final = "ibgateway-demo"


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
    console.print(summary(cluster, order), highlight=False, soft_wrap=True)


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


def summary(cluster: Cluster, order: dict[str, Any]) -> str:
    """What runs now, and the commands that go on from here."""
    context = f"kubectl --kubeconfig={cluster.kubeconfig} --namespace={NAMESPACE}"
    return f"""
Order {order["id"]} is {order["state"]}. What runs: a kind cluster, the operator, the gateway paper (simulator, account DU1234567), its console and its executor.

  kubectl here        k="{context}"
  noVNC               $k port-forward svc/paper-novnc 6080     then http://localhost:6080 (password {VNC_PASSWORD})
  place an order      $k port-forward svc/paper-executor-intake 8080
                      $k get secret paper-executor-token -o go-template='Authorization: Bearer {{{{.data.token|base64decode}}}}' \\
                        | curl -H @- -H "Idempotency-Key: $(date +%s)" -H 'Content-Type: application/json' \\
                          -d '{{"contract":{{"symbol":"AAPL"}},"side":"BUY","quantity":1,"orderType":"MKT"}}' http://localhost:8080/v1/orders
  another login       $k annotate --overwrite ibgw/paper ibgateway.dev/login-requested-at=$(date -u +%FT%TZ)
  approve a push      $k exec deploy/ibkr -- python3 -c "import urllib.request as u; u.urlopen(u.Request('http://localhost:9100/v1/pushes/latest/approve', method='POST'))"
  remove everything   make down
"""
