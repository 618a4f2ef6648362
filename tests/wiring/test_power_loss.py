"""The layer that loses what was not synced: it must lose exactly that, or a campaign with it proves nothing."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from crash_campaign.power_loss import PowerLoss

WRITES_TEN_ROWS = """
import os, signal, sqlite3, sys
ledger = sqlite3.connect(sys.argv[1], isolation_level=None)
ledger.execute("PRAGMA journal_mode=WAL")
ledger.execute("PRAGMA synchronous=FULL")
ledger.execute("CREATE TABLE orders (number)")
for number in range(10):
    if number == 5:
        ledger.execute(f"PRAGMA synchronous={sys.argv[2]}")
    ledger.execute("INSERT INTO orders VALUES (?)", (number,))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize(("later", "left"), [("FULL", 10), ("OFF", 5)])
def test_rows_that_were_synced_survive_and_no_others(tmp_path: Path, later: str, left: int) -> None:
    data = tmp_path / "data"
    data.mkdir()
    power = PowerLoss(data, tmp_path)
    program = [sys.executable, "-c", WRITES_TEN_ROWS, str(data / "ledger.db"), later]
    ended = subprocess.run(program, env={**os.environ, **power.environment}, check=False)
    assert ended.returncode == -9
    lost = power.lose()
    with sqlite3.connect(data / "ledger.db") as ledger:
        assert ledger.execute("SELECT count(*) FROM orders").fetchone() == (left,)
        assert ledger.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    ledger.close()
    assert bool(lost) is (left < 10)
