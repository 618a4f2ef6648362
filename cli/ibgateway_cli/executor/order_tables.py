"""Orders and what became of them, as tables. Pure."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from ibgateway_api.executor_documents import HistoryEntry, OrderDocument
from ibgateway_cli.executor.cells import (
    NOTHING,
    columns,
    contract,
    facts,
    moment,
    price_terms,
    quantity,
    state,
    why,
    words,
)

_COLUMNS = ("ORDER", "ACCEPTED", "SIDE", "QUANTITY", "CONTRACT", "TERMS", "STATE", "FILLED", "WHY")


def orders_table(orders: Iterable[OrderDocument]) -> Table:
    """A line for each, in the order given."""
    table = columns(*_COLUMNS, right=("QUANTITY", "FILLED"))
    for order in orders:
        table.add_row(*order_row(order))
    return table


def order_row(order: OrderDocument) -> Sequence[str | Text]:
    """What the list shows of an order."""
    return (
        words(order.id),
        moment(order.accepted_at),
        state(order.side),
        quantity(order.quantity),
        words(contract(order.contract)),
        words(f"{price_terms(order)} {order.time_in_force}"),
        state(order.state),
        _filled(order),
        why(order.reason, order.message or order.broker_message),
    )


def order_facts(order: OrderDocument) -> Table:
    """Everything a person asks about one order."""
    return facts(
        [
            ("order", order.id),
            ("state", state(order.state)),
            ("why", why(order.reason, order.message)),
            ("IBKR says", order.broker_message),
            ("account", order.account),
            ("terms", one_line(order)),
            ("filled", _filled(order) if order.filled_quantity else ""),
            ("accepted", moment(order.accepted_at)),
            ("not before", moment(order.not_before) if order.not_before else ""),
            ("valid until", moment(order.valid_until)),
            ("sent", moment(order.sent_at) if order.sent_at else ""),
            ("orderRef", order.order_ref),
            ("rebalance", order.rebalance or ""),
            ("resolved", why(order.resolution or "", order.note or "")),
        ]
    )


def one_line(order: OrderDocument) -> str:
    """`BUY 10 AAPL LMT 190.25 DAY`."""
    hours = " outside regular hours too" if order.outside_regular_hours else ""
    return (
        f"{order.side} {quantity(order.quantity)} {contract(order.contract)}"
        f" {price_terms(order)} {order.time_in_force}{hours}"
    )


def order_line(order: OrderDocument) -> Text:
    """An order as it is now, as one line of many that follow each other."""
    line = words(f"{moment(order.updated_at or order.accepted_at)}  {order.id}  ")
    line.append_text(state(f"{order.state:<10}")).append(f"  {one_line(order)}")
    if order.filled_quantity:
        line.append(f", filled {_filled(order)}")
    said = why(order.reason, order.message or order.broker_message)
    return line.append(", ").append_text(said) if said else line


def history_table(entries: Iterable[HistoryEntry]) -> Table:
    """What became of an order or a rebalance, oldest first."""
    table = columns("AT", "FROM", "TO", "BY", "WHY", "WHAT ELSE")
    for entry in entries:
        table.add_row(
            moment(entry.at),
            entry.before or NOTHING,
            state(entry.after),
            entry.cause,
            why(entry.reason, entry.message),
            words(_evidence(entry)),
        )
    return table


def _filled(order: OrderDocument) -> str:
    filled = quantity(order.filled_quantity)
    if order.average_price is None or not order.filled_quantity:
        return filled
    return f"{filled} at {quantity(order.average_price)}"


def _evidence(entry: HistoryEntry) -> str:
    return ", ".join(
        f"{name} {value}" for name, value in entry.evidence.items() if name != "resend"
    )
