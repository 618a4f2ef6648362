"""An operator on stand-ins in memory: API server with watches that lag, HTTP, clock; and the objects it sees."""

from operator_fakes.api_server import FakeApiServer
from operator_fakes.children import children_of, environment, pod_specs
from operator_fakes.http_client import FakeHttpClient
from operator_fakes.informer import FakeInformer, WatchEvent
from operator_fakes.objects import (
    HEARD,
    LIVE,
    NOW,
    THIS_WEEK,
    assessment,
    desired_input,
    heard,
    ibgateway_body,
    pod,
    report,
    snapshot,
    status_from,
)
from operator_fakes.world import OperatorWorld, operator_world

__all__ = [
    "HEARD",
    "LIVE",
    "NOW",
    "THIS_WEEK",
    "FakeApiServer",
    "FakeHttpClient",
    "FakeInformer",
    "OperatorWorld",
    "WatchEvent",
    "assessment",
    "children_of",
    "desired_input",
    "environment",
    "heard",
    "ibgateway_body",
    "operator_world",
    "pod",
    "pod_specs",
    "report",
    "snapshot",
    "status_from",
]
