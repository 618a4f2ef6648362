"""How much room a volume has."""

import asyncio
import os
from pathlib import Path

from ibgateway_runtime.figures import VolumeSize


class VolumeWatch:
    """The size of a volume, asked beside the event loop: a volume that hangs holds up no scrape and no gate."""

    def __init__(self, folder: Path, patience: float = 1.0) -> None:
        self._folder = folder
        self._patience = patience
        self._asking: asyncio.Task[VolumeSize | None] | None = None
        self.size: VolumeSize | None = None
        """As it was told last; None where it was not, or the volume does not answer."""

    async def look(self) -> None:
        """Ask, and wait a second at most; one question at a time."""
        if self._asking is None:
            self._asking = asyncio.create_task(asyncio.to_thread(_size, self._folder))
        done, _ = await asyncio.wait([self._asking], timeout=self._patience)
        self.size = None
        if done:
            self.size, self._asking = self._asking.result(), None


def _size(folder: Path) -> VolumeSize | None:
    try:
        found = os.statvfs(folder)
    except OSError:
        return None
    return VolumeSize(
        float(found.f_blocks * found.f_frsize), float(found.f_bavail * found.f_frsize)
    )
