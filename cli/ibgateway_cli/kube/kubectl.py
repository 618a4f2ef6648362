"""kubectl as a process: its answer, the lines of one that goes on, and its complaints as our errors."""

import subprocess
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from ibgateway_cli.errors import ExitCode, PluginError

SECONDS: Final = 30
"""How long one answer may take; kubectl itself waits for ever."""

ENDS_WITHIN: Final = 5
"""Seconds; then it is killed."""

_LOOK: Final = "see whether kubectl get ibgateways answers"


@dataclass(frozen=True)
class Answer:
    """What a kubectl that has ended said."""

    code: int
    out: str = ""
    error: str = ""


class Kubectl(Protocol):
    """Runs kubectl: the process, or a test's stand-in. `arguments` have no program in front."""

    def __call__(self, arguments: Sequence[str], stdin: str = "") -> Answer:
        """Run it to its end."""
        ...

    def started(
        self, arguments: Sequence[str], *, patience: float | None = None
    ) -> AbstractContextManager[Iterator[str]]:
        """Its lines as they come, stdout and stderr together; it is ended with the context, or without a line in `patience`."""
        ...


class KubectlProcess:
    """The kubectl on PATH, with this process's environment: its context, login and proxies."""

    def __call__(self, arguments: Sequence[str], stdin: str = "") -> Answer:
        """Run it to its end. Raises PluginError where it is missing or hangs."""
        try:
            done = subprocess.run(
                ["kubectl", *arguments],
                input=stdin,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=SECONDS,
                check=False,
            )
        except OSError as error:
            raise _not_run(error) from error
        except subprocess.TimeoutExpired as error:
            raise PluginError(
                f"kubectl has not answered in {SECONDS} seconds", _LOOK, ExitCode.UNREACHABLE
            ) from error
        return Answer(done.returncode, done.stdout, done.stderr)

    @contextmanager
    def started(
        self, arguments: Sequence[str], *, patience: float | None = None
    ) -> Iterator[Iterator[str]]:
        """Its lines as they come. Raises PluginError where kubectl is missing."""
        try:
            process = subprocess.Popen(
                ["kubectl", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
            )
        except OSError as error:
            raise _not_run(error) from error
        with process:
            waits = threading.Timer(patience or 0, process.terminate)
            if patience is not None:
                waits.start()
            try:
                yield _lines(process.stdout or (), waits)
            finally:
                waits.cancel()
                _end(process)


def _lines(printed: Iterable[str], waits: threading.Timer) -> Iterator[str]:
    for line in printed:
        waits.cancel()
        yield line


def _end(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def failure(answer: Answer) -> PluginError:
    """What kubectl complained about, with a next step."""
    said = _one_line(answer.error)
    if "(NotFound)" in said:
        return PluginError(said, "see whether name and namespace are right", ExitCode.NOT_FOUND)
    if "(Forbidden)" in said:
        return PluginError(
            said, "ask whoever administers the namespace for this right", ExitCode.NOT_ALLOWED
        )
    if "the server doesn't have a resource type" in said:
        return PluginError(
            "this cluster knows no IBGateways",
            "install the operator: see docs/install.md",
            ExitCode.NOT_FOUND,
        )
    if any(words in said for words in _NO_SERVER):
        return PluginError(said, _LOOK, ExitCode.UNREACHABLE)
    return PluginError(said or f"kubectl ended with {answer.code}", "see what kubectl says itself")


_NO_SERVER: Final = (
    "connection refused",
    "The connection to the server",
    "Unable to connect to the server",
    "no such host",
    "i/o timeout",
    "couldn't get current server API group list",
    "unexpected EOF",
    "connection reset by peer",
    "client connection lost",
    "etcdserver: ",
    "(ServiceUnavailable)",
    "(ServerTimeout)",
    "(Timeout)",
    "must be logged in to the server",
    "context was not found",
    "cannot locate context",
    "does not exist",
    "error loading config file",
)


def _not_run(error: OSError) -> PluginError:
    missing = isinstance(error, FileNotFoundError)
    return PluginError(
        "kubectl is not on PATH" if missing else f"kubectl can't be run: {error.strerror}",
        "install it, or put its folder on PATH",
        ExitCode.UNREACHABLE,
    )


def _one_line(text: str) -> str:
    """The last line of a complaint: kubectl repeats its warnings before it."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ") if lines else ""
