"""Shows a person what is going on: a progress bar on a terminal, plain lines elsewhere.

Steps never overlap. Nothing here decides anything, so a silent reporter changes no behaviour.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table


@dataclass
class Step:
    """One piece of work being shown; `advance` moves its bar and names the current item."""

    progress: Progress | None
    task: int = 0

    def advance(self, item: str) -> None:
        """One more item is done; `item` names what is being worked on."""
        if self.progress is not None:
            self.progress.update(self.progress.task_ids[self.task], advance=1, item=item[-60:])


@dataclass
class Reporter:
    """Writes to `console`; remembers how many seconds each finished step took."""

    console: Console = field(default_factory=lambda: Console(stderr=True))
    seconds: dict[str, float] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """One plain line."""
        self.console.print(text, highlight=False, markup=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str, total: int | None = None) -> Iterator[Step]:
        """Show `title` while the body runs, and its duration afterwards; `total` items if known."""
        started = time.monotonic()
        if self.console.is_terminal:
            with _bar(self.console) as progress:
                progress.add_task(title, total=total, item="")
                yield Step(progress)
        else:
            self.say(f"{title} ...")
            yield Step(None)
        self.seconds[title] = time.monotonic() - started
        self.say(f"{title}: {self.seconds[title]:.1f} s")

    def table(self) -> Table:
        """What was done and how long it took, in order."""
        table = Table("step", "seconds")
        for title, seconds in self.seconds.items():
            table.add_row(title, f"{seconds:.1f}")
        return table


def _bar(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[item]}"),
        console=console,
        transient=True,
    )
