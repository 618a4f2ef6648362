"""`python -m ibgateway_executor`: the trade executor of one gateway; with `backup` or `restore`, copies of its ledger."""

import asyncio
import logging
import os
import sys
import time
from collections.abc import Sequence
from typing import Final

from ibgateway_executor.broker.ib import client_log
from ibgateway_executor.copies import copied
from ibgateway_executor.errors import BackupError, LedgerUnavailableError, StartRefusedError
from ibgateway_executor.run import run
from ibgateway_executor.settings import read_environment
from ibgateway_runtime import log
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.garbage import keep_short

logger = logging.getLogger("ibgateway_executor")

SWITCH_SECONDS: Final = 0.0005
"""For so long a thread keeps the interpreter while another one wants it; by Python's default 5 ms. The ledger's thread gives
it up at each statement and gets it back that much later while the event loop is busy: a commit then took twice as long."""


def main(arguments: Sequence[str] = ()) -> int:
    """Exit code 0 after a signal, 1 when the executor must not start, or a copy could not be made or put back."""
    log.configure()
    sys.setswitchinterval(SWITCH_SECONDS)
    keep_short(time.monotonic)
    # The library reports every failed connect as an error; broker.connection says it in our words.
    logging.getLogger(client_log()).setLevel(logging.CRITICAL)
    try:
        environment = read_environment(os.environ)
        if arguments:
            copied(environment, arguments)
        else:
            asyncio.run(run(environment))
    except (SettingsError, StartRefusedError, LedgerUnavailableError, BackupError) as error:
        logger.critical("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
