"""`python -m ibgateway_agent sentinel | console`."""

import sys
from collections.abc import Callable, Sequence
from importlib import import_module

_PROGRAMS = {
    "sentinel": "ibgateway_agent.sentinel.run",
    "console": "ibgateway_agent.console.run",
}


def main(arguments: Sequence[str]) -> int:
    """Run one of the two programs; each is imported only when it is the one."""
    if len(arguments) != 1 or arguments[0] not in _PROGRAMS:
        sys.stderr.write(f"usage: python -m ibgateway_agent {' | '.join(_PROGRAMS)}\n")
        return 2
    program: Callable[[], int | None] = import_module(_PROGRAMS[arguments[0]]).main
    return program() or 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
