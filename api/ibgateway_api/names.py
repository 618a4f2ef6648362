"""Every name that more than one program, a chart or a user sees: groups, labels, children, ports."""

from enum import StrEnum
from typing import Final, NamedTuple

GROUP: Final = "ibgateway.dev"
VERSION: Final = "v1alpha1"
API_VERSION: Final = f"{GROUP}/{VERSION}"
KIND: Final = "IBGateway"
PLURAL: Final = "ibgateways"
SINGULAR: Final = "ibgateway"
SHORT_NAME: Final = "ibgw"

OPERATOR_AGENT: Final = "ibgateway-operator"
"""How the operator calls itself when it asks a sentinel, which tells people when it is not heard any more."""

FIELD_MANAGER: Final = "ibgateway-operator"

LABEL_GATEWAY: Final = f"{GROUP}/gateway"
"""On every child: the name of the IBGateway it belongs to. On a pod of anybody else: the one whose gate it follows."""
LABEL_COMPONENT: Final = "app.kubernetes.io/component"
LABEL_MANAGED_BY: Final = "app.kubernetes.io/managed-by"
LABEL_NAME: Final = "app.kubernetes.io/name"
LABEL_INSTANCE: Final = "app.kubernetes.io/instance"
MANAGED_BY: Final = "ibgateway-operator"

ANNOTATION_LOGIN_REQUESTED_AT: Final = f"{GROUP}/login-requested-at"
"""RFC 3339 time of a person's request for one more login attempt; old or repeated ones are ignored."""
ANNOTATION_RESUME_REQUESTED_AT: Final = f"{GROUP}/resume-requested-at"
"""The time at which a person ended the pause that was begun at the console before."""
ANNOTATION_HANDOVER_UNTIL: Final = f"{GROUP}/handover-until"
"""RFC 3339 time, or a duration such as 30m, for which a person wants the login for themselves; removed, it is over. The same text acts once."""
ANNOTATION_SETTINGS_HASH: Final = f"{GROUP}/settings-hash"
"""On a pod: the settings of which the kubelet was told to refresh the mounted file."""
ANNOTATION_CREDENTIALS: Final = f"{GROUP}/credentials-version"
"""On a pod: the version of the credentials Secret that it was told of; the kubelet then mounts that one."""
ANNOTATION_FIRST_SETTINGS: Final = f"{GROUP}/first-settings-hash"
"""On a ConfigMap: the settings that it was made with, which a pod that was never told of others has."""
ANNOTATION_TEMPLATE_HASH: Final = f"{GROUP}/template-hash"
"""On the executor's Deployment: the template that it was applied with."""
ANNOTATION_APPLIED: Final = f"{GROUP}/applied"
"""On every child: the digest of the manifest it was applied with, for an operator that starts again."""
ANNOTATION_TRADING_MODE: Final = f"{GROUP}/trading-mode"
"""On the ledger's claim: a live executor never adopts a paper ledger."""

CONTAINER_PROGRAM: Final = "program"
"""The container of a program of one's own in the executor's place; the executor's own is called executor."""

READINESS_GATE: Final = f"{GROUP}/trading-allowed"
"""Pod condition that the operator writes on the executor and on programs of others that have it as a readiness gate: the gate."""

SECRET_USERNAME: Final = "IB_USERNAME"  # noqa: S105 - a key's name, not a secret
SECRET_PASSWORD: Final = "IB_PASSWORD"  # noqa: S105 - a key's name, not a secret
SECRET_VNC_PASSWORD: Final = "VNC_PASSWORD"  # noqa: S105 - a key's name, not a secret
SECRET_URLS: Final = "URLS"  # noqa: S105 - a key's name, not a secret
"""Addresses that messages go to, as apprise writes them: one a line."""
SECRET_HEARTBEAT: Final = "HEARTBEAT_URL"  # noqa: S105 - a key's name, not a secret
"""What a dead man's switch is asked for once a minute."""
SECRET_TOKEN: Final = "token"  # noqa: S105 - a key's name, not a secret
DEFAULT_VNC_PASSWORD: Final = "password"  # noqa: S105 - the seed's documented paper default

PORT_API: Final = 4001
"""Port of the gateway's Service in both modes."""
PORT_API_PAPER: Final = 4004
"""socat in the image: paper, forwards to 127.0.0.1:4002."""
PORT_API_LIVE: Final = 4003
"""socat in the image: live, forwards to 127.0.0.1:4001."""
PORT_API_INSIDE_PAPER: Final = 4002
PORT_API_INSIDE_LIVE: Final = 4001
PORT_SENTINEL: Final = 8090
PORT_SENTINEL_METRICS: Final = 8091
PORT_VNC: Final = 5900
PORT_IBC: Final = 7462
PORT_NOVNC: Final = 6080
PORT_NOVNC_ADMIN: Final = 6081
"""The console's probes, metrics and its word on NetworkPolicies; never for browsers."""
PORT_EXECUTOR: Final = 8080
PORT_EXECUTOR_METRICS: Final = 8081


class Component(StrEnum):
    """The three programs of a gateway, as their label says."""

    GATEWAY = "gateway"
    EXECUTOR = "executor"
    CONSOLE = "novnc"


class Key(NamedTuple):
    """Where an IBGateway lives; never two loose strings."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class ChildNames(NamedTuple):
    """Names of the objects that belong to one IBGateway."""

    gateway: str
    gateway_pods: str
    executor: str
    intake: str
    novnc: str
    executor_token: str
    agent_token: str
    gate_token: str

    @property
    def gateway_pod(self) -> str:
        """The StatefulSet's only pod."""
        return f"{self.gateway}-0"

    @property
    def notifications(self) -> str:
        """The Secret of `spec.notifications` that the gateway's pod mounts without a change of its template."""
        return f"{self.gateway.removesuffix('-gateway')}-notifications"

    @property
    def gateway_claim(self) -> str:
        """The claim that the StatefulSet gives its only pod."""
        return f"data-{self.gateway_pod}"

    def sentinel_host(self, namespace: str) -> str:
        """DNS name of the gateway pod, resolvable while it is not ready."""
        return f"{self.gateway_pod}.{self.gateway_pods}.{namespace}.svc"


def child_names(name: str) -> ChildNames:
    """Child names of the IBGateway `name`."""
    return ChildNames(
        gateway=f"{name}-gateway",
        gateway_pods=f"{name}-gateway-pods",
        executor=f"{name}-executor",
        intake=f"{name}-executor-intake",
        novnc=f"{name}-novnc",
        executor_token=f"{name}-executor-token",
        agent_token=f"{name}-agent-token",
        gate_token=f"{name}-gate-token",
    )
