"""NetworkPolicies: who may reach which port. Pure.

IBKR's API has no authentication and socat makes every peer look local, so the gateway's API port is
open to the executor and to nobody else. Port-forward enters past all of this.
"""

from collections.abc import Mapping
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import PORT_NOVNC_ADMIN, Component
from ibgateway_api.spec import NetworkPolicyPeer
from ibgateway_operator.desired.input import OPERATOR_APP, DesiredInput, manifest, selector
from ibgateway_operator.model.kinds import NETWORK_POLICY
from ibgateway_operator.model.manifests import Manifest

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def network_policies(plan: DesiredInput) -> list[Manifest]:
    """One policy a component, or none where they are switched off."""
    if not plan.spec.network_policy.enabled:
        return []
    wanted = [_gateway(plan)]
    if plan.spec.executor.enabled:
        wanted.append(_executor(plan))
    if plan.spec.novnc.enabled:
        wanted.append(_console(plan))
    return wanted


def _policy(plan: DesiredInput, component: Component, **rules: list[Manifest]) -> Manifest:
    name = f"{plan.key.name}-{component}"
    spec = {
        "podSelector": {"matchLabels": selector(plan, component)},
        "policyTypes": [kind.capitalize() for kind in rules],
        **rules,
    }
    return manifest(plan, NETWORK_POLICY, name, component, spec=spec)


def _ports(*numbers: int, protocol: str = "TCP") -> list[Manifest]:
    return [{"protocol": protocol, "port": number} for number in numbers]


def _pods(plan: DesiredInput, component: Component) -> Manifest:
    return {"podSelector": {"matchLabels": selector(plan, component)}}


def _operator(plan: DesiredInput) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: plan.own_namespace}},
        "podSelector": {"matchLabels": {names.LABEL_NAME: OPERATOR_APP}},
    }


def _client(peer: NetworkPolicyPeer) -> Manifest:
    """A peer of `executorClients`; without a namespace selector it is in the gateway's namespace."""
    result: Manifest = {"podSelector": _match(peer.pod_selector)}
    if peer.namespace_selector:
        result["namespaceSelector"] = _match(peer.namespace_selector)
    return result


def _match(wanted: Mapping[str, str]) -> Manifest:
    return {"matchLabels": dict(wanted)} if wanted else {}


def _dns() -> Manifest:
    return {"ports": _ports(53, protocol="UDP") + _ports(53)}


def _gateway(plan: DesiredInput) -> Manifest:
    """In: the API for the executor, the sentinel for those who must know, VNC for the console."""
    executor, console = _pods(plan, Component.EXECUTOR), _pods(plan, Component.CONSOLE)
    return _policy(
        plan,
        Component.GATEWAY,
        ingress=[
            {"from": [executor], "ports": _ports(plan.api_port)},
            {"from": [_operator(plan), executor, console], "ports": _ports(names.PORT_SENTINEL)},
            {"from": [console], "ports": _ports(names.PORT_VNC)},
            {"ports": _ports(names.PORT_SENTINEL_METRICS)},
        ],
    )


def _executor(plan: DesiredInput) -> Manifest:
    """In: named clients and the operator. Out: its gateway and name lookups."""
    clients = [_client(peer) for peer in plan.spec.network_policy.executor_clients]
    gateway = _pods(plan, Component.GATEWAY)
    return _policy(
        plan,
        Component.EXECUTOR,
        ingress=[
            {"from": [*clients, _operator(plan)], "ports": _ports(names.PORT_EXECUTOR)},
            {"ports": _ports(names.PORT_EXECUTOR_METRICS)},
        ],
        egress=[
            {"to": [gateway], "ports": _ports(plan.api_port, names.PORT_SENTINEL)},
            _dns(),
        ],
    )


def _console(plan: DesiredInput) -> Manifest:
    """In: nobody but port-forward, which needs no rule. Out: the screen and name lookups.

    Its attempts at the API port are what shows whether policies are enforced at all.
    """
    gateway = _pods(plan, Component.GATEWAY)
    return _policy(
        plan,
        Component.CONSOLE,
        ingress=[{"ports": _ports(PORT_NOVNC_ADMIN)}],
        egress=[
            {"to": [gateway], "ports": _ports(names.PORT_VNC, names.PORT_SENTINEL)},
            _dns(),
        ],
    )
