"""`python -m ibgateway_agent sentinel | console`."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from importlib import import_module

from ibgateway_runtime import log
from ibgateway_runtime.errors import IbgatewayError

_PROGRAMS = {
    "sentinel": "ibgateway_agent.sentinel.run",
    "console": "ibgateway_agent.console.run",
}


def main(arguments: Sequence[str]) -> int:
    """Run one of the two programs until it is told to stop; 1 and one clear line where it can't.

    Each is imported only when it is the one.
    """
    if len(arguments) != 1 or arguments[0] not in _PROGRAMS:
        sys.stderr.write(f"usage: python -m ibgateway_agent {' | '.join(_PROGRAMS)}\n")
        return 2
    name = arguments[0]
    run: Callable[[Mapping[str, str]], Coroutine[None, None, None]]
    run = import_module(_PROGRAMS[name]).run
    log.configure()
    try:
        asyncio.run(run(os.environ))
    except IbgatewayError as error:
        sys.stderr.write(f"{name}: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
