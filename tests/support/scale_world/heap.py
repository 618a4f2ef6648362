"""`python -m scale_world.heap FILE`: the operator, which writes what its heap is made of into FILE at SIGUSR1.

Counting holds up the operator for seconds, so no figure is taken from a run that does it.
"""

import ctypes
import gc
import json
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any, Final

MIB: Final = 1 << 20
LONGEST: Final = 40
"""Lines of the report."""


def census() -> dict[str, Any]:
    """MiB and number of objects by type, the largest first; what C code holds beside them is not seen."""
    gc.collect()
    seen: set[int] = set()
    size: Counter[str] = Counter()
    count: Counter[str] = Counter()
    tracked = gc.get_objects()
    for batch in (tracked, (each for one in tracked for each in gc.get_referents(one))):
        for one in batch:
            if id(one) not in seen:
                seen.add(id(one))
                kind = f"{type(one).__module__}.{type(one).__qualname__}"
                size[kind] += sys.getsizeof(one)
                count[kind] += 1
    return {
        "objects, MiB": sum(size.values()) / MIB,
        "types": {
            kind: {"MiB": round(each / MIB, 2), "number": count[kind]}
            for kind, each in size.most_common(LONGEST)
        },
    }


def resident() -> dict[str, float]:
    """MiB by kind, as the kernel counts them."""
    lines = Path("/proc/self/status").read_text().splitlines()
    pairs = (line.split(":") for line in lines if line.startswith(("Vm", "Rss")))
    return {name: int(text.split()[0]) / 1024 for name, text in pairs}


def report() -> dict[str, Any]:
    """The heap; and the kernel's figures before it was counted, and once malloc has given back what it can."""
    before = resident()
    found = census()
    ctypes.CDLL(None).malloc_trim(0)
    return {"resident": before, "resident, trimmed": resident(), **found}


def main(file: Path) -> int:
    """Run the operator; its exit code."""
    from ibgateway_operator.__main__ import main as operate  # noqa: PLC0415 - after the signal is taken

    def write(*_: Any) -> None:
        part = file.with_suffix(".part")
        part.write_text(json.dumps(report()))
        part.rename(file)

    signal.signal(signal.SIGUSR1, write)
    return operate()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
