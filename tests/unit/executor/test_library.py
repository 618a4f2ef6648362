"""An executor imports nothing that it never uses."""

import subprocess
import sys
from pathlib import Path

EXECUTOR = """
import sys
import ibgateway_executor.run
from ibgateway_executor.broker.ib.library import ib_library
assert "numpy" not in sys.modules, "imported at the start"
"""
WITH_A_FILE = """
import sys
import ibgateway_executor.run
assert "psycopg" not in sys.modules, "the database's driver without a database"
"""
USED = """
event = ib_library.Event()
got = []
event.array(2).mean().connect(got.append)
event.emit(1.0)
event.emit(2.0)
assert got == [1.0, 1.5], got
import numpy
assert sys.modules["numpy"] is numpy and numpy.zeros(1).shape == (1,)
"""
AT_IMPORT = """
import sys
from ibgateway_executor.broker.ib.library import later
with later("colorsys"):
    import colorsys
    assert colorsys.rgb_to_hls(0, 0, 0) == (0.0, 0.0, 0.0)
    import colorsys as real
    assert real is not colorsys
with later("json"):
    import json
import json as whole
assert whole is json, "loaded before: nothing stands in for it"
"""


def ended_well(program: str) -> bool:
    """Run it in a process of its own, which has imported nothing yet."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return True


def test_numpy_is_not_loaded_until_somebody_uses_it() -> None:
    assert ended_well(EXECUTOR)
    assert ended_well(EXECUTOR + USED)


def test_the_database_s_driver_is_not_loaded_without_a_database() -> None:
    assert ended_well(WITH_A_FILE)


def test_what_is_used_while_the_library_is_imported_is_loaded_then() -> None:
    assert ended_well("import json\n" + AT_IMPORT)
