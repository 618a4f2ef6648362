"""NetworkPolicies: who may reach which port. Pure.

IBKR's API has no authentication and socat makes every peer look local, so the gateway's API port is
open to the executor and to those whom the user lets in: pods of the namespace that name the gateway in a
label, and `apiClients`. Port-forward enters past all of this.
"""

from collections.abc import Mapping
from typing import Any, Final

from ibgateway_api import names
from ibgateway_api.names import PORT_NOVNC_ADMIN, Component
from ibgateway_api.spec import NetworkPolicyPeer
from ibgateway_api.targets import port_of
from ibgateway_operator.desired.input import OPERATOR_APP, DesiredInput, manifest, selector
from ibgateway_operator.model.kinds import NETWORK_POLICY
from ibgateway_operator.model.manifests import Manifest

_NAMESPACE_NAME: Final = "kubernetes.io/metadata.name"


def network_policies(given: DesiredInput) -> list[Manifest]:
    """One policy a component, or none where they are switched off."""
    if not given.spec.network_policy.enabled:
        return []
    wanted = [_gateway(given)]
    if given.spec.executor.enabled:
        ours = given.spec.executor.runs_executor
        wanted.append(_executor(given) if ours else _program(given))
    if given.spec.novnc.enabled:
        wanted.append(_console(given))
    return wanted


def _policy(given: DesiredInput, component: Component, **rules: list[Manifest]) -> Manifest:
    name = f"{given.key.name}-{component}"
    spec = {
        "podSelector": {"matchLabels": selector(given, component)},
        "policyTypes": [kind.capitalize() for kind in rules],
        **rules,
    }
    return manifest(given, NETWORK_POLICY, name, component, spec=spec)


def _ports(*numbers: int, protocol: str = "TCP") -> list[Manifest]:
    return [{"protocol": protocol, "port": number} for number in numbers]


def _pods(given: DesiredInput, component: Component) -> Manifest:
    return {"podSelector": {"matchLabels": selector(given, component)}}


def _operator(given: DesiredInput) -> Manifest:
    return {
        "namespaceSelector": {"matchLabels": {_NAMESPACE_NAME: given.own_namespace}},
        "podSelector": {"matchLabels": {names.LABEL_NAME: OPERATOR_APP}},
    }


def _client(endpoint: NetworkPolicyPeer) -> Manifest:
    """A peer of `executorClients`; without a namespace selector it is in the gateway's namespace."""
    result: Manifest = {"podSelector": _match(endpoint.pod_selector)}
    if endpoint.namespace_selector:
        result["namespaceSelector"] = _match(endpoint.namespace_selector)
    return result


def _match(wanted: Mapping[str, str]) -> Manifest:
    return {"matchLabels": dict(wanted)} if wanted else {}


def _programs(given: DesiredInput) -> list[Manifest]:
    """Whoever trades or asks whether it may beside the executor: the user's pods that name this gateway, and `apiClients`."""
    named = NetworkPolicyPeer(pod_selector={names.LABEL_GATEWAY: given.key.name})
    return [
        _but(_client(named), *Component),
        *(_but(_client(peer), Component.CONSOLE) for peer in given.spec.network_policy.api_clients),
    ]


def _but(peer: Manifest, *components: Component) -> Manifest:
    """A peer without pods of ours: the console's attempts at the API port show whether policies are enforced."""
    key = names.LABEL_COMPONENT
    ours = {"key": key, "operator": "NotIn", "values": [str(c) for c in components]}
    return {**peer, "podSelector": {**peer["podSelector"], "matchExpressions": [ours]}}


def _scrape(given: DesiredInput, port: int) -> list[Manifest]:
    """The rule for whoever reads metrics; none where nobody may."""
    peers = [_scraper(given, peer) for peer in given.metrics_from]
    return [{"from": peers, "ports": _ports(port)}] if peers else []


