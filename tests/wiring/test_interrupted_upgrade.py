"""An executor that is killed while it upgrades its ledger: each statement once, as the last thing before the end."""

import json
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

LEDGERS = Path(__file__).parents[1] / "unit" / "executor" / "ledgers"
KILLED_AT_EACH = """
import json, os, shutil, sys
from pathlib import Path
from ibgateway_executor.ledger.engine import LedgerFile
from ibgateway_executor.ledger.sqlite import SqliteStore

def upgrade(path, at):
    store = SqliteStore(LedgerFile(path))
    statements = []
    def step(statement):
        statements.append(statement)
        if len(statements) == at:
            os._exit(0)
    store._file.driver.set_trace_callback(step)
    store.stamp("paper")
    store.close()
    return len(statements)

old, folder = Path(sys.argv[1]), Path(sys.argv[2])
whole = shutil.copy(old, folder / "whole.db")
count = upgrade(whole, 0)
for at in range(1, count + 1):
    path = shutil.copy(old, folder / f"killed-{at}.db")
    child = os.fork()
    if child == 0:
        upgrade(path, at)
        os._exit(1)
    assert os.waitpid(child, 0)[1] == 0, at
print(count)
"""


def dump(path: Path) -> list[str]:
    with sqlite3.connect(path) as file:
        found = [line for line in file.iterdump() if not line.startswith("UPDATE sightings")]
    file.close()
    return found


@pytest.mark.parametrize("version", ["1", "2", "3", "4"])
def test_a_kill_at_any_statement_leaves_the_old_ledger_or_the_new_one(
    version: str, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    with sqlite3.connect(old) as file:
        file.executescript((LEDGERS / f"version-{version}.sql").read_text(encoding="utf-8"))
    file.close()
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH, str(old), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    killed = json.loads(done.stdout)
    assert killed > 8
    left = [dump(tmp_path / f"killed-{at}.db") for at in range(1, killed + 1)]
    assert left == [dump(old)] * killed
