"""Tells people of what only the operator knows: a silent gateway, its setup, the executor and what it says of orders, rebalances and copies.

What is sent runs beside the reconcile and never holds it up. What was told is in the status, so that the next operator
tells nothing twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

from ibgateway_api.names import Component, Key
from ibgateway_api.notifications import Episode, Subject
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_operator.model.people import PeopleMemory
from ibgateway_operator.model.snapshot import IBGateway, Snapshot
from ibgateway_operator.observe.observer import Observer
from ibgateway_operator.observe.people import People
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.delivery import told_before
from ibgateway_operator.status.readings import readings
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.notifications.notifier import Notifier, Sending, Told

LOOK_SECONDS: Final = 30.0
"""How often a gateway is looked at while the clock alone may bring a message, or one is on its way."""


@dataclass(frozen=True)
class OperatorNotifications:
    """The operator's messages. `courier` sends them, `on_told` asks for another look, `count` counts letters."""

    people: People
    observer: Observer
    courier: Sending
    on_told: Callable[[Key], None]
    count: Callable[[str], None]

    async def look(self, snapshot: Snapshot, memory: GatewayMemory) -> None:
        """Learn what is due to be known; nothing where nobody is to be told."""
        gateway, mine = snapshot.gateway, memory.people
        secret = _secret(gateway)
        if not secret:
            if mine.telling is not None or mine.secret:
                mine.stop()
                memory.people = PeopleMemory()
            return
        await self.people.look(gateway.key, secret, mine)
        endpoint = self.observer.endpoint(gateway.key, Component.EXECUTOR)
        mine.executor = (endpoint.url, endpoint.host, endpoint.token) if endpoint else None
        if endpoint is None:
            mine.executor_says = None
        await self.people.ask(mine)
        if mine.telling is None:
            mine.telling = self._notifier(gateway, mine)

    def tell(self, assessment: Assessment, memory: GatewayMemory) -> None:
        """Fold what was concluded into messages."""
        spec, telling = assessment.snapshot.gateway.spec, memory.people.telling
        if spec is None or telling is None:
            return
        wanted = spec.notifications
        telling.see(
            readings(assessment),
            minimum=wanted.minimum_severity,
            batch_seconds=wanted.batch_seconds,
        )
        if telling.trouble():
            self.people.soon(memory.people)

    def next(self, memory: GatewayMemory) -> float:
        """Seconds until the clock alone may change something."""
        if memory.people.telling is None:
            return float("inf")
        look = self.people.look_due(memory.people)
        return min(look, LOOK_SECONDS) if memory.people.telling.waits() else look

    async def still(self, memory: GatewayMemory) -> bool:
        """Whether the executor, where it is time to ask it, says what it said."""
        return not await self.people.ask(memory.people)

    def due(self, memory: GatewayMemory) -> float:
        """Seconds until the executor is asked."""
        return self.people.due(memory.people)

    def _notifier(self, gateway: IBGateway, memory: PeopleMemory) -> Notifier:
        def addresses() -> tuple[str, ...]:
            if memory.no_addresses:
                raise SettingsError(memory.no_addresses)
            return tuple(memory.addresses)

        return Notifier(
            str(gateway.key),
            courier=self.courier,
            addresses=addresses,
            clock=self.observer.clock,
            on_told=Told(partial(self._kept, gateway.key), self.count),
            told=told_before(gateway.status),
        )

    def _kept(self, key: Key, told: Mapping[Subject, Episode]) -> None:
        """What was told goes into the status with the next look."""
        self.on_told(key)


def _secret(gateway: IBGateway) -> str:
    """The Secret's name; empty where nobody is to be told."""
    named = gateway.spec.notifications.secret_ref if gateway.spec and gateway.is_served else None
    return named.name if named else ""
