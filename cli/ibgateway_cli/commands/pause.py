"""`kubectl ibgateway pause`: the executor sends nothing, until a person ends it."""

import getpass
from typing import Annotated

import typer

from ibgateway_api.executor_documents import PauseDocument
from ibgateway_cli.app import GatewayName, OutputOption, PluginApp, plugin_of
from ibgateway_cli.cluster import Json
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.output import Output
from ibgateway_cli.overview import GatewayFacts, facts_of
from ibgateway_cli.times import moment, stamp

app = PluginApp()


@app.command()
def pause(
    context: typer.Context,
    name: GatewayName = None,
    *,
    reason: Annotated[
        str | None, typer.Option("--reason", help="Why; everybody who looks sees it.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="End the pause: trading goes on.", show_default=False)
    ] = False,
    by: Annotated[
        str | None, typer.Option("--by", help="Who; by default your user name here.")
    ] = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Have the executor send nothing more (--reason), or go on (--end); without either say which it is.

    Orders are stored and wait meanwhile, cancels go on, and the login stays.
    """
    plugin = plugin_of(context)
    if end and reason is not None:
        raise PluginError("say either --reason or --end", exit_code=ExitCode.USAGE)
    facts = facts_of(plugin.lasting(name) if end else plugin.gateway(name))
    if facts.deletion:
        plugin.terminal.tell(f"{facts.deletion}, and its executor goes with it.")
    if not facts.spec.executor.enabled:
        raise PluginError(
            f"{facts.name} has no executor", "spec.executor.enabled is false", ExitCode.REFUSED
        )
    if end:
        mode = facts.spec.trading_mode.upper()
        plugin.terminal.tell(f"{mode}, gateway {facts.name}: what waits goes to IBKR again.")
    with plugin.executor(facts.name).client() as client:
        if end:
            found = client.resume(by=by or _user())
        elif reason is not None:
            found = client.pause(by=by or _user(), reason=reason)
        else:
            found = client.paused()
    plugin.terminal.show(_document(facts, found), output, _sentence(facts, found))


def _user() -> str:
    """Who is logged in here; a container may know no name, and pauses all the same."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "kubectl ibgateway"


def _document(facts: GatewayFacts, found: PauseDocument) -> Json:
    return {
        "namespace": facts.namespace,
        "name": facts.name,
        "paused": found.paused,
        "by": found.by,
        "reason": found.reason,
        "since": stamp(found.since) if found.since else None,
        "unacknowledged": found.unacknowledged,
    }


def _sentence(facts: GatewayFacts, found: PauseDocument) -> str:
    whose = f"{facts.namespace}/{facts.name}"
    if not found.paused:
        return f"Trading of {whose} is not paused"
    since = f" since {moment(found.since)}" if found.since else ""
    return (
        f"Trading of {whose} is paused by {found.by}{since}: {found.reason}"
        f"\non their way yet: {found.unacknowledged} orders; kubectl ibgateway pause {facts.name} --end ends it"
    )
