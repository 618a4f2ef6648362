"""`python -m ibgateway_agent`: what a person reads who has set it up wrongly."""

import os
import subprocess
import sys

import pytest


def run(*arguments: str, **env: str) -> tuple[int, list[str]]:
    """The exit code and the lines on stderr."""
    ended = subprocess.run(
        [sys.executable, "-m", "ibgateway_agent", *arguments],
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
            {"SENTINEL_SETTINGS": "/nonexistent"},
            "sentinel: /nonexistent can't be read: "
            "[Errno 2] No such file or directory: '/nonexistent'",
        ),
        ("console", {}, "console: CONSOLE_VNC_HOST is not set"),
    ],
)
def test_a_program_that_can_not_run_says_why_in_one_line(
    program: str, env: dict[str, str], line: str
) -> None:
    assert run(program, **env) == (1, [line])


def test_without_a_program_it_says_which_there_are() -> None:
    assert run() == (2, ["usage: python -m ibgateway_agent sentinel | console"])
