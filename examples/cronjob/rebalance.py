"""Has the executor bring the account to its target weights: once a Job, however often its pod is started."""

import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from ibgateway.client import ExecutorClient, RefusedError, RetryLimit
from ibgateway_api.rebalance_documents import RebalanceDocument

OVER = {"Completed", "Stopped", "Cancelled", "Expired"}


def main() -> int:
    """The Job's name is the key, so a pod that is started anew finds the rebalance that the first one asked for."""
    body = json.loads(Path(os.environ["TARGETS_FILE"]).read_text())
    token = Path(os.environ["TOKEN_FILE"])
    with ExecutorClient(
        os.environ["EXECUTOR_URL"],
        token=lambda: token.read_text().strip(),
        retries=RetryLimit(attempts=20),
    ) as client:
        while (run := asked(client, body)) is None:
            print("the executor knows no account before its first login", flush=True)
            time.sleep(5)
        while run.state not in OVER:
            print(f"{run.id}: {run.state} {run.message}", flush=True)
            time.sleep(5)
            run = client.rebalance_run(run.id)
    print(f"{run.id}: {run.state} {run.message}", flush=True)
    return 0 if run.state == "Completed" else 1


def asked(client: ExecutorClient, body: dict[str, Any]) -> RebalanceDocument | None:
    """The rebalance of this Job; None where the executor does not know yet whose it is: a body with `account` needs no login."""
    try:
        return client.rebalance(body, key=os.environ["JOB_NAME"])
    except RefusedError as error:
        if error.code != "UnknownAccount":
            raise
        return None


if __name__ == "__main__":
    # Nothing ends the first process of a container softly but its own handler; the rebalance goes on by itself.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    sys.exit(main())
