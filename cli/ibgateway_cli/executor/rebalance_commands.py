"""`rebalance FILE` and `rebalances`: an account is traded towards its target weights."""

import secrets
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from ibgateway.client import ExecutorClient, PlacedRebalance
from ibgateway_api.executor_documents import OrderDocument
from ibgateway_api.order_ids import rebalance_uid
from ibgateway_api.rebalance_documents import PlannedRebalance, RebalanceDocument
from ibgateway_cli.app import OutputOption, YesOption, plugin_of
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.connection import ExecutorConnection, TradingGateway, connected
from ibgateway_cli.executor.following import ended_rebalance, run_of
from ibgateway_cli.executor.options import AccountOption, GatewayOption, KeyOption, plain
from ibgateway_cli.executor.order_tables import one_line
from ibgateway_cli.executor.placement import new_key
from ibgateway_cli.executor.problems import sentence
from ibgateway_cli.executor.rebalance_tables import plan_page, run_line, run_page, runs_table
from ibgateway_cli.executor.stored import seen_through, stored_once
from ibgateway_cli.executor.targets_file import rebalance_body
from ibgateway_cli.terminal.output import Output
from ibgateway_cli.terminal.terminal import Terminal


def rebalance(
    context: typer.Context,
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="Target weights, YAML or JSON.", exists=True, dir_okay=False
        ),
    ],
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done.", show_default=False)
    ] = False,
    account: AccountOption = None,
    gateway: GatewayOption = None,
    key: KeyOption = None,
    yes: YesOption = False,
    output: OutputOption = Output.TABLE,
) -> None:
    """Trade an account towards the weights of a file: shown, asked for, and followed to its report."""
    body = rebalance_body(file.read_bytes(), account=account)
    plugin = plugin_of(context)
    with connected(plugin, gateway, places=not dry_run) as (trading, connection):
        if dry_run:
            plan = _planned(plugin.terminal, connection, body)
            plugin.terminal.tell(f"{trading}: nothing is stored or sent.")
            plugin.terminal.show(plain(plan), output, plan_page(plan))
            return
        known = key is not None and _is_stored(plugin.terminal, trading, connection, key)
        if not known:
            plan = _planned(plugin.terminal, connection, body)
            _show_first(plugin.terminal, plan, output)
            if not _agreed(plugin.terminal, trading, plan, key=key, yes=yes):
                if output is not Output.TABLE:
                    plugin.terminal.show(plain(plan), output, "")
                return
        run = _begun(plugin.terminal, connection, body, key)
        with seen_through("rebalance", run.id):
            run = _followed(plugin.terminal, connection, run)
    plugin.terminal.show(plain(run), output, run_page(run))
    _end(run)


def rebalances(
    context: typer.Context,
    run_id: Annotated[
        str | None, typer.Argument(metavar="[REBALANCE]", help="One, with its report.")
    ] = None,
    *,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Until it has ended.", show_default=False)
    ] = False,
    gateway: GatewayOption = None,
    output: OutputOption = Output.TABLE,
) -> None:
    """List rebalances, or show one and follow it."""
    plugin = plugin_of(context)
    with connected(plugin, gateway) as (_, connection):
        if run_id is None:
            runs = connection.ask(lambda client: list(client.rebalances()))
            document = {"rebalances": [plain(run) for run in runs]}
            plugin.terminal.show(document, output, runs_table(runs) if runs else "No rebalances.")
            return
        run = connection.ask(run_of(run_id))
        if follow:
            run = _followed(plugin.terminal, connection, run)
    plugin.terminal.show(plain(run), output, run_page(run))
    if follow:
        _end(run)


def _is_stored(
    terminal: Terminal, trading: TradingGateway, connection: ExecutorConnection, key: str
) -> bool:
    """Whether the key of an earlier call has its rebalance: then nothing is to be planned or asked, as nothing new begins.

    What such a rebalance has begun is just what a new plan would object to.
    """
    run_id = rebalance_uid(key, gateway=trading.name, namespace=trading.namespace)
    try:
        run = connection.ask(run_of(run_id))
    except PluginError as error:
        if error.exit_code is not ExitCode.NOT_FOUND:
            raise
        return False
    terminal.tell(f"{trading}: the {run_line(run).plain}.")
    return True


