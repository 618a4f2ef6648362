"""`python -m intake_load.bare LEDGER COUNT`: like rows into a ledger's file, a commit each, and nothing else.

The limit of whoever answers one after the other: Python's sqlite3, the executor's tables with their indexes, WAL
with synchronous=FULL. Prints one line of JSON.
"""

import sqlite3
import sys
import time
from datetime import UTC, datetime

from intake_load.figures import LoadFigures
from intake_load.stored import rows


def main(path: str, count: int) -> LoadFigures:
    """The figures of `count` commits."""
    file = sqlite3.connect(path, isolation_level=None)
    file.execute("PRAGMA journal_mode=WAL")
    file.execute("PRAGMA synchronous=FULL")
    made = list(rows((f"bare-{n}" for n in range(count)), waiting=True, now=datetime.now(UTC)))
    names = list(made[0])
    holes = ", ".join(f":{name}" for name in names)
    statement = f"INSERT INTO jobs ({', '.join(names)}) VALUES ({holes})"  # noqa: S608 - our own columns
    took = []
    begin, cpu = time.perf_counter(), time.process_time()
    for row in made:
        at = time.perf_counter()
        file.execute("BEGIN IMMEDIATE")
        file.execute(statement, row)
        file.execute("COMMIT")
        took.append(time.perf_counter() - at)
    return LoadFigures.of(took, seconds=time.perf_counter() - begin, cpu=time.process_time() - cpu)


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])).to_json())
