"""A process at a terminal of its own: what it has shown, and what a person does there."""

import contextlib
import os
import pty
import select
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

READS_INPUT: Final = (["0", "0x0"], ["63", "0x0"])
"""read(2) of descriptor 0, by its numbers on x86-64 and arm64."""


class PluginTerminal:
    """Questions and progress are on the screen; the answer is on `process.stdout`, which is no terminal."""

    def __init__(self, process: subprocess.Popen[str], screen: int) -> None:
        self.process = process
        self.shown = ""
        self._screen = screen

    def until(self, words: str, *, seconds: float = 60) -> None:
        """Read on until they are shown."""
        deadline = time.monotonic() + seconds
        while words not in self.shown:
            ready, _, _ = select.select([self._screen], [], [], max(0, deadline - time.monotonic()))
            assert ready, f"{words!r} is not shown in {seconds} s: {self.shown}"
            self._read()

    def until_it_reads(self) -> None:
        """Wait until the process is in read(2) of its input: a signal before that is only seen with the next line."""
        call = Path(f"/proc/{self.process.pid}/syscall")
        deadline = time.monotonic() + 60
        while call.read_text().split()[:2] not in READS_INPUT:
            assert time.monotonic() < deadline, call.read_text()
            time.sleep(0.01)

    def types(self, keys: str) -> None:
        """As a person does."""
        os.write(self._screen, keys.encode())

    def answer(self) -> str:
        """What it has on its standard output in the end; the screen is read meanwhile, or it would stand still."""
        with contextlib.suppress(OSError):  # the process has closed it
            while self._read():
                pass
        assert self.process.stdout is not None
        return self.process.stdout.read()

    def _read(self) -> str:
        part = os.read(self._screen, 4096).decode(errors="replace")
        self.shown += part
        return part


@contextmanager
def at_terminal(
    call: Sequence[str], *, env: Mapping[str, str], folder: Path, answers: bool = False
) -> Iterator[PluginTerminal]:
    """A process whose input and standard error are a terminal, and with `answers` its output too; it is ended with the context."""
    screen, here = pty.openpty()
    with subprocess.Popen(
        call,
        env=env,
        cwd=folder,
        stdin=here,
        stdout=here if answers else subprocess.PIPE,
        stderr=here,
        text=True,
        start_new_session=True,
        preexec_fn=hears_ctrl_c,  # noqa: PLW1509 - one system call, no lock
    ) as process:
        os.close(here)
        try:
            yield PluginTerminal(process, screen)
        finally:
            process.terminate()
            os.close(screen)


def hears_ctrl_c() -> None:
    """A shell has what it starts in the background ignore SIGINT, and so the tests, and so what they start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
