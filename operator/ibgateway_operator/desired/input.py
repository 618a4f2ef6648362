"""What the builders are given: one frozen value, with every decision already taken. Pure.

Builders only turn it into manifests; they read no clock and no cluster.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.gate import GateReason
from ibgateway_api.names import ChildNames, Component, Key
from ibgateway_api.reports import TradingPause
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.week import Calendar
from ibgateway_operator.model.kinds import Kind
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.settings import Images

USER_ID: Final = 1000
"""The user of every container, and the group of every volume: the gateway image's own."""
OPERATOR_APP: Final = "ibgateway-operator"
"""`app.kubernetes.io/name` of the operator's pod, as its chart sets it."""


@dataclass(frozen=True)
class Scripts:
    """The shell scripts of the gateway pod, as they go into its ConfigMap."""

    wrapper: str
    prestop: str
    ibc: str


@dataclass(frozen=True)
class DesiredInput:
    """One IBGateway and what was decided about it."""

    key: Key
    uid: str
    spec: IBGatewaySpec
    images: Images
    calendar: Calendar
    scripts: Scripts
    own_namespace: str = "default"
    metrics_from: tuple[Mapping[str, Any], ...] = ()
    """Peers that may read the metrics, as in a NetworkPolicy of the operator's namespace."""
    gateway_replicas: int = 1
    executor_replicas: int = 1
    logins_allowed: bool = True
    """Whether the gateway may log in at all: live waits for proof that policies are enforced."""
    needs_turn: bool = False
    """Whether its pushes wait for those of the same person's other gateways."""
    logged_in_before: bool = False
    """Whether a login of this very resource was ever seen."""
    restart_passed: datetime | None = None
    """The moment of this week's restart that was past when it was chosen."""
    holds: tuple[GateReason, ...] = ()
    """What sentinel and executor are told to hold trading for, beside the spec's own suspend."""
    pause: TradingPause | None = None
    """A person's pause from the console that is known to stand."""
    resume_requested: datetime | None = None
    """The annotation that ends such a pause."""
    kept_settings: str = ""
    """The settings of an executor that is there until a program takes its place, as they are stored; else empty."""
    vnc_from_user: bool = False
    """Whether the user's Secret has VNC_PASSWORD; else the operator's default is mounted."""
    vnc_is_default: bool = True
    """Whether the VNC password that counts is the documented one, which everybody knows."""

    @property
    def children(self) -> ChildNames:
        """The names of the children."""
        return names.child_names(self.key.name)

    @property
    def live(self) -> bool:
        """Whether real money is at stake."""
        return self.spec.trading_mode is TradingMode.LIVE

    @property
    def api_port(self) -> int:
        """The gateway pod's API port, past which socat forwards."""
        return names.PORT_API_LIVE if self.live else names.PORT_API_PAPER

    @property
    def vnc_secret(self) -> str:
        """The operator's own Secret with the default VNC password."""
        return f"{self.key.name}-vnc"

    @property
    def console_token(self) -> str:
        """The Secret with the console's token, where `novnc.auth` is token."""
        return f"{self.children.novnc}-token"


def labels(given: DesiredInput, component: Component) -> dict[str, str]:
    """The labels of every child; a fresh dict each time."""
    return {**pod_labels(given, component), names.LABEL_INSTANCE: given.key.name}


def pod_labels(given: DesiredInput, component: Component) -> dict[str, str]:
    """The labels in a pod template: another one would be another template, which costs a restart."""
    return {
        names.LABEL_NAME: "ibgateway",
        names.LABEL_COMPONENT: component,
        names.LABEL_GATEWAY: given.key.name,
        names.LABEL_MANAGED_BY: names.MANAGED_BY,
    }


def selector(given: DesiredInput, component: Component) -> dict[str, str]:
    """The two labels that select a component's pods; they never change."""
    return {names.LABEL_GATEWAY: given.key.name, names.LABEL_COMPONENT: component}


def owner_reference(given: DesiredInput) -> Manifest:
    """The IBGateway as controller: what it owns goes with it, by garbage collection alone."""
    return {
        "apiVersion": names.API_VERSION,
        "kind": names.KIND,
        "name": given.key.name,
        "uid": given.uid,
        "controller": True,
        "blockOwnerDeletion": True,
    }


def manifest(
    given: DesiredInput, kind: Kind, name: str, component: Component, **rest: Any
) -> Manifest:
    """An owned child; `rest` are its top-level fields beside metadata."""
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": {
            "name": name,
            "namespace": given.key.namespace,
            "labels": labels(given, component),
            "ownerReferences": [owner_reference(given)],
        },
        **rest,
    }
