"""The executor with ib_insync instead of ib_async: the same suites, in an environment that has no ib_async."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import pytest

from library_environments import library_environment

ROOT = Path(__file__).parents[2]
REQUIREMENTS = ROOT / "requirements" / "suite-insync.txt"
SOURCES = (
    *("api", "runtime", "operator", "gateway", "executor", "simulator"),
    *("tests/cluster", "tests/support", "client"),
)
SUITES = {
    "tests/wiring/test_executor_ib_connection.py": "what the broker interface promises",
    "tests/wiring/test_executor_with_simulator.py": "the executor's process, from an order to its fill",
    "tests/wiring/test_executor_order_types.py": "each kind of order on the wire",
}
pytestmark = [pytest.mark.clients, pytest.mark.timeout(900)]


def ran(*arguments: str) -> subprocess.CompletedProcess[str]:
    python = library_environment("suite-insync", [REQUIREMENTS])
    return subprocess.run(
        [python, *arguments],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / part) for part in SOURCES)},
        capture_output=True,
        text=True,
        check=False,
    )


async def test_the_executor_takes_the_library_that_is_there_and_says_which() -> None:
    done = await asyncio.to_thread(
        ran,
        "-c",
        "from ibgateway_executor.broker import ib; print(ib.library_name(), ib.client_log())",
    )
    assert (done.returncode, done.stdout) == (0, "ib_insync 0.9.86 ib_insync.client\n"), done.stderr
    absent = await asyncio.to_thread(ran, "-c", "import ib_async")
    assert "No module named 'ib_async'" in absent.stderr


@pytest.mark.parametrize("suite", SUITES)
async def test_a_suite_passes_with_ib_insync(suite: str) -> None:
    done = await asyncio.to_thread(ran, "-m", "pytest", "-q", "-p", "no:cacheprovider", suite)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert re.search(r"\b[1-9][0-9]* passed", done.stdout), done.stdout
