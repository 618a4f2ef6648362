"""`cancel` and `resolve`: how orders end by a person's word."""

from enum import StrEnum
from typing import Annotated, Final

import typer
from rich.console import RenderableType

from ibgateway_api.executor_documents import CancelResult, OrderDocument
from ibgateway_api.rebalance_documents import RebalanceDocument
from ibgateway_cli.app import OutputOption, YesOption, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.cells import facts, words
from ibgateway_cli.executor.connection import ExecutorConnection, TradingGateway, connected
from ibgateway_cli.executor.either import of_order_or_rebalance
from ibgateway_cli.executor.following import order_of, run_of
from ibgateway_cli.executor.options import GatewayOption, agree, plain
from ibgateway_cli.executor.order_tables import one_line, order_facts
from ibgateway_cli.executor.rebalance_tables import run_line
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.terminal import Terminal


class PersonOutcome(StrEnum):
    """What a person found out about an order in doubt."""

    FOUND = "found"
    NOT_AT_BROKER = "not-at-broker"
    GIVE_UP = "give-up"


_OUTCOMES: Final = {
    PersonOutcome.FOUND: "found",
    PersonOutcome.NOT_AT_BROKER: "notAtBroker",
    PersonOutcome.GIVE_UP: "giveUp",
}


def cancel(
    context: typer.Context,
    order_id: Annotated[
        str | None, typer.Argument(metavar="ORDER", help="An order, or a rebalance.")
    ] = None,
    *,
    every: Annotated[
        bool, typer.Option("--all", help="Everything that has not ended.", show_default=False)
    ] = False,
    by: Annotated[
        str, typer.Option(envvar="USER", metavar="NAME", help="Who says so, of --all.")
    ] = "kubectl ibgateway",
    gateway: GatewayOption = None,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Cancel an order, a rebalance, or everything."""
    if every == (order_id is not None):
        raise PluginError("name one order, or say --all", "see --help", ExitCode.USAGE)
    plugin = plugin_of(context)
    with connected(plugin, gateway) as (trading, connection):
        if order_id is None:
            what = "cancel every order and rebalance that has not ended"
            agree(plugin.terminal, trading, what, yes=yes)
            done = connection.ask(
                lambda client: client.cancel_all(by=by), changes="they are cancelled"
            )
            plugin.terminal.show(plain(done), output, _cancelled_table(done))
            return
        found = _cancelled(plugin.terminal, trading, connection, order_id)
    if isinstance(found, OrderDocument):
        plugin.terminal.show(plain(found), output, order_facts(found))
        plugin.terminal.tell(_cancel_words(found))
    else:
        plugin.terminal.show(plain(found), output, run_line(found))


def _cancelled(
    terminal: Terminal, trading: TradingGateway, connection: ExecutorConnection, named: str
) -> OrderDocument | RebalanceDocument:
    """The order or the rebalance after its cancel; what it is, and whose, is said before."""
    there = of_order_or_rebalance(connection, named, order_of(named), run_of(named))
    changes = f"{named} is cancelled"
    if isinstance(there, OrderDocument):
        terminal.tell(f"{trading}: cancel {one_line(there)}, which is {there.state}.")
        return connection.ask(lambda client: client.cancel(named), changes=changes)
    terminal.tell(f"{trading}: cancel the {run_line(there).plain}.")
    return connection.ask(lambda client: client.cancel_rebalance(named), changes=changes)


def resolve(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER")],
    outcome: Annotated[PersonOutcome, typer.Argument(help="What you found out.")],
    *,
    note: Annotated[str, typer.Option(metavar="TEXT", help="How you know; it stays with it.")],
    filled: Annotated[
        int | None,
        typer.Option(
            metavar="SHARES", min=0, help="Of found: how many were executed.", show_default=False
        ),
    ] = None,
    gateway: GatewayOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Say what became of an order in doubt. Nothing of it is sent; what waits behind it goes on."""
    if (filled is None) == (outcome is PersonOutcome.FOUND):
        raise PluginError(
            "--filled belongs to found, and found needs it",
            "say how many shares were executed: --filled 0 for none",
            ExitCode.USAGE,
        )
    plugin = plugin_of(context)
    word = _OUTCOMES[outcome]
    with connected(plugin, gateway) as (trading, connection):
        plugin.terminal.tell(f"{trading}: {order_id} is {outcome}; what waits behind it goes on.")
        done = connection.ask(
            lambda client: client.resolve(
                order_id, outcome=word, note=note, filled_quantity=filled
            ),
            changes=f"{order_id} is resolved",
        )
    plugin.terminal.show(plain(done), output, order_facts(done))


def _cancel_words(found: OrderDocument) -> str:
    if found.state == "Cancelled":
        return "Cancelled: nothing of it was sent."
    if found.cancel_written:
        return "IBKR is asked to cancel it: history shows how it ended."
    return "IBKR is asked as soon as there is a link to it: queue says why not now."


def _cancelled_table(done: CancelResult) -> RenderableType:
    return facts(
        [
            ("cancelled", words(f"{done.cancelled} that were not sent")),
            ("asked", words(f"{done.asked} that IBKR has, or is about to")),
            ("in doubt", words(f"{done.in_doubt}, cancelled once they are found")),
        ]
    )
