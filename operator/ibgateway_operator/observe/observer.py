"""Puts together what is known of an IBGateway, from the cache and from those who listen. No I/O."""

from dataclasses import dataclass, field
from typing import Final

from ibgateway_api import names
from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.names import PORT_NOVNC_ADMIN, Component, Key
from ibgateway_operator.clock import Clock
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import IBGateway, Snapshot, parse, pod_ip, pod_of
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.http import AddressOf, Endpoint, by_address
from ibgateway_operator.observe.secrets import Secrets
from ibgateway_operator.observe.sentinel import Sentinels

_PORTS: Final = {
    Component.GATEWAY: names.PORT_SENTINEL,
    Component.EXECUTOR: names.PORT_EXECUTOR,
    Component.CONSOLE: PORT_NOVNC_ADMIN,
}


@dataclass
class Observer:
    """The one place where a `Snapshot` is made."""

    cache: Cache
    vault: Secrets
    sentinels: Sentinels
    consoles: Consoles
    clock: Clock
    address_of: AddressOf = by_address
    _parsed: dict[Key, tuple[str, IBGateway]] = field(default_factory=dict)
    _since: dict[Key, float] = field(default_factory=dict)

    def seen(self, key: Key) -> Snapshot | None:
        """Everything known now; None where there is no such IBGateway."""
        gateway = self.gateway(key)
        if gateway is None:
            return None
        bodies = self.cache.children(key)
        return Snapshot(
            gateway=gateway,
            now=self.clock.now(),
            credentials=self.vault.credentials(key),
            twin=self._twin(gateway),
            bodies=bodies,
            settling=self._settling(key, bodies),
            news=self.sentinels.news(key),
            age_of_news=self.sentinels.age(key),
            enforced=self.consoles.enforced(key),
        )

    def _settling(self, key: Key, bodies: tuple[Manifest, ...]) -> float:
        """Until a running sentinel can have been heard: a restarted operator must not blink."""
        now = self.clock.monotonic()
        since = self._since.setdefault(key, now)
        if self.sentinels.news(key) is not None or not pod_ip(pod_of(bodies, Component.GATEWAY)):
            return 0.0
        return max(since + NEWS_LIMIT_SECONDS - now, 0.0)

    def forget(self, key: Key) -> None:
        """The IBGateway is gone."""
        self._since.pop(key, None)
        self._parsed.pop(key, None)

    def gateway(self, key: Key) -> IBGateway | None:
        """The IBGateway, parsed once a version."""
        body = self.cache.gateway(key)
        if body is None:
            self._parsed.pop(key, None)
            return None
        version = str(body["metadata"].get("resourceVersion", ""))
        known = self._parsed.get(key)
        if known is None or known[0] != version:
            known = self._parsed[key] = (version, parse(body))
        return known[1]

    def elders(self, gateway: IBGateway) -> list[IBGateway]:
        """Every IBGateway that was there before this one."""
        others = (self.gateway(key) for key in self.cache.gateways() if key != gateway.key)
        mine = (gateway.created, gateway.key)
        return [g for g in others if g is not None and (g.created, g.key) < mine]

    def _twin(self, gateway: IBGateway) -> Key | None:
        mine = self.vault.credentials(gateway.key)
        if mine is None or not mine.user:
            return None
        for elder in self.elders(gateway):
            theirs = self.vault.credentials(elder.key)
            if theirs is not None and theirs.user == mine.user:
                return elder.key
        return None

    def peer(self, key: Key, component: Component) -> Endpoint | None:
        """Where a component's program answers; None while it has no address or no token is known."""
        pod = pod_of(self.cache.children(key), component)
        address, token = pod_ip(pod), self.vault.agent_token(key)
        if not address or not token:
            return None
        port = _PORTS[component]
        return Endpoint(self.address_of(address, port), _host(key, component, port), token)


def _host(key: Key, component: Component, port: int) -> str:
    children = names.child_names(key.name)
    known_as = {
        Component.GATEWAY: children.sentinel_host(key.namespace),
        Component.EXECUTOR: f"{children.intake}.{key.namespace}.svc",
        Component.CONSOLE: f"{children.novnc}.{key.namespace}.svc",
    }
    return f"{known_as[component]}:{port}"


def living(body: Manifest | None) -> bool:
    """Whether an object is there and stays."""
    return body is not None and not body["metadata"].get("deletionTimestamp")
