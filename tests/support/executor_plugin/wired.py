"""The plugin towards a real executor process: only kubectl is a stand-in, whose port-forward is the executor's own address."""

import io
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console

from plugin_fakes import FakeExecutor, FakeKubectl, PluginWorld, secret_object


@dataclass
class ForwardedKubectl(FakeKubectl):
    """Its port-forward leads to `port` of this machine."""

    port: int = 0

    @contextmanager
    def started(
        self, arguments: Sequence[str], *, patience: float | None = None
    ) -> Iterator[Iterator[str]]:
        """A port-forward that listens at once."""
        self._called(arguments)
        self.patience.append(patience)
        yield iter([f"Forwarding from 127.0.0.1:{self.port} -> 8080\n"])
        self.ended += 1


class NetworkExecutor(FakeExecutor):
    """Reached over the network, as any other address."""

    def transport(self) -> None:
        """Httpx's own."""
        return


@dataclass
class WiredPlugin(PluginWorld):
    """A terminal whose commands run against a process; a person presses Ctrl-C once `until` has been printed."""

    kubectl: FakeKubectl = field(default_factory=ForwardedKubectl)
    executor: FakeExecutor = field(default_factory=NetworkExecutor)
    person: bool = False
    width: int = 140
    until: str = ""
    recorded: Console | None = None
    """Prints everything in the place of both outputs."""
    printed: list[str] = field(default_factory=list)
    """What was printed so far, for a command that goes on."""

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    def _console(self, file: io.StringIO) -> Console:
        return self.recorded or super()._console(_WatchedText(file, self))


class _WatchedText(io.StringIO):
    """Where a terminal writes to, until a person has seen enough."""

    def __init__(self, file: io.StringIO, plugin: WiredPlugin) -> None:
        super().__init__()
        self._file, self._plugin = file, plugin

    def write(self, text: str) -> int:
        """Write it, and interrupt."""
        self._plugin.printed.append(text)
        written = self._file.write(text)
        if self._plugin.until and self._plugin.until in text:
            raise KeyboardInterrupt
        return written


def wired(
    port: int, token: str, *, until: str = "", recorded: Console | None = None
) -> WiredPlugin:
    """The plugin whose gateway's executor listens at this port."""
    plugin = WiredPlugin(kubectl=ForwardedKubectl(port=port), until=until, recorded=recorded)
    plugin.kubectl.add(secret_object("paper-executor-token", token=token))
    return plugin
