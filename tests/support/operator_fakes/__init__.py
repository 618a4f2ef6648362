"""An operator on stand-ins in memory: API server with watches that lag, HTTP, clock; and the objects it sees."""

from operator_fakes.api_server import FakeApiServer
from operator_fakes.children import children_of, environment, pod_specs, pod_templates
from operator_fakes.http_client import FakeHttpClient
from operator_fakes.informer import FakeInformer, WatchEvent
from operator_fakes.objects import (
    HEARD,
    IMAGES,
    LIVE,
    NOW,
    SCRIPTS,
    THIS_WEEK,
    assessment,
    deployment,
    desired_input,
    foreign_pod,
    ibgateway_body,
    pod,
    program_pod,
    report,
    revised,
    snapshot,
    stateful_set,
    status_from,
)
from operator_fakes.scripted_watch import ScriptedServer, event, page
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
    "ScriptedServer",
    "WatchEvent",
    "assessment",
    "children_of",
    "deployment",
    "desired_input",
    "environment",
    "event",
    "foreign_pod",
    "ibgateway_body",
    "operator_world",
    "page",
    "pod",
    "pod_specs",
    "pod_templates",
    "program_pod",
    "report",
    "revised",
    "snapshot",
    "stateful_set",
    "status_from",
]
