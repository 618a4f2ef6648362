"""Real consoles: the page built by the image's own script, each console a process of its own."""

import os
import shutil
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

from console_world.processes import listens, process, until
from host_processes import free_port
from ibgateway_api.console_documents import ConsoleReport

ROOT: Final = Path(__file__).parents[3]


def built_page(folder: Path) -> Path:
    """The files of /opt/novnc; npm comes from the path or, as in the image, from a Python wheel."""
    env = dict(os.environ)
    if shutil.which("npm") is None:
        wheel = ["--require-hashes", "-r", str(ROOT / "requirements" / "node.txt")]
        target = str(folder / "node")
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--target", target, *wheel]
        subprocess.run(pip, check=True)
        env["PYTHONPATH"] = target
    # npm empties the folder that it works in, and each worker of pytest has it build.
    source = folder / "console-page"
    left = shutil.ignore_patterns("node_modules")
    shutil.copytree(ROOT / "gateway" / "console-page", source, ignore=left)
    build = [str(source / "build.sh"), str(folder / "novnc")]
    subprocess.run(["sh", *build], check=True, env=env, capture_output=True)
    return folder / "novnc"


@dataclass(frozen=True)
class Console:
    """A running console."""

    port: int
    admin_port: int
    vnc_port: int
    sentinel_port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def policies(self) -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin_port}/network-policy") as answer:
            return str(answer.read().decode())


@contextmanager
def running_console(static: Path, **more: str) -> Iterator[Console]:
    """A console whose display and sentinel are free ports, where a test may put an x11vnc and a `told`."""
    console = Console(free_port(), free_port(), free_port(), free_port())
    env = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT / 'api'}:{ROOT / 'runtime'}:{ROOT / 'gateway'}",
        "CONSOLE_NAME": "trading/paper",
        "CONSOLE_MODE": "paper",
        "CONSOLE_SENTINEL_HOST": "127.0.0.1",
        "CONSOLE_SENTINEL_PORT": str(console.sentinel_port),
        "CONSOLE_VNC_HOST": "127.0.0.1",
        "CONSOLE_VNC_PORT": str(console.vnc_port),
        "CONSOLE_STATIC": str(static),
        "CONSOLE_BIND": "127.0.0.1",
        "CONSOLE_PORT": str(console.port),
        "CONSOLE_ADMIN_PORT": str(console.admin_port),
        **more,
    }
    with process(sys.executable, "-m", "ibgateway_agent", "console", env=env):
        until(lambda: listens(console.port) and listens(console.admin_port), "the console")
        yield console


@contextmanager
def told(port: int, word: Sequence[str | ConsoleReport]) -> Iterator[None]:
    """A sentinel that says the last of `word`, to which a test may add: a report, or a word of an older version."""

    class _Readyz(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said = word[-1]
            old = isinstance(said, str)
            self.send_response(404 if old and self.path == "/console" else 200)
            self.end_headers()
            self.wfile.write((said if isinstance(said, str) else _as_of_now(said)).encode())

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with ThreadingHTTPServer(("127.0.0.1", port), _Readyz) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def _as_of_now(said: ConsoleReport) -> str:
    return said.model_copy(update={"at": datetime.now(UTC)}).to_json()
