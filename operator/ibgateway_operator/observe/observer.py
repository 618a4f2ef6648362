"""Takes the snapshot of an IBGateway: first asks what is due to be asked, then puts it together."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final
from weakref import WeakValueDictionary

from ibgateway_api import names
from ibgateway_api.conditions import ConditionType
from ibgateway_api.names import PORT_NOVNC_ADMIN, Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.week import Calendar
from ibgateway_operator.decide.gate import week_of
from ibgateway_operator.decide.served_spec import served, serving
from ibgateway_operator.decide.stops import stop_to_drain_for
from ibgateway_operator.decide.turns import (
    HELD_ON,
    LONGEST_APPROVAL,
    TURN_LIVES,
    person_of,
    push_held_until,
    turn_over,
    waiting_push,
)
from ibgateway_operator.errors import OperatorError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.model.kinds import POD, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, name_of, uid_of
from ibgateway_operator.model.memory import DrainMemory, GatewayMemory, Memories
from ibgateway_operator.model.snapshot import (
    Drain,
    IBGateway,
    SecretChange,
    Snapshot,
    SpecCheck,
    is_program,
    parse,
    pod_ip,
    pod_of,
)
from ibgateway_operator.model.times import micro_time
from ibgateway_operator.model.turns import Turn
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.drain import Drains
from ibgateway_operator.observe.executor import Executors
from ibgateway_operator.observe.patience import (
    BEGINNING_SECONDS,
    UNHEARD_SECONDS,
    beginning,
    settling,
)
from ibgateway_operator.observe.secrets import Secrets
from ibgateway_operator.observe.user_names import UserNames
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.http_client import Endpoint

_PORTS: Final = {
    Component.GATEWAY: names.PORT_SENTINEL,
    Component.EXECUTOR: names.PORT_EXECUTOR,
    Component.CONSOLE: PORT_NOVNC_ADMIN,
}

PARSED_GATEWAYS: Final = 32
"""As many as are in work at once; each takes 30 KiB."""
AddressOf = Callable[[str, int], str]
"""From a pod's address and a port to a base address."""

logger = logging.getLogger(__name__)


def by_address(ip: str, port: int) -> str:
    """The base address of a pod; IPv6 in brackets."""
    return f"http://[{ip}]:{port}" if ":" in ip else f"http://{ip}:{port}"


