"""Options that several commands about orders share, and how their answers are written."""

import json
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from ibgateway_api.document import Document
from ibgateway_cli.app import gateway_names
from ibgateway_cli.executor.connection import TradingGateway
from ibgateway_cli.terminal.output import Output, text
from ibgateway_cli.terminal.terminal import Terminal

GatewayOption = Annotated[
    str | None,
    typer.Option(
        "--gateway",
        "-g",
        metavar="GATEWAY",
        help="The IBGateway; the only one of the namespace may be left out.",
        autocompletion=gateway_names,
        show_default=False,
    ),
]
"""Where the arguments are an order's, a gateway's name is an option."""
AccountOption = Annotated[
    str | None, typer.Option(metavar="ID", help="The account.", show_default=False)
]
KeyOption = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        help="The Idempotency-Key of an earlier call whose answer was lost; without it a new one is made.",
        show_default=False,
    ),
]


def plain(document: Document) -> dict[str, Any]:
    """As JSON has it."""
    found: dict[str, Any] = document.model_dump(mode="json", by_alias=True)
    return found


def show_each(terminal: Terminal, document: Mapping[str, Any], output: Output) -> None:
    """One of many answers that follow each other: a line of JSON, or a document of YAML."""
    written = json.dumps(document, ensure_ascii=False)
    if output is Output.YAML:
        written = f"---\n{text(document, output).rstrip()}"
    terminal.out.print(written, soft_wrap=True, highlight=False, markup=False)


def agree(terminal: Terminal, gateway: TradingGateway, what: str, *, yes: bool) -> None:
    """Say paper or live. Live asks back, and without a terminal needs `--yes`. Raises PluginError."""
    if gateway.live:
        terminal.confirm(f"{gateway}, real money: {what}.", yes=yes)
    else:
        terminal.tell(f"{gateway}: {what}.")
