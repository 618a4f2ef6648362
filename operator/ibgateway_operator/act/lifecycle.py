"""Carrying out what a stop or a person's request asks for: drain, then the sentinel or the pod.

Effects only; whether something is due is said by `intent`.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

from ibgateway_api import names
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import EventReason
from ibgateway_operator.act.drain import Drains
from ibgateway_operator.decide.gate import Verdict
from ibgateway_operator.decide.intent import (
    PlannedStop,
    RequestedLogin,
    executor_may_hold_orders,
    pending_gateway,
    restart_id,
)
from ibgateway_operator.errors import ConflictError, EndpointUnavailableError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import POD
from ibgateway_operator.model.manifests import name_of, uid_of
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.observe.observer import Observer, living
from ibgateway_operator.observe.sentinel import Sentinels
from ibgateway_operator.status.event_rules import EventType, PendingEvent

UNDER_WAY: Final = frozenset(
    {LoginState.LOGGING_IN, LoginState.AWAITING_APPROVAL, LoginState.LOGGED_IN}
)

logger = logging.getLogger(__name__)


@dataclass
class Lifecycle:
    """The hands that stop and start gateways."""

    cluster: ApiServer
    observer: Observer
    sentinels: Sentinels
    executors: Drains
    _replaced_for: dict[Key, str] = field(default_factory=dict)

    async def drained(self, seen: Snapshot, stop: PlannedStop) -> bool:
        """Whether nothing is unacknowledged at the broker. Only a running executor can know otherwise."""
        if not executor_may_hold_orders(seen):
            return True
        key = seen.gateway.key
        peer = self.observer.peer(key, Component.EXECUTOR)
        return await self.executors.drained(key, peer, stop)

    async def restart(
        self, seen: Snapshot, verdict: Verdict, stop: PlannedStop
    ) -> PendingEvent | None:
        """Begin the week's restart: by the sentinel in the same pod, or in a new pod for a new template."""
        if stop is PlannedStop.REPLACE:
            return await self.replace(seen)
        key = seen.gateway.key
        peer = self.observer.peer(key, Component.GATEWAY)
        week = restart_id(verdict)
        if peer is None or not await self._told(
            lambda: self.sentinels.request_restart(peer, week), key
        ):
            return None
        return PendingEvent(
            EventReason.RESTART_BEGUN,
            f"the weekly restart of {week} begins: a push follows",
            action="Restart",
        )

    async def replace(self, seen: Snapshot) -> PendingEvent | None:
        """Delete the gateway's pod, so that it comes again with the new template."""
        pod = seen.pod(Component.GATEWAY)
        if pod is None or not living(pod):
            return None
        place = Key(seen.gateway.key.namespace, name_of(pod))
        revision = pending_gateway(seen)
        try:
            await self.cluster.delete(POD, place, uid=uid_of(pod))
        except ConflictError:
            return None
        note = f"pod {place.name} is replaced to take revision {revision}"
        return PendingEvent(EventReason.POD_REPLACED, note, action="Restart")

    async def login(self, seen: Snapshot, wish: RequestedLogin) -> tuple[str, list[PendingEvent]]:
        """Hand on a person's request. Gives the handled request, old or new, and what to say."""
        before = seen.gateway.status.login.handled_request
        if wish.refused:
            note = f"{names.ANNOTATION_LOGIN_REQUESTED_AT}={wish.id} is ignored: {wish.refused}"
            return before, [
                PendingEvent(EventReason.LOGIN_REQUEST_IGNORED, note, EventType.WARNING, "Login")
            ]
        if pending_gateway(seen):
            return before, await self._replace_for(seen, wish)
        if self._replaced_for.get(seen.gateway.key) == wish.id and not _refused_permit(seen):
            return (wish.id if _under_way(seen) else before), []
        return await self._post_login(seen, wish, before)

    async def _replace_for(self, seen: Snapshot, wish: RequestedLogin) -> list[PendingEvent]:
        """A person is there to approve: the moment for a template that waits."""
        if not await self.drained(seen, PlannedStop.REPLACE):
            return []
        said = await self.replace(seen)
        if said is None:
            return []
        self._replaced_for[seen.gateway.key] = wish.id
        return [said]

    async def _post_login(
        self, seen: Snapshot, wish: RequestedLogin, before: str
    ) -> tuple[str, list[PendingEvent]]:
        key = seen.gateway.key
        peer = self.observer.peer(key, Component.GATEWAY)
        if peer is None or not await self._told(
            lambda: self.sentinels.request_login(peer, wish.id), key
        ):
            return before, []
        note = f"the login request of {wish.id} is taken: a push follows"
        return wish.id, [PendingEvent(EventReason.LOGIN_REQUESTED, note, action="Login")]

    async def _told(self, tell: Callable[[], Awaitable[None]], key: Key) -> bool:
        try:
            await tell()
        except EndpointUnavailableError as error:
            logger.warning("%s: the sentinel was not reached: %s", key, error)
            return False
        return True

    def forget(self, key: Key) -> None:
        """The IBGateway is gone."""
        self.executors.forget(key)
        self._replaced_for.pop(key, None)


def _under_way(seen: Snapshot) -> bool:
    report = seen.report
    return report is not None and report.state in UNDER_WAY


def _refused_permit(seen: Snapshot) -> bool:
    """Whether the new pod's sentinel waits for a request because the budget says no."""
    report = seen.report
    return report is not None and report.waiting is not None
