"""Objects of the fake cluster, as the API server gives them."""

import base64
from typing import Any

Json = dict[str, Any]

AT = "2026-12-02T08:00:00Z"
"""A Wednesday; the moment at which the tests' clock stands."""


def condition(kind: str, status: str, reason: str, message: str = "") -> Json:
    """One condition."""
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "lastTransitionTime": AT,
        "observedGeneration": 1,
    }


def trading_status() -> Json:
    """Logged in, the gate open."""
    return {
        "observedGeneration": 1,
        "conditions": [
            condition("SpecAccepted", "True", "Accepted", "the spec is served"),
            condition("GatewayLoggedIn", "True", "LoggedIn", "the API answers"),
            condition("OutsideRestartWindow", "True", "WeekAuthenticated", "a full login was seen"),
            condition("TradingAllowed", "True", "GateOpen", "an order sent now goes to IBKR"),
            condition("ExecutorReady", "True", "PodReady", "the executor pod is ready"),
            condition("ConsoleReady", "True", "PodReady", "the novnc pod is ready"),
            condition("NetworkPolicyEnforced", "True", "PolicyEnforced", "closed"),
            condition("ChangePending", "False", "NothingWaits", "everything is in effect"),
            condition("Ready", "True", "Trading", "an order sent now goes to IBKR"),
        ],
        "login": {
            "state": "LoggedIn",
            "since": "2026-11-29T14:03:10Z",
            "fullAuthTime": "2026-11-29T14:03:05Z",
            "attemptsToday": 1,
            "handledRequest": "",
            "ignoredRequest": "",
        },
        "handover": {"request": "", "costsPush": False, "ignored": ""},
        "turn": {"person": "", "behind": "", "id": ""},
        "window": {
            "open": False,
            "opens": "2026-12-06T06:00:00Z",
            "restart": "2026-12-06T14:00:00Z",
        },
        "accounts": ["DU7654321"],
        "accountCount": 1,
        "endpoints": {"api": "paper-gateway.trading.svc:4001"},
        "pendingRevision": "",
    }


def login_status(state: str, message: str, **login: Any) -> Json:
    """Not logged in: the state, why, and the gate closed by it."""
    status = trading_status()
    closed = {
        "GatewayLoggedIn": condition("GatewayLoggedIn", "False", state, message),
        "TradingAllowed": condition(
            "TradingAllowed", "False", state, f"the gateway is not logged in: {state}"
        ),
        "Ready": condition("Ready", "False", state, message),
    }
    status["conditions"] = [closed.get(c["type"], c) for c in status["conditions"]]
    status["login"] = {**status["login"], "state": state, "since": AT, **login}
    return status


def gateway_object(name: str = "paper", *, status: Json | None = None, **spec: Any) -> Json:
    """An IBGateway in the namespace trading."""
    return {
        "apiVersion": "ibgateway.dev/v1alpha1",
        "kind": "IBGateway",
        "metadata": {"name": name, "namespace": "trading", "generation": 1, "annotations": {}},
        "spec": {
            "tradingMode": "paper",
            "credentialsSecretRef": {"name": "ib-credentials"},
            **spec,
        },
        "status": trading_status() if status is None else status,
    }


def secret_object(name: str, **keys: str) -> Json:
    """A Secret with these values."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in keys.items()}
    metadata = {"name": name, "namespace": "trading"}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": data}


def pod_object(name: str, component: str, *containers: str, labels: Json | None = None) -> Json:
    """A pod of the gateway paper; its sentinel is a sidecar, as an init container that goes on."""
    mine = {
        "ibgateway.dev/gateway": "paper",
        "app.kubernetes.io/component": component,
        "app.kubernetes.io/managed-by": "ibgateway-operator",
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": "trading", "labels": labels or mine},
        "spec": {
            "initContainers": [
                {"name": "sentinel", "restartPolicy": "Always"},
                {"name": "prepare"},
            ]
            if "sentinel" in containers
            else [],
            "containers": [{"name": c} for c in containers if c != "sentinel"],
        },
        "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]},
    }


def program_object(name: str, *, ready: bool, phase: str = "Running", gated: bool = True) -> Json:
    """A pod of somebody else's that follows the gate of the gateway paper."""
    body = pod_object(name, "", "bot", labels={"ibgateway.dev/gateway": "paper"})
    gates = [{"conditionType": "ibgateway.dev/trading-allowed"}] if gated else []
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    status = {"phase": phase, "conditions": conditions}
    return {**body, "spec": {**body["spec"], "readinessGates": gates}, "status": status}


def event_object(number: int, about: str, reason: str, message: str, **more: Any) -> Json:
    """An Event; `about` is Kind/name."""
    kind, _, name = about.partition("/")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"event-{number}", "namespace": "trading"},
        "involvedObject": {"kind": kind, "name": name},
        "type": "Normal",
        "reason": reason,
        "message": message,
        "eventTime": f"2026-12-02T07:{number:02}:00.000000Z",
        **more,
    }
