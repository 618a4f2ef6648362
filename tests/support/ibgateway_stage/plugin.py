"""`kubectl ibgateway` as a person calls it: kubectl finds the program on PATH and runs it."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ibgateway_stage.stage import Stage
from plugin_fakes.at_terminal import hears_ctrl_c

ROOT: Final = Path(__file__).parents[3]
_ROOMS: Final = ("api", "client", "cli")


@dataclass(frozen=True)
class PluginAnswer:
    """How a command ended: its exit code, its answer, and what it said beside it."""

    code: int
    out: str
    error: str

    def json(self) -> Any:
        """The answer of a command with `-o json`."""
        return json.loads(self.out)


@dataclass(frozen=True)
class CalledPlugin:
    """The plugin of this checkout in the namespace of a stage; `folder` gets the program that kubectl looks for."""

    stage: Stage
    folder: Path

    def install(self) -> None:
        """A program that kubectl takes for its plugin."""
        rooms = ":".join(str(ROOT / room) for room in _ROOMS)
        program = self.folder / "kubectl-ibgateway"
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={rooms} exec {sys.executable} -m ibgateway_cli "$@"\n'
        )
        program.chmod(0o755)

    def run(self, *words: str, seconds: float = 300) -> PluginAnswer:
        """One command to its end."""
        done = subprocess.run(
            self._call(words),
            env=self._environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )
        return PluginAnswer(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """One command that goes on; it is ended with the context."""
        with subprocess.Popen(
            self._call(words),
            env=self._environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=hears_ctrl_c,  # noqa: PLW1509 - one system call, no lock
        ) as process:
            try:
                yield process
            finally:
                process.terminate()

    def _call(self, words: tuple[str, ...]) -> list[str]:
        place = (f"--namespace={self.stage.namespace}", f"--context=kind-{self.stage.cluster.name}")
        return ["kubectl", "ibgateway", *words, *place]

    @property
    def _environ(self) -> dict[str, str]:
        environ = dict(self.stage.cluster.environ)
        return {**environ, "PATH": f"{self.folder}:{environ['PATH']}", "NO_COLOR": "1"}
