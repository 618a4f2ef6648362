"""`order buy|sell`: an order is stored once, and waited for."""

import secrets
from enum import StrEnum
from functools import partial
from typing import Annotated, NamedTuple

import typer

from ibgateway.client import ExecutorClient, OrderRequest, PlacedOrder
from ibgateway_api.executor_documents import OrderDocument
from ibgateway_cli.app import OutputOption, Plugin, YesOption, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import ExecutorConnection, connected
from ibgateway_cli.executor.following import ended_order
from ibgateway_cli.executor.options import AccountOption, GatewayOption, KeyOption, agree, plain
from ibgateway_cli.executor.order_tables import one_line, order_facts
from ibgateway_cli.executor.placement import (
    OrderOptions,
    account_in_words,
    in_words,
    new_key,
    order_request,
    shares,
)
from ibgateway_cli.executor.problems import sentence
from ibgateway_cli.executor.stored import seen_through, stored_once
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.terminal import Terminal


class OrderSide(StrEnum):
    """What is done with shares."""

    BUY = "buy"
    SELL = "sell"


class PlacementChoice(NamedTuple):
    """How an order is placed: under which key, asked or not, waited for or not."""

    key: str | None
    yes: bool
    wait: bool
    output: Output


_Symbol = Annotated[str, typer.Argument(metavar="SYMBOL", help="IBKR's symbol, such as AAPL.")]
_Quantity = Annotated[int, typer.Argument(metavar="QUANTITY", parser=shares, help="Whole shares.")]
_Limit = Annotated[
    str | None, typer.Option(metavar="PRICE", help="The limit price.", show_default=False)
]
_Stop = Annotated[
    str | None,
    typer.Option(metavar="PRICE", help="Active from this price on.", show_default=False),
]
_Tif = Annotated[
    str | None, typer.Option(metavar="DAY|GTC|IOC|OPG", help="Time in force.", show_default=False)
]
_OnClose = Annotated[
    bool, typer.Option("--on-close", help="For the closing auction.", show_default=False)
]
_Conid = Annotated[
    int | None,
    typer.Option(metavar="NUMBER", help="IBKR's contract number.", min=1, show_default=False),
]
_Exchange = Annotated[
    str | None, typer.Option(metavar="NAME", help="Where to route: SMART.", show_default=False)
]
_Primary = Annotated[
    str | None, typer.Option(metavar="NAME", help="The listing exchange.", show_default=False)
]
_Currency = Annotated[
    str | None, typer.Option(metavar="CODE", help="The contract's: USD.", show_default=False)
]
_ValidUntil = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Last moment at which it may be sent: RFC 3339 with a zone.",
        show_default=False,
    ),
]
_NotBefore = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="First moment at which it may be sent: RFC 3339 with a zone.",
        show_default=False,
    ),
]
_Outside = Annotated[
    bool,
    typer.Option("--outside-hours", help="Outside regular hours too.", show_default=False),
]
_Reference = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="A text of yours that stays with it.", show_default=False),
]
_Wait = Annotated[
    bool, typer.Option("--wait", "-w", help="Until it has ended.", show_default=False)
]


def order(
    context: typer.Context,
    side: Annotated[OrderSide, typer.Argument(metavar="buy|sell")],
    symbol: _Symbol,
    quantity: _Quantity,
    *,
    limit: _Limit = None,
    stop: _Stop = None,
    tif: _Tif = None,
    on_close: _OnClose = False,
    account: AccountOption = None,
    conid: _Conid = None,
    exchange: _Exchange = None,
    primary_exchange: _Primary = None,
    currency: _Currency = None,
    valid_until: _ValidUntil = None,
    not_before: _NotBefore = None,
    outside_hours: _Outside = False,
    reference: _Reference = None,
    gateway: GatewayOption = None,
    key: KeyOption = None,
    wait: _Wait = False,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Place an order: stored at once, sent when it would reach the market. Live asks back."""
    said = OrderOptions(
        symbol=symbol,
        quantity=quantity,
        limit=limit,
        stop=stop,
        tif=tif,
        on_close=on_close,
        account=account,
        conid=conid,
        exchange=exchange,
        primary_exchange=primary_exchange,
        currency=currency,
        valid_until=valid_until,
        not_before=not_before,
        outside_hours=outside_hours,
        reference=reference,
    )
    choice = PlacementChoice(key, yes, wait, output)
    place(plugin_of(context), gateway, order_request(side.upper(), said), choice)


def place(plugin: Plugin, name: str | None, request: OrderRequest, choice: PlacementChoice) -> None:
    """Store one order, once, under a key that is told before anything is sent."""
    terminal = plugin.terminal
    with connected(plugin, name, places=True) as (gateway, connection):
        account = account_in_words(request.account, gateway.accounts)
        agree(terminal, gateway, f"{in_words(request)}, {account}", yes=choice.yes)
        key = choice.key or new_key(terminal.now(), secrets.token_hex(6))
        terminal.tell(f"Idempotency-Key: {key}")
        call = partial(_placed, request, key)
        placed = stored_once(connection, call, what="order", key=key)
        if not placed.new and choice.key:
            terminal.tell("It was stored before under this key: the same order.")
        made = _awaited(terminal, connection, placed.order) if choice.wait else placed.order
    document = {**plain(made), "idempotencyKey": key}
    terminal.show(document, choice.output, order_facts(made))
    if choice.wait:
        _end(made)
    else:
        terminal.tell(
            f"next: kubectl ibgateway history {made.id}, or queue to see what it waits for"
        )


def _placed(request: OrderRequest, key: str, client: ExecutorClient) -> PlacedOrder:
    return client.place(request, key=key)


def _awaited(
    terminal: Terminal, connection: ExecutorConnection, made: OrderDocument
) -> OrderDocument:
    """The order once it has ended. Raises PluginError, with its id, where that can't be seen."""
    terminal.tell(f"Stored: order {made.id}. Ctrl-C stops looking, and nothing else.")
    with seen_through("order", made.id), terminal.progress(f"order {made.id}") as say:
        return ended_order(
            connection, made.id, lambda now: say(f"{one_line(now)} is {now.state}{_why(now)}")
        )


def _end(made: OrderDocument) -> None:
    """The exit code of an order that was waited for."""
    if made.state == "Filled":
        return
    said = f"the order is {made.state}{_why(made)}"
    if made.state == "Unverified":
        step = f"look for {made.order_ref} in IBKR's own screens, then kubectl ibgateway resolve"
        raise PluginError(said, step, ExitCode.UNANSWERED)
    code = ExitCode.REFUSED if made.state == "Rejected" else ExitCode.FAILED
    raise PluginError(said, f"kubectl ibgateway history {made.id} shows what became of it", code)


def _why(made: OrderDocument) -> str:
    said = ": ".join(part for part in (made.reason, made.message or made.broker_message) if part)
    return f", {sentence(said)}" if said else ""
