"""A Secret as the kubelet mounts it: each state in a folder of its own, and one link that is turned to the newest."""

import itertools
import os
import shutil
from pathlib import Path


class SecretMount:
    """Files under `folder` that change all at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._states = itertools.count()
        folder.mkdir(parents=True)

    def write(self, **values: str) -> None:
        """The Secret has these values now; what it had before goes."""
        before = os.path.realpath(self.folder / "..data")
        state = self.folder / f"..state_{next(self._states)}"
        state.mkdir()
        for key, value in values.items():
            (state / key).write_bytes(value.encode())
            if not (self.folder / key).is_symlink():
                (self.folder / key).symlink_to(f"..data/{key}")
        aside = self.folder / "..data_tmp"
        aside.symlink_to(state.name)
        aside.replace(self.folder / "..data")
        shutil.rmtree(before, ignore_errors=True)
