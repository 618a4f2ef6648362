"""`orders`, `queue`, `history`, `positions`, `account` and `executions`: what only reads."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from itertools import chain, islice
from typing import Annotated, Final, TypeVar

import typer
from rich.console import RenderableType

from ibgateway.client import ExecutorClient, RefusedError
from ibgateway_api.document import Document
from ibgateway_api.executor_documents import OrderDocument
from ibgateway_cli.app import GatewayName, OutputOption, Plugin, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import ExecutorConnection, connected
from ibgateway_cli.executor.either import of_order_or_rebalance
from ibgateway_cli.executor.following import RUN_ENDED, OrderChoice, changed_orders, standing
from ibgateway_cli.executor.options import AccountOption, GatewayOption, plain, show_each
from ibgateway_cli.executor.order_tables import history_table, order_line, orders_table
from ibgateway_cli.executor.portfolio_tables import account_page, executions_page, positions_page
from ibgateway_cli.executor.waiting import QUEUED, WaitingView, waiting_page
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.times import from_text

A = TypeVar("A", bound=Document)

PAGE: Final = 500
_SPAN: Final = re.compile(r"([0-9]{1,5})([smhd])")
_UNITS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def orders(
    context: typer.Context,
    name: GatewayName = None,
    *,
    state: Annotated[
        str | None, typer.Option(metavar="STATE", help="Such as Working.", show_default=False)
    ] = None,
    account: AccountOption = None,
    symbol: Annotated[
        str | None, typer.Option(metavar="SYMBOL", help="Of this symbol.", show_default=False)
    ] = None,
    reference: Annotated[
        str | None, typer.Option(metavar="TEXT", help="With this reference.", show_default=False)
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="SPAN|TIME", help="Accepted since, such as 2h or 3d.", show_default=False
        ),
    ] = None,
    last: Annotated[
        int, typer.Option(metavar="NUMBER", min=0, help="So many of the newest; 0: all.")
    ] = 50,
    watch: Annotated[
        bool, typer.Option("--watch", "-w", help="Go on with each change.", show_default=False)
    ] = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """List orders, oldest first, and watch them change."""
    plugin = plugin_of(context)
    wanted = OrderChoice(state, account, symbol, reference)
    begin = None if since is None else begin_of(since, plugin.terminal.now())
    with connected(plugin, name) as (_, connection):
        if watch:
            _watch(plugin, connection, wanted, begin=begin, last=last, output=output)
        found = _newest(plugin, connection, wanted, begin=begin, last=last)
    document = {"orders": [plain(order) for order in found]}
    plugin.terminal.show(document, output, orders_table(found) if found else "No orders.")


def queue(
    context: typer.Context, name: GatewayName = None, *, output: OutputOption = Output.TABLE
) -> None:
    """Show what waits and for what, the gate and why it is closed, and what to do."""
    plugin = plugin_of(context)
    with connected(plugin, name) as (_, connection):
        view = waiting_view(connection)
    plugin.terminal.show(view.document(), output, waiting_page(view))


def history(
    context: typer.Context,
    order_id: Annotated[str, typer.Argument(metavar="ORDER", help="An order, or a rebalance.")],
    *,
    gateway: GatewayOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what became of an order or a rebalance: each change, why, and by whom."""
    plugin = plugin_of(context)
    with connected(plugin, gateway) as (_, connection):
        entries = of_order_or_rebalance(
            connection,
            order_id,
            lambda client: list(client.history(order_id)),
            lambda client: list(client.rebalance_history(order_id)),
        )
    document = {"history": [plain(entry) for entry in entries]}
    plugin.terminal.show(document, output, history_table(entries))


