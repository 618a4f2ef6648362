"""What every command of `make` has around it."""

import os
import pwd
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]


def seen(name: str, **environ: str) -> str:
    """A variable as make's commands see it."""
    done = subprocess.run(
        ["make", "--silent", "--eval", f"show: ; @echo $${name}", "show"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_shell_without_a_home_has_the_users() -> None:
    assert seen("HOME") == pwd.getpwuid(os.geteuid()).pw_dir


def test_a_home_that_is_there_stays() -> None:
    assert seen("HOME", HOME="/somewhere/else") == "/somewhere/else"
