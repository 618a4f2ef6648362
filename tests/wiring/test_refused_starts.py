"""Programs that can't start: what a person reads who has set them up wrongly."""

import os
import subprocess
import sys
from pathlib import Path

import pytest


def run(program: str, *arguments: str, **env: str) -> tuple[int, list[str]]:
    """The exit code and the lines on stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", program, *arguments],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **env},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return ended.returncode, ended.stderr.splitlines()


@pytest.mark.parametrize(
    ("program", "env", "line"),
    [
        (
            "sentinel",
            {"SENTINEL_PORT": "http"},
            "sentinel: SENTINEL_PORT must be a port number from 1 to 65535, not 'http'",
        ),
        (
            "sentinel",
            {"SENTINEL_SETTINGS": "/nonexistent/sentinel.json"},
            "sentinel: /nonexistent/sentinel.json can't be read: "
            "[Errno 2] No such file or directory: '/nonexistent/sentinel.json'",
        ),
        ("console", {}, "console: CONSOLE_VNC_HOST is not set"),
    ],
)
def test_an_agent_that_can_not_run_says_why_in_one_line(
    program: str, env: dict[str, str], line: str
) -> None:
    assert run("ibgateway_agent", program, **env) == (1, [line])


def test_without_a_program_the_agent_says_which_there_are() -> None:
    assert run("ibgateway_agent") == (2, ["usage: python -m ibgateway_agent sentinel | console"])


def test_an_executor_that_can_not_run_ends_with_1_and_one_clear_line(tmp_path: Path) -> None:
    settings = tmp_path / "missing.json"
    code, (line,) = run(
        "ibgateway_executor", EXECUTOR_SETTINGS=str(settings), EXECUTOR_DATA_DIR=str(tmp_path)
    )
    assert code == 1
    assert "CRITICAL ibgateway_executor" in line
    assert "missing.json can't be read" in line
