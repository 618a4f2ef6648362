"""Runs other programs and turns their failures into this tool's errors.

The only module that starts short-lived processes; long-lived ones (dockerd) are engine.py's.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from ibgateway_cluster.errors import CommandError, DiskFullError, UnsupportedError

_SETPRIV = "setpriv"
_NO_SPACE = "no space left on device"


def run(
    argv: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str | None = None,
    timeout: float | None = None,
) -> str:
    """Run `argv` to its end and give its standard output.

    Raises `CommandError` (non-zero exit, time-out), `DiskFullError` (it said so), `UnsupportedError` (missing).
    """
    try:
        done = subprocess.run(
            bound(argv, env),
            env=None if env is None else dict(env),
            cwd=cwd,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
    except FileNotFoundError as error:
        raise UnsupportedError(f"{argv[0]} is not installed") from error
    except subprocess.TimeoutExpired as error:
        raise CommandError(argv, -1, f"no end after {timeout} s") from error
    if done.returncode:
        raise failure(argv, done.returncode, done.stdout + done.stderr)
    return done.stdout


def succeeds(argv: Sequence[str], *, env: Mapping[str, str] | None = None) -> bool:
    """Whether `argv` exists and ends with 0 within a minute."""
    try:
        run(argv, env=env, timeout=60)
    except (CommandError, UnsupportedError):
        return False
    return True


def stream(
    argv: Sequence[str],
    on_line: Callable[[str], None],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> None:
    """Run `argv`, give each line of its output (both streams) to `on_line` as it comes.

    Raises as `run` does. The process is ended when `on_line` or a signal raises.
    """
    lines: list[str] = []
    try:
        process = subprocess.Popen(
            bound(argv, env),
            env=None if env is None else dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except FileNotFoundError as error:
        raise UnsupportedError(f"{argv[0]} is not installed") from error
    with process:
        try:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                on_line(line.rstrip("\n"))
        except BaseException:
            process.terminate()
            raise
    if process.returncode:
        raise failure(argv, process.returncode, "".join(lines[-200:]))


def bound(argv: Sequence[str], env: Mapping[str, str] | None) -> list[str]:
    """`argv` such that it ends with us, even when we are killed: nothing goes on behind our lock."""
    path = (os.environ if env is None else env).get("PATH")
    if shutil.which(argv[0], path=path) is None or shutil.which(_SETPRIV, path=path) is None:
        return list(argv)
    return [_SETPRIV, "--pdeathsig", "KILL", "--", *argv]


def failure(argv: Sequence[str], returncode: int, output: str) -> CommandError | DiskFullError:
    """The error for a failed program; a full disk is told apart because its cure differs."""
    if _NO_SPACE in output.lower():
        return DiskFullError(
            f"no space left on the disk while running {argv[0]}: free some and try again"
        )
    return CommandError(argv, returncode, output)
