"""The Services: which port of which pods is reachable under which name. Pure."""

from ibgateway_api import names
from ibgateway_api.names import Component
from ibgateway_operator.desired.input import DesiredInput, manifest, selector
from ibgateway_operator.model.kinds import SERVICE
from ibgateway_operator.model.manifests import Manifest


def services(given: DesiredInput) -> list[Manifest]:
    """The gateway's two Services, the executor's two, the console's one; a program's have the ports that it has."""
    wanted = [_gateway(given), _gateway_pods(given)]
    if given.spec.executor.enabled and (ports := _trading_ports(given)):
        wanted += [_executor(given, ports), _intake(given, ports)]
    if given.spec.novnc.enabled:
        wanted.append(_novnc(given))
    return wanted


def _port(name: str, number: int, target: int | None = None) -> Manifest:
    return {"name": name, "port": number, "targetPort": target or number, "protocol": "TCP"}


def _service(given: DesiredInput, name: str, component: Component, spec: Manifest) -> Manifest:
    spec = {"type": "ClusterIP", "selector": selector(given, component), **spec}
    return manifest(given, SERVICE, name, component, spec=spec)


def _gateway(given: DesiredInput) -> Manifest:
    """The API on 4001 in both modes; endpoints only while the gateway is logged in."""
    ports = [_port("api", names.PORT_API, given.api_port)]
    return _service(given, given.children.gateway, Component.GATEWAY, {"ports": ports})


def _gateway_pods(given: DesiredInput) -> Manifest:
    """The pod's own name, also before it is ready: sentinel and VNC are needed most then."""
    ports = [
        _port("sentinel", names.PORT_SENTINEL),
        _port("metrics", names.PORT_SENTINEL_METRICS),
        _port("vnc", names.PORT_VNC),
    ]
    spec = {"clusterIP": "None", "publishNotReadyAddresses": True, "ports": ports}
    return _service(given, given.children.gateway_pods, Component.GATEWAY, spec)


def _trading_ports(given: DesiredInput) -> list[Manifest]:
    """The executor's port, or those of a program of one's own."""
    if given.spec.executor.runs_executor:
        return [_port("http", names.PORT_EXECUTOR)]
    theirs = given.spec.executor.ports
    return [{**_port(p.name, p.container_port), "protocol": p.protocol} for p in theirs]


def _executor(given: DesiredInput, ports: list[Manifest]) -> Manifest:
    """Answers only while trading is allowed."""
    return _service(given, given.children.executor, Component.EXECUTOR, {"ports": ports})


def _intake(given: DesiredInput, ports: list[Manifest]) -> Manifest:
    """Answers at any time: orders are stored."""
    spec = {"publishNotReadyAddresses": True, "ports": ports}
    return _service(given, given.children.intake, Component.EXECUTOR, spec)


def _novnc(given: DesiredInput) -> Manifest:
    ports = [_port("novnc", names.PORT_NOVNC)]
    return _service(given, given.children.novnc, Component.CONSOLE, {"ports": ports})
