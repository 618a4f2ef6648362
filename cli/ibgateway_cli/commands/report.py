"""`kubectl ibgateway report`: what others need to help, without what is nobody's business."""

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console, RenderableType

from ibgateway_cli.app import GatewayName, OutputOption, Plugin, PluginApp, plugin_of
from ibgateway_cli.commands.doctor import examine
from ibgateway_cli.commands.doctor import table as doctor_table
from ibgateway_cli.commands.events import events_of
from ibgateway_cli.commands.status import look
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import key_of
from ibgateway_cli.report.bundle import (
    ReportFile,
    cluster_files,
    contents,
    packed,
    plugin_version,
    secret_values,
)
from ibgateway_cli.report.redaction import Redaction
from ibgateway_cli.status.overview import GatewayFacts, facts_of
from ibgateway_cli.status.screen import screen
from ibgateway_cli.terminal.output import Output

app = PluginApp()

WIDTH = 10_000
"""Nothing is folded: a value that goes over two lines would not be found."""


@app.command()
def report(
    context: typer.Context,
    name: GatewayName = None,
    *,
    file: Annotated[
        Path | None, typer.Option("--file", help="Where to write it.", show_default=False)
    ] = None,
    unchecked: Annotated[
        bool,
        typer.Option(
            "--unchecked",
            help="Also where Secrets can't be read, so that their values can't be looked for.",
            show_default=False,
        ),
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Write status, spec, objects, Events, logs and the doctor's findings into a tar.gz, redacted.

    Account ids are masked, and each value of the gateway's Secrets is looked for and taken out. It is not sent anywhere.
    """
    plugin = plugin_of(context)
    gateway = plugin.gateway(name)
    facts = facts_of(gateway)
    at = plugin.terminal.now()
    folder = f"ibgateway-{facts.name}-{at:%Y%m%d-%H%M%S}"
    place = file or Path(f"{folder}.tar.gz")
    secrets, checked = _secrets(plugin, facts, unchecked=unchecked)
    redact = Redaction(secrets, [*facts.status.accounts, *facts.spec.executor.accounts])
    files = [contents(facts, at, checked=checked), *_files(plugin, gateway)]
    _write(place, packed(files, redact, folder, at))
    values = "no value of a Secret" if checked else "values of Secrets NOT looked for"
    document = {"file": str(place), "files": [redact(each.name) for each in files]}
    plugin.terminal.show(
        document,
        output,
        f"{place}: {len(files)} files, account ids masked, {values}. Look through it before you give it away.",
    )


def _secrets(
    plugin: Plugin, facts: GatewayFacts, *, unchecked: bool
) -> tuple[dict[str, list[bytes]], bool]:
    """Those that may be read, and whether these are all: if not the person has to say that it is to go on."""
    try:
        return secret_values(plugin.cluster, facts, unchecked=unchecked)
    except PluginError as error:
        raise PluginError(
            f"the Secrets can't be read, so their values can't be looked for: {error.sentence}",
            "--unchecked writes the report all the same",
            error.exit_code,
        ) from error


def _files(plugin: Plugin, gateway: Json) -> Iterator[ReportFile]:
    key = key_of(gateway)
    with plugin.terminal.progress("Reading status, Events, objects and logs"):
        document = look(plugin, key.name)
        yield ReportFile("status.txt", _text(screen(document, plugin.terminal.now())))
        yield ReportFile("status.yaml", _yaml(document))
        yield _asked("events.yaml", lambda: {"events": list(events_of(plugin.cluster, key.name))})
        yield from cluster_files(plugin.cluster, gateway, key)
    yield ReportFile("doctor.txt", _text(doctor_table(examine(plugin, gateway))))
    yield ReportFile("plugin.txt", f"{plugin_version()}\n")
    yield _asked("versions.yaml", plugin.cluster.versions)


def _asked(name: str, ask: Callable[[], Json]) -> ReportFile:
    """A file of what the cluster answers, or why it does not: the others are of use without it."""
    try:
        return ReportFile(name, _yaml(ask()))
    except PluginError as error:
        return ReportFile(name, f"# {error.sentence}\n")


def _yaml(document: Json) -> str:
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=10**9)


def _text(shown: RenderableType) -> str:
    """What a person would see, without colours."""
    console = Console(file=io.StringIO(), width=WIDTH, color_system=None, force_terminal=False)
    with console.capture() as captured:
        console.print(shown, highlight=False)
    return captured.get()


def _write(place: Path, content: bytes) -> None:
    """For its owner alone; what is there already stays."""
    try:
        descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise PluginError(
            f"{place} can't be written: {error.strerror}",
            "name another place with --file",
            ExitCode.FAILED,
        ) from error
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
