"""`kubectl ibgateway` about orders on the real cluster, as a user calls it: through kubectl, its plugin and a port-forward; in this order."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]
PLUGIN = '#!/bin/sh\nexec "{python}" -m ibgateway_cli "$@"\n'


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugin, as kubectl finds it on PATH."""
    folder = tmp_path_factory.mktemp("plugin")
    program = folder / "kubectl-ibgateway"
    program.write_text(PLUGIN.format(python=sys.executable))
    program.chmod(0o755)
    return folder


@pytest.fixture(scope="module")
def waiting(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """A gateway whose first push waits."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway({"novnc": {"enabled": False}})
    until("a push", ibkr.waiting, seconds=240)
    stage.wait_for_login("AwaitingApproval")
    until("the executor answers", lambda: running(stage), seconds=120)


def running(stage: Stage) -> bool:
    """Whether the executor's container runs; it is not ready while the push waits."""
    statuses = [
        s for pod in stage.pods("executor") for s in pod["status"].get("containerStatuses", [])
    ]
    return bool(statuses) and all(status.get("started") for status in statuses)


def ibgateway(stage: Stage, path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """`kubectl ibgateway`, with nobody at the terminal."""
    environ = dict(stage.cluster.environ)
    environ["PATH"] = f"{path}:{environ['PATH']}"
    environ["PYTHONPATH"] = os.pathsep.join(entry for entry in sys.path if entry)
    environ["COLUMNS"] = "160"
    place = [f"--context=kind-{stage.cluster.name}", f"--namespace={stage.namespace}"]
    return subprocess.run(
        ["kubectl", "ibgateway", *words, *place],
        env=environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def answer(stage: Stage, path: Path, *words: str) -> Any:
    """The answer of a command that goes well, for programs."""
    done = ibgateway(stage, path, *words, "-o", "json")
    assert done.returncode == 0, done
    return json.loads(done.stdout)


def test_an_order_while_the_push_waits_is_stored_and_the_queue_says_why_it_waits(
    stage: Stage, ibkr: Ibkr, waiting: None, path: Path
) -> None:
    done = ibgateway(stage, path, "order", "buy", "AAPL", "10", "--key", "e2e-1")
    assert done.returncode == 0, done
    assert f"PAPER, gateway {stage.namespace}/paper: BUY 10 AAPL, MKT, DAY" in done.stderr
    until("it waits", lambda: waits(stage, path), seconds=60)
    shown = ibgateway(stage, path, "queue").stdout
    assert shown.startswith("Gate: closed. AwaitingApproval: "), shown
    assert "BUY 10 AAPL MKT DAY" in shown
    assert "approve the push on IBKR Mobile" in shown
    assert ibkr.orders() == []
    for said in (done.stdout, done.stderr, shown):
        assert stage.executor_token() not in said


def waits(stage: Stage, path: Path) -> bool:
    """Whether the only order waits for the login."""
    [order] = answer(stage, path, "queue")["orders"]
    return (order["state"], order["reason"]) == ("Waiting", "AwaitingApproval")


def test_after_the_approval_it_is_filled_once_and_listed(
    stage: Stage, ibkr: Ibkr, waiting: None, path: Path
) -> None:
    ibkr.approve()
    again = ibgateway(stage, path, "order", "buy", "AAPL", "10", "--key", "e2e-1", "--wait")
    assert again.returncode == 0, again
    assert "stored before under this key" in again.stderr
    [order] = answer(stage, path, "orders")["orders"]
    assert (order["state"], order["filledQuantity"]) == ("Filled", "10")
    assert [booked["quantity"] for booked in ibkr.orders()] == ["10"]
    assert "Filled" in ibgateway(stage, path, "orders", "--symbol", "AAPL").stdout


def test_a_dry_run_shows_the_plan_and_sends_nothing(
    stage: Stage, ibkr: Ibkr, waiting: None, path: Path, tmp_path: Path
) -> None:
    file = tmp_path / "targets.yaml"
    file.write_text("targets: {AAPL: 0.5, BND: 0.3}\ncashReservePercent: 2\n")
    stage.wait_for("Ready", "True")
    done = ibgateway(stage, path, "rebalance", str(file), "--dry-run")
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert lines[0].startswith(f"Account {ACCOUNT}, worth ")
    assert sorted(line.split()[2] for line in lines if line.startswith("BUY ")) == ["AAPL", "BND"]
    assert any(line.startswith("drift") for line in lines)
    assert len(ibkr.orders()) == 1
    assert answer(stage, path, "rebalances")["rebalances"] == []
