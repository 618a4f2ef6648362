"""Whether a checkout is what its commit says."""

import os
import subprocess
from pathlib import Path
from typing import Final

_STATUS: Final = ("git", "status", "--porcelain", "--untracked-files=all", "--no-renames", "-z")


def changes(root: Path) -> list[str]:
    """Files that differ from the commit, and those that it has not; none where `root` is no checkout, as sources from an archive."""
    if not (root / ".git").exists():
        return []
    said = subprocess.check_output(_STATUS, cwd=root, env=_environ(), text=True, timeout=60)
    return [entry[3:] for entry in said.split("\0") if entry]


def _environ() -> dict[str, str]:
    """Without what a hook of git, or whoever works in another checkout, has set for that one."""
    kept = ("GIT_CONFIG", "GIT_EXEC_PATH")
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name.startswith(kept)
    }
