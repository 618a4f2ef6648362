"""docs/quickstart.md as somebody types it: the commands of its steps, in a bash, on a stage that stands as `make demo` leaves it."""

import re
import subprocess
from pathlib import Path

import pytest

from host_processes import free_port
from ibgateway_stage.demo import approve_until_ready
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs/quickstart.md"
NOT_HERE = ("make demo", "make down", "kubectl port-forward svc/paper-novnc")
"""The stage is there already, stays, and nobody looks at the window until Ctrl-C."""


def steps(text: str) -> list[str]:
    """The page's blocks of commands, without those that are not run here."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith(NOT_HERE)]


def script(stage: Stage, port: int) -> str:
    """All steps in one shell that ends at the first command that fails; its own port, namespace and cluster."""
    typed = "".join(steps(PAGE.read_text()))
    typed = typed.replace('eval "$(make -s env)"\n', "")
    typed = typed.replace("ibgateway-demo", stage.namespace)
    typed = typed.replace("-intake 8080", f"-intake {port}:8080")
    typed = typed.replace("localhost:8080", f"localhost:{port}")
    return f"set -eu -o pipefail\ntrap 'kill $(jobs -p)' EXIT\n{typed}"


def filled(orders: Orders) -> list[str]:
    """The symbols of the orders that were filled."""
    return sorted(
        order["contract"]["symbol"]
        for order in orders.all()["orders"]
        if order["state"] == "Filled"
    )


def test_the_steps_are_found() -> None:
    assert [step.split()[0] for step in steps(PAGE.read_text())] == [
        *("eval", "kubectl", "kubectl", "kubectl")
    ]


def test_a_newcomer_gets_to_the_end(
    stage: Stage, ibkr: Ibkr, long_ago: Json, tmp_path: Path
) -> None:
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway()
    approve_until_ready(stage, ibkr)
    mine = tmp_path / "kubeconfig"
    mine.write_text(stage.cluster.kubeconfig.read_text())
    done = subprocess.run(
        ["bash", "-c", script(stage, free_port())],
        env={**stage.cluster.environ, "KUBECONFIG": str(mine)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state":"Accepted"' in done.stdout
    assert re.search(r"^paper +paper +False ", done.stdout, re.MULTILINE), done.stdout
    with stage.orders() as orders:
        until("both orders are filled", lambda: filled(orders) == ["AAPL", "IBM"], seconds=60)
