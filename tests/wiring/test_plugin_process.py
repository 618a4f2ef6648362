"""The plugin as a process, its kubectl a script: what a shell, a pipe and a terminal do to it."""

import json
import os
import signal
import subprocess
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from plugin_fakes import gateway_object
from plugin_fakes.at_terminal import PluginTerminal, at_terminal

ROOT: Final = Path(__file__).parents[2]
SCRIPT: Final = """#!/bin/sh
echo "$*" >> {folder}/asked
case "$*" in
  *"config view"*) cat {folder}/context.json ;;
  *" patch "* | *" get ibgateways"*) cat {folder}/gateway.json ;;
  *) echo "Error from server (NotFound): none" >&2; exit 1 ;;
esac
"""
PLUGIN: Final = (sys.executable, "-m", "ibgateway_cli")
CONTEXT: Final = {"contexts": [{"name": "kind", "context": {"namespace": "trading"}}]}


@dataclass(frozen=True)
class PluginProcess:
    """How the plugin is called beside a kubectl that knows one gateway, which has no executor."""

    folder: Path

    def write(self) -> None:
        gateway = gateway_object(executor={"enabled": False})
        (self.folder / "gateway.json").write_text(json.dumps(gateway))
        (self.folder / "context.json").write_text(json.dumps(CONTEXT))
        kubectl = self.folder / "kubectl"
        kubectl.write_text(SCRIPT.format(folder=self.folder))
        kubectl.chmod(0o755)

    def started(self, *words: str, **more: Any) -> subprocess.Popen[bytes]:
        environ = self.environ(more.pop("environ", {}))
        return subprocess.Popen([*PLUGIN, *words], env=environ, **more)

    def at_terminal(
        self, *words: str, environ: dict[str, str] | None = None, answers: bool = False
    ) -> AbstractContextManager[PluginTerminal]:
        env = self.environ(environ or {})
        return at_terminal([*PLUGIN, *words], env=env, folder=self.folder, answers=answers)

    def environ(self, more: dict[str, str]) -> dict[str, str]:
        rooms = ":".join(str(ROOT / room) for room in ("api", "client", "cli"))
        path = f"{self.folder}:/usr/bin:/bin"
        return {"PATH": path, "PYTHONPATH": rooms, "TERM": "xterm", **more}

    def asked(self) -> list[str]:
        """What kubectl was asked."""
        return (self.folder / "asked").read_text().splitlines()


@pytest.fixture
def plugin(tmp_path: Path) -> PluginProcess:
    made = PluginProcess(tmp_path)
    made.write()
    return made


def test_a_reader_that_goes_away_is_no_traceback(plugin: PluginProcess) -> None:
    read, write = os.pipe()
    os.close(read)
    with plugin.started("status", "paper", stdout=write, stderr=subprocess.PIPE) as process:
        os.close(write)
        _, error = process.communicate(timeout=60)
    assert b"Traceback" not in error
    assert b"Exception" not in error


def test_streams_that_are_closed_are_nobody(plugin: PluginProcess) -> None:
    def close() -> None:
        os.close(0)
        os.close(1)

    with plugin.started("restart", "paper", stderr=subprocess.PIPE, preexec_fn=close) as process:
        _, error = process.communicate(timeout=60)
    assert (process.returncode, b"nobody is here to say yes" in error) == (2, True), error


def test_what_an_encoding_does_not_have_is_a_question_mark(plugin: PluginProcess) -> None:
    gateway = json.loads((plugin.folder / "gateway.json").read_text())
    gateway["status"]["conditions"][7] |= {
        "status": "True",
        "message": "es fehlt \N{EURO SIGN} viel",
    }
    (plugin.folder / "gateway.json").write_text(json.dumps(gateway))
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LC_ALL": "C"}
    with plugin.started(
        "status", "paper", environ=ascii_only, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, b"")
    assert b"es fehlt ? viel" in out


def test_ctrl_c_in_the_middle_of_a_question_asks_for_nothing(plugin: PluginProcess) -> None:
    with plugin.at_terminal("restart", "paper") as terminal:
        terminal.until("Go on? [y/N]")
        terminal.until_it_reads()
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.process.wait(60) == 130
    assert "Traceback" not in terminal.shown
    assert not [call for call in plugin.asked() if " patch " in call or " delete " in call]


def test_a_context_that_another_terminal_makes_current_is_not_taken(plugin: PluginProcess) -> None:
    with plugin.at_terminal("suspend", "paper") as terminal:
        terminal.until("Go on? [y/N]")
        other = {"contexts": [{"name": "production", "context": {"namespace": "live"}}]}
        (plugin.folder / "context.json").write_text(json.dumps(other))
        terminal.types("y\n")
        terminal.until("LoggedIn")
    places = {
        call.split(" ", 2)[:2] == ["--context=kind", "--namespace=trading"]
        for call in plugin.asked()[1:]
    }
    assert places == {True}
    assert [call for call in plugin.asked() if " patch " in call]


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)],
)
def test_colours_are_for_terminals_that_have_them(
    plugin: PluginProcess, environ: dict[str, str], coloured: bool
) -> None:
    with plugin.at_terminal("status", "paper", environ=environ, answers=True) as terminal:
        terminal.until("Queue")
    assert ("\x1b[32m" in terminal.shown) is coloured


@pytest.mark.parametrize("columns", ["1", "20", "80"])
def test_a_terminal_of_any_width_shows_the_status(plugin: PluginProcess, columns: str) -> None:
    with plugin.started(
        "status",
        "paper",
        environ={"COLUMNS": columns},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        out, error = process.communicate(timeout=60)
    assert (process.returncode, error, b"trading/paper" in out) == (0, b"", True), error.decode()
