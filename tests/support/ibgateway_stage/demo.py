"""The demo: from nothing to a Ready paper gateway and an order that fills; harmless to run again."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from time import time
from typing import Any, Final

from rich.console import Console

from ibgateway_cluster import Cluster
from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Stage
from ibgateway_stage.waiting import NeverHappenedError, until

NAMESPACE: Final = "ibgateway-demo"
STANDS_STILL: Final = frozenset({"WaitingForPermit", "TokenExpired", "ApprovalMissed"})
PATIENCE: Final = timedelta(seconds=15)


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
        stage.install_gateway({"suspend": False})
    login = "the gateway logs in; its push is approved on the simulated phone"
    with stage.ibkr() as ibkr, step(console, login):
        approve_until_ready(stage, ibkr)
    with step(console, "an order through the executor"):
        order = fill_one(stage)
    console.print(stage.kubectl("get", "ibgw").rstrip(), highlight=False)
    show_status(cluster)
    console.print(summary(order), highlight=False, soft_wrap=True)


@contextmanager
def step(console: Console, title: str) -> Iterator[None]:
    """A spinner while it runs, a line when it is done."""
    with console.status(title):
        yield
    console.print(f"[green]done[/]  {title}")


def approve_until_ready(stage: Stage, ibkr: Ibkr) -> None:
    """Approve whatever push waits until the executor is Ready; a login that would not come by itself for a while is asked for.

    After an older demo it would not: a simulated IBKR that was replaced knows no session and no token of before.
    """
    asked: set[str] = set()

    def look() -> bool:
        login = stage.status().get("login", {})
        if ibkr.waiting():
            ibkr.approve()
        elif stands_still(login, datetime.now(UTC)) and login["since"] not in asked:
            asked.add(login["since"])
            stage.ask_for_login()
        return stage.ready("executor") and stage.condition("Ready").get("status") == "True"

    try:
        until("the executor is Ready", look, seconds=300, every=0.5)
    except NeverHappenedError as error:
        raise NeverHappenedError(f"{error}; {in_the_way(stage.condition('Ready'))}") from None


def stands_still(login: dict[str, Any], now: datetime) -> bool:
    """Whether a login waits for its time or for somebody's word; for a moment each start waits for its permit."""
    if login.get("state") not in STANDS_STILL or not login.get("since"):
        return False
    return now - datetime.fromisoformat(login["since"]) > PATIENCE


def in_the_way(ready: dict[str, Any]) -> str:
    """What the condition Ready says."""
    if not ready:
        return "the operator has not said a word about the gateway: kubectl ibgateway logs"
    return f"{ready['reason']}: {ready['message']}"


def fill_one(stage: Stage) -> dict[str, Any]:
    """One share, bought through the Service that answers only while trading is allowed."""
    with stage.orders("executor") as orders:
        order = orders.place(f"demo-{time():.0f}")
        return until("the order fills", lambda: _filled(orders.get(order["id"])), seconds=60)


def _filled(order: dict[str, Any]) -> dict[str, Any] | None:
    return order if order["state"] == "Filled" else None


def show_status(cluster: Cluster) -> None:
    """The plugin's screen, as `kubectl ibgateway status` shows it."""
    words = (sys.executable, "-m", "ibgateway_cli", "status", f"--namespace={NAMESPACE}")
    env = {**cluster.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    subprocess.run(words, env=env, check=True)


def summary(order: dict[str, Any]) -> str:
    """What runs now, and commands for bash or zsh that go on from here, each of them of use in this state."""
    return f"""
Order {order["id"]} is {order["state"]}. What runs: a kind cluster, the operator, the gateway paper (simulator, account {ACCOUNT}), its console and its executor.

In this folder, a shell with the cluster's kubectl and helm (they are on no other PATH), the plugin kubectl ibgateway, and the namespace {NAMESPACE}:

  make shell

Everything at one glance, and what is in the way, if something is:

  kubectl ibgateway status
  kubectl ibgateway doctor

The gateway's window, until Ctrl-C, at http://localhost:6080 with the password {VNC_PASSWORD}:

  kubectl ibgateway vnc

An order, and its fill:

  kubectl ibgateway order buy AAPL 1 --wait
  kubectl ibgateway orders

A login anew. While it is logged in there is nothing to ask for, so IBC is told to stop first, which costs the week's token; orders wait meanwhile:

  kubectl exec paper-gateway-0 --container=gateway -- bash -c 'echo STOP >/dev/tcp/127.0.0.1/7462' && kubectl wait ibgw/paper --for=condition=GatewayLoggedIn=False --timeout=2m
  kubectl ibgateway login --yes &

Its push, approved on the simulated phone as soon as it is there, and the login that follows:

  kubectl exec deploy/ibkr -- python3 -m ibgateway_simulator ask POST '/v1/pushes/latest/approve?wait=60'
  wait

Out of that shell, everything is removed again:

  exit
  make down
"""