@dataclass(frozen=True)
class Observer:
    """The one place where a `Snapshot` is made."""

    cache: Cache
    memories: Memories
    secrets: Secrets
    consoles: Consoles
    executors: Executors
    drains: Drains
    clock: Clock
    calendar: Calendar
    address_of: AddressOf = by_address
    patience: float = BEGINNING_SECONDS
    """Seconds for which a new gateway may come up before anything is said of it."""
    on_turn: Callable[[Key], None] = lambda _: None
    """Told of a gateway for whose push something has changed."""
    parsed: OrderedDict[Key, IBGateway] = field(default_factory=OrderedDict)
    """The IBGateways that were looked at last."""
    users: UserNames = field(default_factory=UserNames)
    _all: asyncio.Lock = field(default_factory=asyncio.Lock)
    """One looks at the Secrets of all that are new; the others wait for it."""
    _tokens: "WeakValueDictionary[Key, asyncio.Lock]" = field(default_factory=WeakValueDictionary)
    """Agent tokens that are being read."""
    _looks: "WeakValueDictionary[Key, asyncio.Lock]" = field(default_factory=WeakValueDictionary)
    """Looks under way: who asks for the same one waits for its answer."""

    async def observe(self, key: Key) -> Snapshot | None:
        """Ask Secrets and executor what is due, then look; None where it is gone."""
        gateway, memory = self.gateway(key), self.memory(key)
        if gateway is None or memory is None:
            return None
        await self._look_at_secrets(gateway, memory)
        now = self.snapshot(key)
        if now is not None and (stop := stop_to_drain_for(now, self.calendar)):
            executor = self.endpoint(key, Component.EXECUTOR)
            await self.drains.ask(memory, stop, executor, self.endpoint(key, Component.GATEWAY))
            now = self.snapshot(key)
        elif now is not None:
            memory.drain = None
            now = replace(now, drain=None)
        return self._take_turn(now, memory) if now is not None else None

    def _take_turn(self, seen: Snapshot, memory: GatewayMemory) -> Snapshot:
        """Line up for a push, or take the turn where nobody is ahead: in one step, so two never do. Gives what is seen then."""
        key, turns = seen.gateway.key, self.memories.turns
        if not turns.begun:
            bodies = (self.cache.gateway(other) for other in self.cache.gateways())
            turns.begin((b for b in bodies if b is not None), LONGEST_APPROVAL + HELD_ON)
        now = serving(seen)
        if not memory.turn_read:
            memory.turn_read, said = True, now.gateway.status.turn
            memory.turn = Turn(said.id, said.until) if said.id and said.until else None
        if memory.turn is not None and turn_over(now, memory.turn):
            memory.turn = None
        person = person_of(now.gateway.spec, key)
        push = waiting_push(now, week_of(now, self.calendar), self.calendar)
        asks = push if memory.turn is None else None
        held = push_held_until(now, memory.turn)
        changed = turns.see(key, person, push=asks, held_until=held)
        if turns.place(key, now.now, None).shared and turns.may_push(key, now.now):
            memory.turn = Turn(micro_time(now.now), now.now.replace(microsecond=0) + TURN_LIVES)
            held = push_held_until(now, memory.turn)
            changed |= turns.see(key, person, push=None, held_until=held)
        for other in changed:
            self.on_turn(other)
        return replace(seen, place=turns.place(key, seen.now, memory.turn))

    async def look_at_console(self, key: Key, memory: GatewayMemory) -> None:
        """Ask the console what is due: after everything else, because it may take its time."""
        at = self.endpoint(key, Component.CONSOLE)
        memory.console.address = (at.url, at.host) if at else None
        await self.consoles.look(memory.console)

    async def look_at_executor(self, key: Key, memory: GatewayMemory, *, unexplained: bool) -> None:
        """Ask the executor why it is not ready, where nothing else explains it."""
        endpoint = self.endpoint(key, Component.EXECUTOR) if unexplained else None
        await self.executors.look(memory.executor, endpoint)

    def snapshot(self, key: Key) -> Snapshot | None:
        """Everything known now, without asking anybody; None where there is no such IBGateway."""
        gateway, memory = self.gateway(key), self.memory(key)
        if gateway is None or memory is None:
            return None
        bodies, listening, drain = self.cache.children(key), memory.listening, memory.drain
        return Snapshot(
            gateway=gateway,
            now=self.clock.now(),
            credentials=memory.secrets.credentials,
            rotation=self._rotation(memory),
            duplicate=self._duplicate(gateway, memory),
            bodies=bodies,
            settling=self.settling(key, memory),
            report=listening.report if listening else None,
            age_of_news=listening.age if listening else float("inf"),
            enforced=self._enforced(gateway, memory),
            executor_says=memory.executor.report,
            delivery=memory.people.seen(),
            drain=self._drain(drain) if drain else None,
            place=self.memories.turns.place(key, self.clock.now(), memory.turn),
            replaced_for=memory.replaced_for,
            open_for=self._open_for(memory),
        )

    def _open_for(self, memory: GatewayMemory) -> float:
        return 0.0 if memory.open_since is None else self.clock.monotonic() - memory.open_since

    def _enforced(self, gateway: IBGateway, memory: GatewayMemory) -> bool | None:
        """The console's word; until it could be asked, what it said to the operator before this one."""
        young = self.clock.monotonic() - memory.since < UNHEARD_SECONDS
        if memory.console.enforced is not None or not young:
            return memory.console.enforced
        kind = ConditionType.NETWORK_POLICY_ENFORCED
        before = next((c for c in gateway.status.conditions if c.type == kind), None)
        said: dict[str, bool] = {
            ConditionReason.POLICY_ENFORCED: True,
            ConditionReason.POLICY_NOT_ENFORCED: False,
        }
        return said.get(before.reason) if before else None

    def _rotation(self, memory: GatewayMemory) -> SecretChange | None:
        seen, at = memory.secrets.credentials, memory.secrets.rotated_at
        if seen is None or at is None:
            return None
        return SecretChange(seen.version, self.clock.monotonic() - at)

    def _drain(self, drain: DrainMemory) -> Drain:
        waited = self.clock.monotonic() - drain.since
        return Drain(drain.stop, drain.report, waited, drain.programs)

    def settling(self, key: Key, memory: GatewayMemory) -> float:
        """Seconds for which nothing is concluded from silence; asks nobody and looks at little."""
        body, pods = self.cache.gateway(key), self.cache.children(key, POD.kind)
        return settling(body or {}, memory, pods, self.clock.monotonic())

    def beginning(self, key: Key, memory: GatewayMemory) -> float:
        """Seconds for which a gateway that was just made may come up before anything is said of it."""
        body = self.cache.gateway(key) or {}
        return beginning(body, memory, self.patience, self.clock.monotonic())

    def memory(self, key: Key) -> GatewayMemory | None:
        """What is remembered of this very resource; None where there is no such IBGateway."""
        body = self.cache.gateway(key)
        return self.memories.of(key, uid_of(body)) if body is not None else None

    def gateway(self, key: Key) -> IBGateway | None:
        """The IBGateway as it is served: parsed once a version, checked once a generation."""
        body = self.cache.gateway(key)
        if body is None:
            return None
        version = str(body["metadata"].get("resourceVersion", ""))
        known = self.parsed.get(key)
        if known is None or (known.uid, known.resource_version) != (uid_of(body), version):
            known = self._served(body, known)
            self.parsed[key] = known
            while len(self.parsed) > PARSED_GATEWAYS:
                self.parsed.popitem(last=False)
        self.parsed.move_to_end(key)
        return known

    def _served(self, body: Manifest, before: IBGateway | None) -> IBGateway:
        gateway = parse(body, before)
        memory = self.memories.of(gateway.key, gateway.uid)
        checked = served(gateway, self.clock.now(), self.calendar, memory.spec_check)
        memory.spec_check = SpecCheck(checked.generation, checked.refusal)
        return checked

    async def _look_at_secrets(self, gateway: IBGateway, memory: GatewayMemory) -> None:
        """This one's Secret, and once those of all others: two must not share a user name."""
        if not gateway.is_served:
            return
        await self._look(gateway, memory)
        async with self._all:
            unseen = self.users.unseen(self.cache.gateways())
            await asyncio.gather(*(self._look_at(key) for key in unseen))

    async def _look_at(self, key: Key) -> None:
        gateway, memory = self.gateway(key), self.memory(key)
        # One whose look has failed asks again itself: else each of a thousand would wait for it in turn.
        if gateway is not None and memory is not None and not memory.secrets.trouble:
            await self._look(gateway, memory)

    async def _look(self, gateway: IBGateway, memory: GatewayMemory) -> None:
        """What can't be asked leaves what was seen last, and says so."""
        look = self._looks.setdefault(gateway.key, asyncio.Lock())
        async with look:
            try:
                await self.secrets.look(gateway, memory.secrets)
            except OperatorError as error:
                memory.secrets.trouble = f"the credentials Secret could not be looked at: {error}"
                return
        memory.secrets.trouble = ""
        found = memory.secrets.credentials
        if found is not None and self.memories.get(gateway.key) is memory:
            self.users.saw(gateway.key, found.user)

    def forget(self, key: Key) -> bool:
        """The IBGateway is gone; False where nothing was remembered."""
        self.users.forget(key)
        self.leave_queue(key)
        return self.memories.forget(key)

    def leave_queue(self, key: Key) -> None:
        """It holds up nobody any more."""
        for other in self.memories.turns.forget(key):
            self.on_turn(other)

    async def know_agent_token(self, key: Key, memory: GatewayMemory) -> None:
        """The token of a gateway that runs already: needed before anything is applied. Read once."""
        if not pod_ip(pod_of(self.cache.children(key, POD.kind), Component.GATEWAY)):
            return
        reading = self._tokens.setdefault(key, asyncio.Lock())
        async with reading:
            if memory.secrets.agent_token:
                return
            try:
                await self.secrets.read_agent_token(key, memory.uid, memory.secrets)
            except OperatorError as error:
                logger.warning("%s: the agent token can't be read yet: %s", key, error)

    def _duplicate(self, gateway: IBGateway, memory: GatewayMemory) -> Key | None:
        mine = memory.secrets.credentials
        if mine is None or not mine.user:
            return None
        others = (self.gateway(key) for key in self.users.of(mine.user) if key != gateway.key)
        for other in others:
            if other and self._comes_first(other, gateway) and self._uses(other, mine.user):
                return other.key
        return None

    def _comes_first(self, other: IBGateway, gateway: IBGateway) -> bool:
        """The older one does, but a suspended one that has stopped gives way to whoever runs."""
        if (other.created, other.key) < (gateway.created, gateway.key):
            return not other.suspend or self._runs(other)
        return self._runs(other) and not self._runs(gateway)

    def _runs(self, gateway: IBGateway) -> bool:
        """Whether it may have a session at IBKR, or is about to."""
        bodies = self.cache.children(gateway.key)
        name = names.child_names(gateway.key.name).gateway
        started = any(
            b["kind"] == STATEFUL_SET.kind and name_of(b) == name and b["spec"].get("replicas")
            for b in bodies
        )
        return started or pod_of(bodies, Component.GATEWAY) is not None

    def _uses(self, other: IBGateway, user: str) -> bool:
        """Whether this is still so: the index only says where to look."""
        theirs = self.memories.of(other.key, other.uid).secrets.credentials
        return theirs is not None and theirs.user == user

    def endpoint(self, key: Key, component: Component) -> Endpoint | None:
        """Where a component's program answers; None while it has no address or its token is not known.

        None for a program of one's own as well: what it answers, and to whom, is its own matter. The agent token goes to those that mount it: the console faces browsers, asks for none and gets none.
        """
        pods = self.cache.children(key, POD.kind)
        memory, pod = self.memory(key), pod_of(pods, component)
        if component is Component.EXECUTOR and is_program(pod):
            return None
        address = pod_ip(pod)
        if memory is None or not address:
            return None
        port = _PORTS[component]
        url, host = self.address_of(address, port), _host(key, component, port)
        if component is Component.CONSOLE:
            return Endpoint(url, host)
        token = memory.secrets.agent_token
        return Endpoint(url, host, token) if token else None


def _host(key: Key, component: Component, port: int) -> str:
    children = names.child_names(key.name)
    known_as = {
        Component.GATEWAY: children.sentinel_host(key.namespace),
        Component.EXECUTOR: f"{children.intake}.{key.namespace}.svc",
        Component.CONSOLE: f"{children.novnc}.{key.namespace}.svc",
    }
    return f"{known_as[component]}:{port}"
