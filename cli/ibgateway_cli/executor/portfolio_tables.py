"""What accounts hold and are worth, and what was executed, as tables. Pure."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ibgateway_api.executor_documents import (
    AccountDocument,
    DatedDocument,
    ExecutionPage,
    PositionPage,
)
from ibgateway_cli.executor.cells import (
    NOTHING,
    columns,
    contract,
    facts,
    moment,
    money,
    quantity,
    state,
    words,
)


def positions_page(page: PositionPage) -> RenderableType:
    """What the accounts hold."""
    table = columns(
        *("ACCOUNT", "CONTRACT", "QUANTITY", "AVERAGE COST"), right=("QUANTITY", "AVERAGE COST")
    )
    for held in page.positions:
        table.add_row(
            words(held.account),
            words(contract(held.contract)),
            quantity(held.quantity),
            quantity(held.average_cost),
        )
    return _dated(page, table)


def account_page(account: AccountDocument) -> RenderableType:
    """What an account is worth."""
    cash = ", ".join(f"{money(amount)} {name}" for name, amount in account.cash.items())
    values = (
        ("value", account.net_liquidation),
        ("cash", account.total_cash),
        ("settled cash", account.settled_cash),
        ("available", account.available_funds),
        ("buying power", account.buying_power),
    )
    told = [
        ("account", f"{account.account} ({account.settlement})"),
        *(
            (name, NOTHING if amount is None else f"{money(amount)} {account.currency}")
            for name, amount in values
        ),
        ("by currency", cash),
    ]
    return _dated(account, facts(told))


def executions_page(page: ExecutionPage) -> RenderableType:
    """What was executed today, by whomever."""
    names = ("AT", "ACCOUNT", "SIDE", "QUANTITY", "CONTRACT", "PRICE", "ORDERREF")
    table = columns(*names, right=("QUANTITY", "PRICE"))
    for made in page.executions:
        table.add_row(
            moment(made.at),
            words(made.account),
            state(made.side),
            quantity(made.quantity),
            words(contract(made.contract)),
            quantity(made.price),
            words(made.order_ref or "by hand"),
        )
    return _dated(page, table)


def _dated(document: DatedDocument, table: Table) -> RenderableType:
    """With the time of what IBKR told, and why it is not of now."""
    as_of = f"as of {moment(document.as_of)}"
    if document.problem:
        return Group(table, Text(f"{as_of}, not of now: ", style="red") + words(document.problem))
    return Group(table, as_of)
