"""Who can read the metrics of the programs on the stage: asked from inside a pod, past its policies."""

import json
from typing import Final

from ibgateway_stage.stage import OPERATOR, Json, Stage

PORTS: Final = {"gateway": 8091, "executor": 8081, "novnc": 6081}
OPERATOR_PORT: Final = 8088
BY_IBKR: Final[Json] = {
    "metricsFrom": [{"podSelector": {"matchLabels": {"app.kubernetes.io/name": "simulated-ibkr"}}}]
}
"""The operator's chart's `networkPolicy`: the simulated IBKR scrapes, and nobody else."""
_SCRIPT: Final = """
import sys, urllib.request
for address in sys.argv[1:]:
    try:
        answer = urllib.request.urlopen("http://" + address + "/metrics", timeout=5).read().decode()
    except OSError:
        answer = "no answer"
    print("metrics" if "ibgateway_build_info" in answer else answer[:40])
"""


def scraped(stage: Stage, by: str) -> list[str]:
    """What a pod is answered by the operator, the sentinel, the executor and the console: `metrics`, or `no answer`."""
    selector = f"-l=app.kubernetes.io/name={OPERATOR}"
    operators = json.loads(stage.kubectl("get", "pods", selector, "-o=json"))["items"]
    pods = [(pod, OPERATOR_PORT) for pod in operators]
    pods += [(pod, port) for component, port in PORTS.items() for pod in stage.pods(component)]
    addresses = [f"{pod['status']['podIP']}:{port}" for pod, port in pods]
    return stage.kubectl("exec", by, "--", "python3", "-c", _SCRIPT, *addresses).splitlines()
