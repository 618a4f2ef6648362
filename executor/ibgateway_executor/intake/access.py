"""Which Host a request may name. Pure.

This stops a web page that has had its own name resolve to this pod.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from ibgateway_api.names import child_names


def host_allowed(host: str, *, gateway: str, namespace: str) -> bool:
    """Whether a request's Host is an address, localhost or one of our Services' names."""
    name = _without_port(host).lower()
    if name in ("localhost", *_services(gateway, namespace)) or _is_address(name):
        return True
    return any(name.startswith(f"{s}.{namespace}.svc.") for s in _names(gateway))


def _names(gateway: str) -> tuple[str, str]:
    names = child_names(gateway)
    return names.executor, names.intake


def _services(gateway: str, namespace: str) -> Iterable[str]:
    for service in _names(gateway):
        yield from (service, f"{service}.{namespace}", f"{service}.{namespace}.svc")


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
