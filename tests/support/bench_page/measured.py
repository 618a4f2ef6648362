"""What one benchmark found out, as it is kept: figures beside their aims, and curves of growth."""

import platform
import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import psutil
from pydantic import BaseModel, ConfigDict

ROOT: Final = Path(__file__).parents[3]
FOLDER: Final = ROOT / "docs" / "performance"


class Document(BaseModel):
    """Strict and frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(Document):
    """One measured value. `aim` is the most it may be, or with `at_least` the least; None where none was set.

    `beside` is what was measured with it in the same run: the bare loop, bare commits, bare ib_async.
    """

    what: str
    value: float | None
    unit: str = ""
    aim: float | None = None
    at_least: bool = False
    beside: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the aim is met; None without one. What was not measured has not met it."""
        if self.aim is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.aim if self.at_least else self.value <= self.aim


class Chart(Document):
    """Curves over the same `x`; a None is a point that was not measured. `name` becomes the file's."""

    name: str
    title: str
    x_title: str
    unit: str
    x: tuple[float, ...]
    curves: dict[str, tuple[float | None, ...]]


class Measured(Document):
    """A benchmark's run: `method` in a sentence or two, `text` with what the figures do not say."""

    title: str
    command: str
    method: str
    figures: tuple[Figure, ...]
    charts: tuple[Chart, ...] = ()
    text: str = ""
    date: str = ""
    commit: str = ""
    machine: str = ""


def save(name: str, measured: Measured) -> None:
    """Keep it as docs/performance/NAME.json with the date, the commit and the machine of now."""
    stamped = measured.model_copy(
        update={
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "commit": commit(),
            "machine": machine(),
        }
    )
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.json").write_text(stamped.model_dump_json(indent=1) + "\n")


def commit() -> str:
    """The commit that is checked out, with "and changes" where the tree differs."""
    git = ["git", "-C", str(ROOT)]
    head = subprocess.run(
        [*git, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True
    )
    changed = subprocess.run(
        [*git, "status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"],
        capture_output=True,
        text=True,
        check=True,
    )
    return head.stdout.strip() + (" and changes" if changed.stdout else "")


def machine() -> str:
    """Processor, cores, memory and kernel; no name and no path."""
    model = re.search(r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    processor = model[1].strip() if model else platform.machine()
    memory = psutil.virtual_memory().total / 2**30
    kernel = platform.release().split("-")[0]
    python = platform.python_version()
    return f"{psutil.cpu_count()} cores of {processor}, {memory:.0f} GiB, Linux {kernel}, Python {python}"
