"""docs/quickstart.md as somebody types it: the commands of its steps, in a bash, on a stage that stands as `make demo` leaves it."""

import re
import subprocess
from pathlib import Path

import pytest

from host_processes import free_port
from ibgateway_stage.demo import approve_until_ready
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.plugin import CalledPlugin
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

PAGE = Path(__file__).parents[2] / "docs/quickstart.md"
NOT_HERE = ("make demo", "make shell", "exit", "kubectl ibgateway vnc")
"""The stage is there already, stays, this shell is made here, and nobody looks at the window until Ctrl-C."""


def steps(text: str) -> list[str]:
    """The page's blocks of commands, without those that are not run here."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if not block.startswith(NOT_HERE)]


def script(port: int) -> str:
    """All steps in one shell that ends at the first command that fails; its own port."""
    typed = "".join(steps(PAGE.read_text()))
    typed = typed.replace("-intake 8080", f"-intake {port}:8080")
    typed = typed.replace("localhost:8080", f"localhost:{port}")
    return f"set -eu -o pipefail\ntrap 'kill $(jobs -p)' EXIT\n{typed}"


def shell_of(stage: Stage, folder: Path) -> dict[str, str]:
    """As `make shell` has it: the cluster's programs, the plugin, and a kubeconfig whose namespace is the stage's."""
    mine = folder / "kubeconfig"
    mine.write_text(stage.cluster.kubeconfig.read_text())
    environ = {**stage.cluster.environ, "KUBECONFIG": str(mine)}
    words = ["kubectl", "config", "set-context", "--current", f"--namespace={stage.namespace}"]
    subprocess.run(words, env=environ, check=True, capture_output=True)
    return {**environ, "PATH": f"{folder}:{environ['PATH']}"}


def filled(orders: Orders) -> list[str]:
    """The symbols of the orders that were filled."""
    return sorted(
        order["contract"]["symbol"]
        for order in orders.all()["orders"]
        if order["state"] == "Filled"
    )


def test_the_steps_are_found() -> None:
    assert [step.split()[0] for step in steps(PAGE.read_text())] == [
        *("kubectl", "kubectl", "kubectl", "kubectl", "kubectl")
    ]


def test_a_newcomer_gets_to_the_end(
    stage: Stage, ibkr: Ibkr, long_ago: Json, tmp_path: Path
) -> None:
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway()
    approve_until_ready(stage, ibkr)
    plugin = CalledPlugin(stage, tmp_path)
    plugin.install()
    done = subprocess.run(
        ["bash", "-c", script(free_port())],
        env=shell_of(stage, tmp_path),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"state":"Accepted"' in done.stdout
    assert "closed: " in done.stdout
    assert "ONE PUSH follows" in done.stderr
    with stage.orders() as orders:
        until("all are filled", lambda: filled(orders) == ["AAPL", "IBM", "MSFT"], seconds=60)
