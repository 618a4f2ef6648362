"""What others wrote is shown as it is: on a terminal it moves nothing, and it is neither markup nor an emoji's name."""

import io
from datetime import UTC, datetime

import pytest
from rich.table import Table

from ibgateway_cli.executor.cells import columns
from ibgateway_cli.terminal.terminal import Terminal, TerminalConsole
from plugin_fakes import PluginWorld
from plugin_fakes.objects import event_object


def console(width: int = 100) -> TerminalConsole:
    return TerminalConsole(file=io.StringIO(), width=width, color_system=None)


def written(where: TerminalConsole) -> str:
    assert isinstance(where.file, io.StringIO)
    return where.file.getvalue()


def test_nothing_of_a_text_moves_the_terminal() -> None:
    shown = console()
    shown.print("a\x1b]52;c;eA==\x07b\x9b2Jc")
    assert written(shown) == "a]52;c;eA==b2Jc\n"


def test_brackets_and_colons_stay() -> None:
    shown = console()
    shown.print("Idempotency-Key: my:key:1 [red]x[/]")
    assert written(shown) == "Idempotency-Key: my:key:1 [red]x[/]\n"


def test_an_event_that_writes_to_the_terminal_is_only_shown() -> None:
    world = PluginWorld()
    world.kubectl.add(event_object(1, "IBGateway/paper", "LoggedIn", "good\x1b[2Jbad"))
    shown = world.run("events")
    assert "good[2Jbad" in shown.out
    assert "\x1b" not in shown.screen


def test_progress_takes_brackets_as_they_are() -> None:
    here = console()
    now = datetime(2026, 12, 2, tzinfo=UTC)
    terminal = Terminal(here, here, True, lambda: now, lambda _: None, str)
    with terminal.progress("order [/x]") as say:
        say("IBKR says [/y]")


def rows() -> Table:
    table = columns("ORDER", "SIDE", "QUANTITY", "WHY", right=("QUANTITY",))
    table.add_row("000000000000000000000001", "SELL", "12,345,678", "MarketClosed: opens at 14:30")
    return table


@pytest.mark.parametrize("width", [200, 80, 60, 40, 24])
def test_no_number_is_cut_on_a_narrow_terminal(width: int) -> None:
    shown = console(width)
    shown.print(rows())
    assert "12,345,678" in written(shown)
    assert "SELL" in written(shown)


def test_where_it_fits_a_row_is_a_line() -> None:
    shown = console()
    shown.print(rows())
    assert len(written(shown).splitlines()) == 2
