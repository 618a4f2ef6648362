"""`kubectl ibgateway status`: one screen."""

from collections.abc import Iterator
from typing import Annotated, Final

import typer
from rich.live import Live

from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.report import executor_report
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import own_program
from ibgateway_cli.status.overview import GatewayFacts, facts_of, overview
from ibgateway_cli.status.programs import programs_of
from ibgateway_cli.status.screen import screen
from ibgateway_cli.terminal.output import Output

WATCH_SECONDS: Final = 2.0

app = PluginApp()


@app.command()
def status(
    context: typer.Context,
    name: GatewayName = None,
    *,
    output: OutputOption = Output.TABLE,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Show it again and again, until Ctrl-C.")
    ] = False,
) -> None:
    """Show login, gate and why, window, pushes and queue on one screen."""
    plugin = plugin_of(context)
    if watch:
        _watch(plugin, name, output)
        return
    document = look(plugin, name)
    plugin.terminal.show(document, output, screen(document, plugin.terminal.now()))


def look(plugin: Plugin, name: str | None) -> Json:
    """The overview of a gateway; an executor that can't be asked is a line of it."""
    gateway = plugin.gateway(name)
    facts = facts_of(gateway)
    programs = programs_of(plugin.cluster, facts.name)
    return {**_overview(plugin, facts, gateway), "programs": programs}


def _overview(plugin: Plugin, facts: GatewayFacts, gateway: Json) -> Json:
    if not facts.spec.executor.enabled:
        return overview(facts, "spec.executor.enabled is false", plugin.place)
    if program := own_program(plugin.cluster, gateway):
        return overview(facts, program, plugin.place)
    try:
        report = executor_report(plugin, facts.name)
    except PluginError as error:
        return overview(facts, error.sentence, plugin.place)
    return overview(facts, report, plugin.place)


def _watch(plugin: Plugin, name: str | None, output: Output) -> None:
    """Until Ctrl-C. On a terminal in place, else one after the other as far as something changed."""
    terminal = plugin.terminal
    if output is Output.TABLE and terminal.out.is_terminal:
        with Live(console=terminal.out, auto_refresh=False, screen=False) as live:
            for document in _looks(plugin, name):
                live.update(screen(document, terminal.now()), refresh=True)
    shown: Json = {}
    for document in _looks(plugin, name):
        if document != shown:
            shown = document
            terminal.show(document, output, screen(document, terminal.now()))


def _looks(plugin: Plugin, name: str | None) -> Iterator[Json]:
    """Again and again; an API server that is away once it has answered is waited for. Raises PluginError."""
    yield look(plugin, name)
    while True:
        plugin.terminal.sleep(WATCH_SECONDS)
        try:
            yield look(plugin, name)
        except PluginError as error:
            if error.exit_code is not ExitCode.UNREACHABLE:
                raise
            plugin.terminal.tell(f"{error.sentence}: looking again.")
