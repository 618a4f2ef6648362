"""An operator on stand-ins in memory: API server with watches that lag, HTTP, clock; and the objects it sees."""

from operator_fakes.api_server import FakeApiServer
from operator_fakes.http_client import FakeHttpClient
from operator_fakes.informer import FakeInformer, WatchEvent
from operator_fakes.objects import (
    HEARD,
    IMAGES,
    LIVE,
    NOW,
    SCRIPTS,
    THIS_WEEK,
    deployment,
    desired_input,
    ibgateway_body,
    pod,
    report,
    revised,
    snapshot,
    stateful_set,
)
from operator_fakes.world import OperatorWorld, operator_world

__all__ = [
    "HEARD",
    "IMAGES",
    "LIVE",
    "NOW",
    "SCRIPTS",
    "THIS_WEEK",
    "FakeApiServer",
    "FakeHttpClient",
    "FakeInformer",
    "OperatorWorld",
    "WatchEvent",
    "deployment",
    "desired_input",
    "ibgateway_body",
    "operator_world",
    "pod",
    "report",
    "revised",
    "snapshot",
    "stateful_set",
]
