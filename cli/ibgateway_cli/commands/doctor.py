"""`kubectl ibgateway doctor`: what is in the way, one line and one remedy each."""

from collections.abc import Sequence
from typing import Final

import typer
from rich.table import Table
from rich.text import Text

from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, plugin_of
from ibgateway_cli.doctor.check import CheckResult, CheckState, CheckSubject
from ibgateway_cli.doctor.checks import CHECKS, result
from ibgateway_cli.errors import ExitCode
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.status.overview import facts_of
from ibgateway_cli.terminal.output import Output

app = PluginApp()

STYLES: Final = {
    CheckState.FINE: "green",
    CheckState.DOUBT: "yellow",
    CheckState.WRONG: "red",
    CheckState.UNKNOWN: "dim",
}


@app.command()
def doctor(
    context: typer.Context, name: GatewayName = None, *, output: OutputOption = Output.TABLE
) -> None:
    """Look at everything that a gateway stands on, and say what helps; ends with 1 where something is wrong."""
    plugin = plugin_of(context)
    found = examine(plugin, plugin.gateway(name))
    plugin.terminal.show({"checks": [_document(each) for each in found]}, output, table(found))
    if any(each.state is CheckState.WRONG for each in found):
        raise typer.Exit(ExitCode.FAILED)


def examine(plugin: Plugin, gateway: Json) -> list[CheckResult]:
    """All checks, with a line that says which one runs."""
    of = CheckSubject(plugin, facts_of(gateway), gateway)
    found = []
    with plugin.terminal.progress("Looking") as tell:
        for name, check in CHECKS:
            tell(f"Looking at: {name}")
            found.append(result(name, check, of))
    return found


def table(found: Sequence[CheckResult]) -> Table:
    """A line a check, its remedy below it."""
    grid = Table.grid(padding=(0, 2))
    for _ in range(2):
        grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for each in found:
        words = Text(each.sentence)
        if each.remedy and each.state is not CheckState.FINE:
            words.append(f"\n-> {each.remedy}", "cyan")
        grid.add_row(Text(each.state, STYLES[each.state]), each.name, words)
    return grid


def _document(each: CheckResult) -> Json:
    return {
        "name": each.name,
        "state": str(each.state),
        "sentence": each.sentence,
        "remedy": each.remedy,
    }
