"""Which Host a request may name. Pure.

This stops a web page that has had its own name resolve to this pod.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from ibgateway_api.names import child_names

CLUSTER_DOMAIN: Final = "cluster.local"
"""What Services' full names end in, where nothing else is known."""
_HOST: Final = re.compile(r"(?:\[([0-9a-f:.]+)\]|([0-9a-z.-]+))(?::[0-9]{1,5})?")


def host_allowed(host: str, *, gateway: str, namespace: str, domain: str = CLUSTER_DOMAIN) -> bool:
    """Whether a request's Host is an address, localhost or one of our Services' names, exactly."""
    found = _HOST.fullmatch(host.lower())
    if found is None:
        return False
    name = found[1] or found[2].removesuffix(".")
    return name == "localhost" or _is_address(name) or name in _services(gateway, namespace, domain)


def cluster_domain(resolv_conf: str) -> str:
    """The cluster's domain by a pod's /etc/resolv.conf: it searches `svc.DOMAIN`."""
    for line in resolv_conf.splitlines():
        word, *names = line.split() or [""]
        found = [name[4:].rstrip(".") for name in names if name.startswith("svc.")]
        if word == "search" and found:
            return found[0]
    return CLUSTER_DOMAIN


def _services(gateway: str, namespace: str, domain: str) -> Iterable[str]:
    names = child_names(gateway)
    for service in (names.executor, names.intake):
        inside = f"{service}.{namespace}"
        yield from (service, inside, f"{inside}.svc", f"{inside}.svc.{domain}")


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
