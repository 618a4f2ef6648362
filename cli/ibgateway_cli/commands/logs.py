"""`kubectl ibgateway logs`: what gateway, sentinel, executor, console and operator say, by time."""

import contextlib
import json
import queue
import threading
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from typing import Annotated, Final

import typer
from rich.text import Text

from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.gateway import key_of
from ibgateway_cli.logs.lines import LogLine, LogSource, merged
from ibgateway_cli.logs.sources import arguments, gateway_sources, operator_sources, read
from ibgateway_cli.terminal.output import Output, text

app = PluginApp()

Came = queue.Queue[LogLine | None]
"""Lines, and None for a container whose log has ended."""
COLOURS: Final = {
    "gateway": "cyan",
    "sentinel": "green",
    "executor": "magenta",
    "console": "blue",
    "operator": "yellow",
}


@app.command()
def logs(
    context: typer.Context,
    name: GatewayName = None,
    *,
    since: Annotated[
        str, typer.Option("--since", metavar="DURATION", help="How far back, such as 10m or 2h.")
    ] = "1h",
    program: Annotated[
        list[str] | None,
        typer.Option("--program", "-p", help="Only this one; may be repeated.", show_default=False),
    ] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as lines come, until Ctrl-C.")
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show the logs of a gateway's programs and of the operator about it, merged by time."""
    plugin = plugin_of(context)
    sources = _chosen(plugin, name, program or [])
    if follow:
        _follow(plugin, sources, since, output)
        return
    lines = list(merged(_read_all(plugin, sources, since)))
    if output is Output.TABLE:
        for line in lines:
            plugin.terminal.out.print(_shown(line), soft_wrap=True)
        return
    plugin.terminal.show({"lines": [line._asdict() for line in lines]}, output, "")


def _chosen(plugin: Plugin, name: str | None, programs: Sequence[str]) -> list[LogSource]:
    key = key_of(plugin.gateway(name))
    operators = operator_sources(plugin.cluster, key)
    if not operators:
        plugin.terminal.tell("The operator's log can't be read from here: it is left out.")
    sources = [*gateway_sources(plugin.cluster, key), *operators]
    wanted = [source for source in sources if not programs or source.name in programs]
    if not wanted:
        there = ", ".join(sorted({source.name for source in sources})) or "none"
        raise PluginError("no such program runs", f"those that do are: {there}", ExitCode.NOT_FOUND)
    return wanted


def _read_all(plugin: Plugin, sources: Sequence[LogSource], since: str) -> list[list[LogLine]]:
    """Their lines. One that has none to give, because it waits or is gone, says so and leaves the others. Raises PluginError where none has."""
    found, failed = [], None
    for source in sources:
        try:
            found.append(read(plugin.cluster, source, f"--since={since}"))
        except PluginError as error:
            plugin.terminal.tell(f"{source.name}: {error.sentence}")
            failed = error
    if failed is not None and not found:
        raise failed
    return found


def _shown(line: LogLine) -> Text:
    """Time to the millisecond, whose it is, the line."""
    at = f"{line.at[:19]}.{line.at[20:23].rstrip('Z'):0<3}Z" if line.at else " " * 24
    return Text.assemble(
        (at, "dim"), " ", (f"{line.source:8}", COLOURS.get(line.source, "")), " ", line.text
    )


def _as(line: LogLine, output: Output) -> Text:
    """One of many that follow each other: a line of JSON, or a document of YAML."""
    if output is Output.TABLE:
        return _shown(line)
    if output is Output.JSON:
        return Text(json.dumps(line._asdict(), ensure_ascii=False))
    return Text(f"---\n{text(line._asdict(), output).rstrip()}")


def _take(source: LogSource, lines: Iterable[str], came: Came) -> None:
    with contextlib.suppress(ValueError):  # closed while it was read
        for line in source.lines(lines):
            came.put(line)
    came.put(None)


def _follow(plugin: Plugin, sources: Sequence[LogSource], since: str, output: Output) -> None:
    """Lines as they come: kubectl's of each container, in one queue. Ends when all of them have."""
    came: Came = queue.Queue()
    with ExitStack() as stack:
        for source in sources:
            words = (*arguments(source), f"--since={since}", "--follow")
            there = plugin.cluster.at(source.namespace)
            lines = stack.enter_context(there.lines("logs", source.pod, *words))

            threading.Thread(target=_take, args=(source, lines, came), daemon=True).start()
        open_ones = len(sources)
        while open_ones:
            line = came.get()
            if line is None:
                open_ones -= 1
            else:
                plugin.terminal.out.print(_as(line, output), soft_wrap=True, highlight=False)
