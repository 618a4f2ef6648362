"""A span of years as one process lives it; several of them run at once."""

import gc
import logging
import os
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from week_world.life import Disk, Life
from week_world.tally import Tally
from week_world.truth import Truth
from week_world.virtual_time import run_virtually
from week_world.world import week_world

MEMORY = Path("/dev/shm")
"""Where a file costs no disk: a look writes and reads several."""


@dataclass(frozen=True)
class Years:
    """`start` is a Saturday noon in New York; `host_zone` the zone of the machine."""

    start: datetime
    weeks: int
    host_zone: str
    seed: int
    incidents: int = 2


def live(years: Years) -> Tally:
    """Live through them in a process that does nothing else: the zone and the disk are its own."""
    logging.disable()
    gc.freeze()  # modules stay: every full collection would walk through them again
    os.environ["TZ"] = years.host_zone
    time.tzset()
    disk = Disk()
    os.fsync = disk.fsync  # type: ignore[assignment] # the disk of this process
    folder = Path(tempfile.mkdtemp(prefix="years-", dir=MEMORY if MEMORY.is_dir() else None))
    try:
        return run_virtually(_live(years, folder, disk))
    finally:
        shutil.rmtree(folder)


async def _live(years: Years, folder: Path, disk: Disk) -> Tally:
    async with week_world(folder, years.start, years.seed) as world:
        truth = Truth(world)
        life = Life(world, truth, disk)

        def watch() -> None:
            life.look()
            truth.look()

        world.watch = watch
        for week in range(years.weeks):
            await world.until(years.start + timedelta(weeks=week))
            await life.week(years.incidents)
        return truth.tally