def _scraper(given: DesiredInput, peer: Mapping[str, Any]) -> Manifest:
    """A peer means here what it means in the operator's namespace, where it was named."""
    if "ipBlock" in peer or "namespaceSelector" in peer:
        return dict(peer)
    own = {"matchLabels": {_NAMESPACE_NAME: given.own_namespace}}
    return {**peer, "namespaceSelector": own}


def _dns() -> Manifest:
    return {"ports": _ports(53, protocol="UDP") + _ports(53)}


def _gateway(given: DesiredInput) -> Manifest:
    """In: the API for who trades, the sentinel for those who must know, VNC for the console."""
    executor, console = _pods(given, Component.EXECUTOR), _pods(given, Component.CONSOLE)
    programs = _programs(given)
    trades = [executor, *programs] if given.spec.executor.enabled else programs
    asks = [_operator(given), executor, console, *programs]
    return _policy(
        given,
        Component.GATEWAY,
        ingress=[
            {"from": trades, "ports": _ports(given.api_port)},
            {"from": asks, "ports": _ports(names.PORT_SENTINEL)},
            {"from": [console], "ports": _ports(names.PORT_VNC)},
            *_scrape(given, names.PORT_SENTINEL_METRICS),
        ],
    )


def _executor(given: DesiredInput) -> Manifest:
    """In: named clients and the operator. Out: its gateway, the database of its ledger and name lookups."""
    clients = [_client(endpoint) for endpoint in given.spec.network_policy.executor_clients]
    gateway = _pods(given, Component.GATEWAY)
    return _policy(
        given,
        Component.EXECUTOR,
        ingress=[
            {"from": [*clients, _operator(given)], "ports": _ports(names.PORT_EXECUTOR)},
            *_scrape(given, names.PORT_EXECUTOR_METRICS),
        ],
        egress=[
            {"to": [gateway], "ports": _ports(given.api_port, names.PORT_SENTINEL)},
            *_database(given),
            _dns(),
            *_targets(given),
        ],
    )


def _program(given: DesiredInput) -> Manifest:
    """In: named clients, at the ports that it has, and whoever reads metrics at the one of that name. Out: everywhere, because
    nobody knows what it needs.
    """
    clients = [_client(endpoint) for endpoint in given.spec.network_policy.executor_clients]
    ports = [
        {"protocol": str(p.protocol), "port": p.container_port} for p in given.spec.executor.ports
    ]
    let_in = [{"from": clients, "ports": ports}] if clients and ports else []
    for port in given.spec.executor.ports:
        if port.name == "metrics":
            let_in += _scrape(given, port.container_port)
    return _policy(given, Component.EXECUTOR, ingress=let_in)


def _targets(given: DesiredInput) -> list[Manifest]:
    """Where target weights are fetched: a policy knows no names, so it is the port."""
    targets = given.spec.executor.targets
    return [] if targets is None else [{"ports": _ports(port_of(targets.url))}]


def _database(given: DesiredInput) -> list[Manifest]:
    """Only the Secret knows the ledger's database: its port is open to any address, where there is one."""
    database = given.spec.executor.database
    return [{"ports": _ports(database.postgres_port)}] if database.postgres_secret_ref else []


def _console(given: DesiredInput) -> Manifest:
    """In: port-forward, which needs no rule, and an Ingress where origins are allowed. Out: the screen, names.

    Its attempts at the API port are what shows whether policies are enforced at all.
    """
    gateway = _pods(given, Component.GATEWAY)
    return _policy(
        given,
        Component.CONSOLE,
        ingress=[
            {"from": [_operator(given)], "ports": _ports(PORT_NOVNC_ADMIN)},
            *_scrape(given, PORT_NOVNC_ADMIN),
            *([{"ports": _ports(names.PORT_NOVNC)}] if given.spec.novnc.allowed_origins else []),
        ],
        egress=[
            {"to": [gateway], "ports": _ports(names.PORT_VNC, names.PORT_SENTINEL)},
            _dns(),
        ],
    )
