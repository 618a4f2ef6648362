"""`kubectl ibgateway pause`: the executor sends nothing, until a person ends it."""

import getpass
from typing import Annotated

import typer

from ibgateway_api.executor_documents import PauseDocument
from ibgateway_cli.app import GatewayName, OutputOption, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import TradingGateway, connected
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import moment, stamp


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
    who = by or _user()
    with connected(plugin, name, places=end) as (trading, connection):
        if end:
            plugin.terminal.tell(f"{trading}: what waits goes to IBKR again.")
            found = connection.ask(
                lambda client: client.resume(by=who), changes="the pause is over"
            )
        elif reason is not None:
            found = connection.ask(
                lambda client: client.pause(by=who, reason=reason), changes="trading is paused"
            )
        else:
            found = connection.ask(lambda client: client.paused())
    plugin.terminal.show(_document(trading, found), output, _sentence(trading, found))


def _user() -> str:
    """Who is logged in here; a container may know no name, and pauses all the same."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "kubectl ibgateway"


def _document(trading: TradingGateway, found: PauseDocument) -> Json:
    return {
        "namespace": trading.namespace,
        "name": trading.name,
        "paused": found.paused,
        "by": found.by,
        "reason": found.reason,
        "since": stamp(found.since) if found.since else None,
        "unacknowledged": found.unacknowledged,
    }


def _sentence(trading: TradingGateway, found: PauseDocument) -> str:
    whose = f"{trading.namespace}/{trading.name}"
    if not found.paused:
        return f"Trading of {whose} is not paused"
    since = f" since {moment(found.since)}" if found.since else ""
    return (
        f"Trading of {whose} is paused by {found.by}{since}: {found.reason}"
        f"\non their way yet: {found.unacknowledged} orders; kubectl ibgateway pause {trading.name} --end ends it"
    )
