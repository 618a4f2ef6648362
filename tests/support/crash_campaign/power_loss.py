"""A loss of power: what was written and not synced is gone.

A library preloaded into the process copies each file of its data folder when it is synced; `lose` puts these copies
in the folder's place. A copy holds the whole file, so a file is as its last sync has left it.
"""

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("synced_copy.c")


class PowerLoss:
    """For one data folder; `environment` goes to the process that writes there."""

    def __init__(self, data: Path, folder: Path) -> None:
        self._data = data
        self._synced = folder / "synced"
        self._synced.mkdir()
        library = folder / "synced_copy.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, SOURCE, "-ldl"],
            check=True,
        )
        self.environment = {
            "LD_PRELOAD": str(library),
            "SYNCED_FROM": str(data),
            "SYNCED_TO": str(self._synced),
        }

    def lose(self) -> int:
        """Power is lost after the process has ended: bytes that were never synced, by the files' sizes."""
        before = _sizes(self._data)
        shutil.rmtree(self._data, ignore_errors=True)
        self._data.mkdir()
        for file in self._synced.iterdir():
            if file.name.startswith("."):
                file.unlink()
            else:
                shutil.copy(file, self._data)
        return max(0, before - _sizes(self._data))


def _sizes(folder: Path) -> int:
    files = folder.iterdir() if folder.is_dir() else ()
    return sum(file.stat().st_size for file in files if file.suffix != ".db-shm" and file.is_file())
