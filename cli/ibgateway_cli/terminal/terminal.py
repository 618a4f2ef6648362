"""The person's side: where is printed and asked, and the clock; all of it given, so that a test records it."""

import io
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TextIO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.terminal.output import Output, show

WIDE: Final = 160
"""Columns of what goes into a file or a pipe."""
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class TerminalConsole(Console):
    """Shows words of the cluster as they are: nothing in them is markup, an emoji's name, or moves the terminal."""

    def __init__(self, **rest: Any) -> None:
        super().__init__(markup=False, emoji=False, highlight=False, **rest)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """As rich does, without control characters that are not rich's own."""
        for text, style, control in super().render(renderable, options):
            yield Segment(text if control else _CONTROL.sub("", text), style, control)


@dataclass(frozen=True)
class Terminal:
    """Answers go to `out`, progress, questions and errors to `error`. `person`: somebody reads and can answer."""

    out: Console
    error: Console
    person: bool
    now: Callable[[], datetime]
    sleep: Callable[[float], None]
    answer: Callable[[], str]
    """A line that the person types."""

    def show(self, document: Mapping[str, Any], output: Output, table: RenderableType) -> None:
        """The answer of a command."""
        show(self.out, document, output, table)

    def tell(self, words: str) -> None:
        """A sentence on the way, beside the answer."""
        self.error.print(words, highlight=False, markup=False)

    def confirm(self, costs: str, *, yes: bool) -> None:
        """Say what it costs, and go on only where a person or `--yes` says so. Raises PluginError."""
        self.tell(costs)
        if yes:
            return
        if not self.person:
            raise PluginError(
                "nobody is here to say yes: nothing was asked for",
                "add --yes where a script is to decide",
                ExitCode.USAGE,
            )
        self.error.print("Go on? [y/N] ", end="", markup=False, highlight=False)
        if self.answer().strip().lower() not in {"y", "yes"}:
            raise PluginError("nothing was asked for")

    @contextmanager
    def progress(self, words: str) -> Iterator[Callable[[str], None]]:
        """A line that moves while it takes its time; the function changes its words. Without a person: a line a change."""
        if not self.person:
            said = [words]
            self.tell(words)

            def tell_once(new: str) -> None:
                if new != said[-1]:
                    said.append(new)
                    self.tell(new)

            yield tell_once
            return
        with self.error.status(Text(words)) as status:
            yield lambda new: status.update(Text(new))


def this_terminal() -> Terminal:
    """The terminal of this process."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(
                errors="replace"
            )  # what its encoding does not have is a question mark
    return Terminal(
        out=TerminalConsole(width=None if _shows(sys.stdout) else WIDE),
        error=TerminalConsole(stderr=True, width=None if _shows(sys.stderr) else WIDE),
        person=_shows(sys.stdin) and _shows(sys.stderr),
        now=lambda: datetime.now(UTC),
        sleep=time.sleep,
        answer=_typed,
    )


def _typed() -> str:
    """A line of the input; none where it was closed."""
    return sys.stdin.readline() if sys.stdin else ""


def _shows(stream: TextIO | None) -> bool:
    """Whether a person is at its other end; None is a stream that was closed before the start."""
    return stream is not None and stream.isatty()
