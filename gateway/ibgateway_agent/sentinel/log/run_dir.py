"""What the wrapper and the preStop hook leave in the run directory, and the directory's own name."""

import secrets
from functools import lru_cache
from pathlib import Path

from ibgateway_agent.sentinel.log.wrapper_state import WrapperState, parse


@lru_cache(maxsize=32)
def run_file(run_dir: Path, name: str) -> Path:
    """A file of the run directory: kept, because each look asks for the same ones, many times a second."""
    return run_dir / name


def wrapper_state(run_dir: Path) -> WrapperState | None:
    """The wrapper's state; None before its first start."""
    try:
        return parse(run_file(run_dir, "wrapper").read_text())
    except (OSError, UnicodeDecodeError):
        return None


def sign_of_life(run_dir: Path) -> str:
    """The start that waits and its count, as far as they are written; empty for none."""
    try:
        return run_file(run_dir, "alive").read_text().strip()
    except (OSError, UnicodeDecodeError):
        return ""


def had_permit(run_dir: Path) -> bool:
    """Whether the wrapper of this pod was ever seen with a permit."""
    wrapper = wrapper_state(run_dir)
    return wrapper is not None and wrapper.permit > 0


def planned_stop(run_dir: Path) -> bool:
    """Whether the preStop hook has begun."""
    return run_file(run_dir, "planned-stop").exists()


def tell_drained(run_dir: Path) -> None:
    """Let the preStop hook go on; raises OSError."""
    (run_dir / "drained").touch()


def run_id(run_dir: Path) -> str:
    """The name of this run directory, given to it by the first sentinel that sees it."""
    path = run_dir / "run-id"
    if not path.exists() or not path.read_text().strip():
        aside = run_dir / "run-id.new"
        aside.write_text(secrets.token_hex(8))
        aside.replace(path)
    return path.read_text().strip()
