"""What stands in the cells of a table: quantities, money, weights, times, contracts. Pure."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from ibgateway_api.executor_documents import ContractDocument, OrderDocument
from ibgateway_cli.terminal import times

NOTHING: Final = "-"
_LONG: Final = frozenset(("WHY", "WAITS FOR", "WHAT", "WHAT ELSE", "TERMS"))
_LEAST: Final = 8
"""What a column that is folded keeps of its width."""
_COLOURS: Final = {
    "Filled": "green",
    "Completed": "green",
    "Working": "cyan",
    "Selling": "cyan",
    "Buying": "cyan",
    "Rejected": "red",
    "Stopped": "red",
    "Unknown": "red",
    "Unverified": "red",
    "BUY": "green",
    "SELL": "yellow",
}


class RowPage(Table):
    """Cuts nothing: where a terminal is too narrow, each row's fields stand below each other."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """As rich does, or as records."""
        if self._least() <= options.max_width:
            yield from super().__rich_console__(console, options)
            return
        for cells in zip(*(column.cells for column in self.columns), strict=True):
            yield facts(zip((str(column.header) for column in self.columns), cells, strict=True))
            yield ""

    def _least(self) -> int:
        return sum(min(widths) if folded else max(widths) for folded, widths in self._widths())

    def _widths(self) -> Iterator[tuple[bool, list[int]]]:
        """Of each column: whether it is folded, and how wide its cells are."""
        for column in self.columns:
            texts = (column.header, *column.cells)
            widths = [cell_len(str(text)) + 2 for text in texts]
            yield not column.no_wrap, widths if column.no_wrap else [_LEAST + 2, max(widths)]


def columns(*names: str, right: Iterable[str] = ()) -> Table:
    """A table without lines, as kubectl's; those of `right` have numbers. What is long is folded, and nothing else."""
    table = RowPage(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for name in names:
        table.add_column(
            name,
            justify="right" if name in set(right) else "left",
            overflow="fold",
            no_wrap=name not in _LONG,
        )
    return table


def facts(pairs: Iterable[tuple[str, str | Text]]) -> Table:
    """Names and values below each other; a value that is empty is left out."""
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        if value:
            table.add_row(name, value if isinstance(value, Text) else words(value))
    return table


def words(text: str) -> Text:
    """A text that somebody else wrote: nothing of it is markup, or moves a terminal's cursor."""
    return Text("".join(sign if sign.isprintable() else " " for sign in text))


def state(name: str) -> Text:
    """A state, or a side, in its colour."""
    return Text(words(name).plain, style=_COLOURS.get(name.strip(), ""))


def quantity(number: Decimal | int | None) -> str:
    """As few digits as it has."""
    if number is None:
        return NOTHING
    text = f"{Decimal(number):,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def money(amount: Decimal | None) -> str:
    """To the hundredth."""
    return NOTHING if amount is None else f"{amount:,.2f}"


def percent(weight: Decimal) -> str:
    """A part of an account, to the hundredth of a percent."""
    return f"{weight * 100:.2f} %"


def moment(at: datetime | None) -> str:
    """To the second, in UTC."""
    return times.moment(at) if at else NOTHING


def contract(named: ContractDocument) -> str:
    """Its symbol, with what is not usual about it."""
    symbol = named.symbol or f"conId {named.con_id}"
    kind = named.sec_type if named.sec_type not in ("", "STK") else ""
    currency = named.currency if named.currency not in ("", "USD") else ""
    return " ".join(part for part in (symbol, kind, currency) if part)


def price_terms(order: OrderDocument) -> str:
    """Its type and prices: `LMT 190.25`, `STP LMT 195 limit 190`."""
    parts = [order.order_type]
    if order.stop_price is not None:
        parts.append(quantity(order.stop_price))
        if order.limit_price is not None:
            parts.append("limit")
    if order.limit_price is not None:
        parts.append(quantity(order.limit_price))
    return " ".join(parts)


def why(reason: str, message: str) -> Text:
    """A reason and its words."""
    return words(": ".join(part for part in (reason, message) if part))
