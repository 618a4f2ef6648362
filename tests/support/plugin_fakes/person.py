"""A person at a terminal of fixed width, with a clock that moves only while a command sleeps."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from rich.console import Console
from typer.testing import CliRunner

from ibgateway_cli.app import Plugin
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.main import PROGRAM, app
from ibgateway_cli.terminal.terminal import Terminal, TerminalConsole
from plugin_fakes.executor import FakeExecutor
from plugin_fakes.kubectl import FakeKubectl
from plugin_fakes.objects import Json, gateway_object, secret_object

WIDTH = 100


@dataclass(frozen=True)
class Invoked:
    """How a command ended: its exit code, the answer, and what was said beside it."""

    code: int
    out: str
    error: str
    screen: str
    """Both, in the order in which they came, with what the person has typed."""

    def golden(self) -> str:
        """All of it, for a file."""
        return f"{self.screen}(exit code {self.code})"


class _Copied(io.StringIO):
    """What is written goes to the screen too."""

    def __init__(self, screen: io.StringIO) -> None:
        super().__init__()
        self._screen = screen

    def write(self, text: str) -> int:
        self._screen.write(text)
        return super().write(text)


@dataclass
class PluginWorld:
    """A gateway `paper` that trades, its Secrets, its executor, and who sits there."""

    kubectl: FakeKubectl = field(default_factory=FakeKubectl)
    executor: FakeExecutor = field(default_factory=FakeExecutor)
    person: bool = True
    answers: list[str] = field(default_factory=list)
    """What the person types, line by line."""
    now: datetime = datetime(2026, 12, 2, 8, 0, tzinfo=UTC)
    later: list[Callable[[], object]] = field(default_factory=list)
    """What happens in the cluster, one at each sleep; after the last one the person presses Ctrl-C."""
    width: int = WIDTH

    def __post_init__(self) -> None:
        token = secret_object("paper-agent-token", token="agent-token-canary-11")
        client = secret_object("paper-executor-token", token="client-token-canary-22")
        self.kubectl.add(gateway_object(), token, client)

    def becomes(self, status: Json, **spec: object) -> Callable[[], None]:
        """For `later`: the operator writes this status, with what it took of the request."""

        def change() -> None:
            before = self.kubectl.objects["ibgateway", "paper"]
            after = {**before, "status": status, "spec": {**before["spec"], **spec}}
            self.kubectl.objects["ibgateway", "paper"] = after

        return change

    def run(self, *arguments: str) -> Invoked:
        """One call of the plugin."""
        return self._invoke(list(arguments), {})

    def complete(self, line: str) -> list[str]:
        """What a bash offers behind this line."""
        words = {
            "_KUBECTL_IBGATEWAY_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(line.split(" ")) - 1),
        }
        return self._invoke([], words).out.split()

    def _invoke(self, arguments: list[str], environ: dict[str, str]) -> Invoked:
        screen = io.StringIO()
        out, error = _Copied(screen), _Copied(screen)
        terminal = Terminal(
            out=self._console(out),
            error=self._console(error),
            person=self.person,
            now=lambda: self.now,
            sleep=self._sleep,
            answer=lambda: self._typed(screen),
        )
        plugin = Plugin(Cluster(run=self.kubectl), terminal, self.executor.transport())
        done = CliRunner().invoke(app, arguments, obj=plugin, prog_name=PROGRAM, env=environ)
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return Invoked(
            code=done.exit_code,
            out=f"{out.getvalue()}{done.stdout}",
            error=f"{error.getvalue()}{done.stderr}",
            screen=f"{screen.getvalue()}{done.output}",
        )

    def _typed(self, screen: io.StringIO) -> str:
        line = self.answers.pop(0)
        screen.write(line)
        return line

    def _console(self, file: io.StringIO) -> Console:
        return TerminalConsole(file=file, width=self.width, force_terminal=False, color_system=None)

    def _sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        if not self.later:
            raise KeyboardInterrupt
        self.later.pop(0)()
