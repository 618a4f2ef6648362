"""The programs `kubectl-ibgateway`, which kubectl finds as its plugin, and their commands."""

from typing import Final

from ibgateway_cli.app import Plugin, PluginApp
from ibgateway_cli.commands import (
    doctor,
    events,
    handover,
    login,
    logs,
    report,
    status,
    suspend,
    vnc,
)
from ibgateway_cli.executor import commands as executor_commands
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.terminal.terminal import this_terminal

PROGRAM: Final = "kubectl-ibgateway"

app = PluginApp(help="What a person asks of an IB Gateway and its trade executor.")
for part in (
    status,
    login,
    handover,
    suspend,
    vnc,
    events,
    logs,
    doctor,
    report,
    executor_commands,
):
    app.add_typer(part.app)


@app.callback()
def _group() -> None:
    """What a person asks of an IB Gateway and its trade executor, through the kubectl that runs this."""


def main() -> None:
    """Run the command line of this process."""
    app(prog_name=PROGRAM, obj=Plugin(Cluster(), this_terminal()))


if __name__ == "__main__":
    main()
