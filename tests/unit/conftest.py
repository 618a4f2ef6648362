"""What makes four thousand tests quick: files in memory, and collections of garbage that leave the collected tests alone."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import pytest
from hypothesis import HealthCheck, settings

MEMORY: Final = Path("/dev/shm")

# No test fails because its machine is busy: examples have no limit in milliseconds.
settings.register_profile("unit", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unit")


def pytest_collection_finish() -> None:
    """Modules and tests stay until the end: without this every full collection walks through them again."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of the test's own, gone with it. In memory: ledgers flush each write, and a disk takes its time for it."""
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with TemporaryDirectory(prefix="ibgateway-", dir=where) as folder:
        yield Path(folder).resolve()