def positions(
    context: typer.Context,
    name: GatewayName = None,
    *,
    account: AccountOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what the accounts hold, as IBKR tells it."""
    _show(context, name, output, lambda client: client.positions(account), positions_page)


def account(
    context: typer.Context,
    name: GatewayName = None,
    *,
    account: AccountOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what an account is worth, as IBKR tells it."""
    _show(context, name, output, lambda client: client.account(account), account_page)


def executions(
    context: typer.Context,
    name: GatewayName = None,
    *,
    account: AccountOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """Show what was executed since midnight in New York, by whomever."""
    _show(context, name, output, lambda client: client.executions(account), executions_page)


def _show(
    context: typer.Context,
    name: str | None,
    output: Output,
    ask: Callable[[ExecutorClient], A],
    page: Callable[[A], RenderableType],
) -> None:
    """One answer of the executor, as a page or as it is."""
    plugin = plugin_of(context)
    with connected(plugin, name) as (_, connection):
        answer = connection.ask(ask)
    plugin.terminal.show(plain(answer), output, page(answer))


def waiting_view(connection: ExecutorConnection) -> WaitingView:
    """Everything that waits, and what is at work at IBKR."""
    gate, pause = standing(connection)
    queued = connection.ask(_queued)
    runs = connection.ask(lambda client: list(client.rebalances()))
    working = connection.ask(lambda client: sum(1 for _ in client.orders(state="Working")))
    waiting = [run for run in runs if run.state not in RUN_ENDED]
    return WaitingView(gate, pause, queued, waiting, working)


def begin_of(text: str, now: datetime) -> datetime:
    """`2h` ago, or a time with its zone. Raises PluginError."""
    if found := _SPAN.fullmatch(text):
        return now - timedelta(**{_UNITS[found[2]]: int(found[1])})
    at = from_text(text)
    if at is None:
        raise PluginError(
            f"--since {text} is neither a span nor a time with a zone",
            "write it like 2h, 3d or 2026-11-23T00:00:00Z",
            ExitCode.USAGE,
        )
    return at


def _queued(client: ExecutorClient) -> list[OrderDocument]:
    """In the order of acceptance; of those that a person has given up there is nothing to do."""
    found = chain.from_iterable(client.orders(state=state, page_size=PAGE) for state in QUEUED)
    waits = (order for order in found if order.resolution is None)
    return sorted(waits, key=lambda order: order.accepted_at)


def _newest(
    plugin: Plugin,
    connection: ExecutorConnection,
    wanted: OrderChoice,
    *,
    begin: datetime | None,
    last: int,
) -> list[OrderDocument]:
    """The last so many, 0 for all, oldest first."""

    def read(client: ExecutorClient) -> list[OrderDocument]:
        if not last:
            return list(_found(client, wanted, begin, PAGE))
        try:
            newest = _found(client, wanted, begin, min(last, PAGE), newest_first=True)
            return list(islice(newest, last))[::-1]
        except RefusedError as error:
            if error.code != _NOT_KNOWN:
                raise
            return list(deque(_found(client, wanted, begin, PAGE), maxlen=last))

    with plugin.terminal.error.status("reading the orders"):
        return connection.ask(read)


_NOT_KNOWN: Final = "InvalidRequest"
"""What an executor of another release says of a parameter that it does not know; of a filter that is none it says it again."""


def _found(
    client: ExecutorClient,
    wanted: OrderChoice,
    begin: datetime | None,
    size: int,
    *,
    newest_first: bool = False,
) -> Iterator[OrderDocument]:
    """The orders that are meant, from pages of this size."""
    return client.orders(
        state=wanted.state,
        account=wanted.account,
        symbol=wanted.symbol,
        client_reference=wanted.reference,
        since=begin,
        newest_first=newest_first,
        page_size=size,
    )


def _watch(
    plugin: Plugin,
    connection: ExecutorConnection,
    wanted: OrderChoice,
    *,
    begin: datetime | None,
    last: int,
    output: Output,
) -> None:
    """What there is, then each change, until Ctrl-C."""
    terminal = plugin.terminal

    def show(order: OrderDocument) -> None:
        if output is Output.TABLE:
            terminal.out.print(order_line(order), soft_wrap=True, highlight=False)
        else:
            show_each(terminal, plain(order), output)

    def begun() -> None:
        for order in _newest(plugin, connection, wanted, begin=begin, last=last):
            show(order)

    for order in changed_orders(connection, wanted, begun):
        show(order)
