"""A paper gateway in every state the tests ask for: plain values, no cluster."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.reports import SentinelReport
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.desired.plan import Plan, Scripts
from ibgateway_operator.manifests import Manifest
from ibgateway_operator.observed import Credentials, News, Seen, parse
from ibgateway_operator.settings import Images

NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)
"""A Wednesday."""
THIS_WEEK = datetime(2026, 11, 15, 14, 3, tzinfo=UTC)
"""Sunday 09:03 New York: the week's full login."""

MakePlan = Callable[..., Plan]
MakeSeen = Callable[..., Seen]
MakeReport = Callable[..., SentinelReport]
MakePod = Callable[..., Manifest]


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture
def make_plan() -> MakePlan:
    def make(spec: dict[str, Any] | None = None, **more: Any) -> Plan:
        raw = {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})}
        values: dict[str, Any] = {
            "key": Key("trading", "paper"),
            "uid": "uid-1",
            "spec": IBGatewaySpec.model_validate(raw),
            "images": Images(agent="agent:1", executor="executor:1"),
            "calendar": Calendar(),
            "scripts": Scripts(wrapper="wrap", prestop="stop", ibc="ibc"),
            "own_namespace": "operators",
        }
        return Plan(**(values | more))

    return make


@pytest.fixture
def make_body() -> Callable[..., Manifest]:
    def make(spec: dict[str, Any] | None = None, **meta: Any) -> Manifest:
        return {
            "apiVersion": "ibgateway.dev/v1alpha1",
            "kind": "IBGateway",
            "metadata": {
                "namespace": "trading",
                "name": "paper",
                "uid": "uid-1",
                "generation": 3,
                "resourceVersion": "100",
                "creationTimestamp": "2026-11-01T00:00:00Z",
                **meta,
            },
            "spec": {"credentialsSecretRef": {"name": "ib-credentials"}, **(spec or {})},
        }

    return make


@pytest.fixture
def make_report() -> MakeReport:
    def make(state: LoginState = LoginState.LOGGED_IN, **more: Any) -> SentinelReport:
        values: dict[str, Any] = {
            "boot": "b1",
            "sequence": 7,
            "at": NOW,
            "state": state,
            "since": THIS_WEEK,
            "accounts": ("DU1234567",),
            "full_auth_time": THIS_WEEK,
            "attempts_today": 1,
        }
        return SentinelReport(**(values | more))

    return make


@pytest.fixture
def make_pod() -> MakePod:
    def make(component: str, *, ready: bool = True, **more: Any) -> Manifest:
        name = "paper-gateway-0" if component == "gateway" else f"paper-{component}-abc"
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {
                "namespace": "trading",
                "name": name,
                "uid": f"uid-{component}",
                "resourceVersion": "5",
                "labels": {
                    "app.kubernetes.io/component": component,
                    "app.kubernetes.io/managed-by": "ibgateway-operator",
                    "ibgateway.dev/gateway": "paper",
                },
                **more,
            },
            "status": {
                "podIP": "10.0.0.9",
                "phase": "Running",
                "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
                "containerStatuses": [{"name": component, "state": {"running": {}}}],
            },
        }

    return make


@pytest.fixture
def make_seen(
    make_body: Callable[..., Manifest], make_report: MakeReport, make_pod: MakePod
) -> MakeSeen:
    """A gateway that is logged in and trades, but for what the test changes."""

    def make(
        spec: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **more: Any
    ) -> Seen:
        body = make_body(spec, **(meta or {}))
        body["status"] = more.pop("status", {})
        values: dict[str, Any] = {
            "gateway": parse(body),
            "now": NOW,
            "credentials": Credentials(
                "ib-credentials",
                found=True,
                keys=frozenset({"IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD"}),
                user="hash",
            ),
            "bodies": (make_pod("gateway"), make_pod("executor"), make_pod("novnc")),
            "news": News(make_report(), 100.0),
            "age_of_news": 0.5,
            "enforced": True,
        }
        return Seen(**(values | more))

    return make