def _planned(
    terminal: Terminal, connection: ExecutorConnection, body: dict[str, Any]
) -> PlannedRebalance:
    with terminal.error.status("asking IBKR for positions, cash and prices"):
        return connection.ask(lambda client: client.preview(body))


def _show_first(terminal: Terminal, plan: PlannedRebalance, output: Output) -> None:
    """The plan, beside the answer where that is for a program."""
    console = terminal.out if output is Output.TABLE else terminal.error
    console.print(plan_page(plan), highlight=False)


def _agreed(
    terminal: Terminal,
    trading: TradingGateway,
    plan: PlannedRebalance,
    *,
    key: str | None,
    yes: bool,
) -> bool:
    """Whether it is to be stored; False where there is nothing to do. Raises PluginError."""
    stored = f"nothing was stored under the key {key}" if key else "nothing was stored"
    if plan.objections:
        reasons = "; ".join(f"{o.reason}: {o.message}" for o in plan.objections)
        raise PluginError(
            f"nothing of it would be traded now: {sentence(reasons)}",
            f"take that out of the way, then ask again: {stored}",
            ExitCode.REFUSED,
        )
    if not plan.orders:
        terminal.tell(f"There is nothing to trade: {stored}.")
        return False
    money = ", real money" if trading.live else ""
    terminal.confirm(
        f"{trading}{money}: {len(plan.orders)} market orders in account {plan.account}, sells first."
        " They are decided anew at the prices of the moment at which it begins.",
        yes=yes,
    )
    return True


def _begun(
    terminal: Terminal, connection: ExecutorConnection, body: dict[str, Any], key: str | None
) -> RebalanceDocument:
    """The stored rebalance. Raises PluginError, also where another one of the account has not ended."""
    named = key or new_key(terminal.now(), secrets.token_hex(6))
    terminal.tell(f"Idempotency-Key: {named}")
    call = partial(_placed, body, named)
    placed = stored_once(connection, call, what="rebalance", key=named)
    if not placed.new:
        terminal.tell(f"It was stored before under this key: rebalance {placed.run.id}.")
    return placed.run


def _placed(body: dict[str, Any], key: str, client: ExecutorClient) -> PlacedRebalance:
    return client.place_rebalance(body, key=key)


def _followed(
    terminal: Terminal, connection: ExecutorConnection, run: RebalanceDocument
) -> RebalanceDocument:
    """The rebalance once it has ended; Ctrl-C stops looking and nothing else."""
    terminal.tell(f"Ctrl-C stops looking; kubectl ibgateway cancel {run.id} ends the rebalance.")
    with terminal.progress(run_line(run).plain) as say:
        return ended_rebalance(
            connection,
            run.id,
            say=lambda now: say(run_line(now).plain),
            moved=lambda order: terminal.tell(_moved(order)),
        )


def _moved(order: OrderDocument) -> str:
    filled = f", {order.filled_quantity:f} filled" if order.filled_quantity else ""
    price = f" at {order.average_price:f}" if order.average_price is not None else ""
    return f"{one_line(order)} is {order.state}{filled}{price}"


def _end(run: RebalanceDocument) -> None:
    """The exit code of a rebalance that was followed."""
    if run.state == "Completed" and run.reason != "NotAllFilled":
        return
    said = ", ".join(part for part in (run.state, run.reason, sentence(run.message)) if part)
    code = {
        "Refused": ExitCode.REFUSED,
        "OtherOrders": ExitCode.REFUSED,
        "UnknownOrder": ExitCode.UNANSWERED,
    }.get(run.reason, ExitCode.FAILED)
    raise PluginError(
        f"the rebalance is {said}", f"kubectl ibgateway history {run.id} shows how it came", code
    )
