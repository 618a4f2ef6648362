"""Carrying out the decided actions: the sentinel is asked, or the gateway's pod is replaced.

Effects only; whether something is due is said by `decide`. What could not be carried out is decided
again at the next look.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import assert_never

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import EventReason
from ibgateway_operator.decide.actions import (
    Action,
    EndHandover,
    GiveTurn,
    IgnoreRequest,
    ReplacePod,
    RequestLogin,
    RestartGateway,
    SettleRequested,
    StartHandover,
)
from ibgateway_operator.errors import ConflictError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.model.kinds import POD
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_operator.model.times import rfc3339
from ibgateway_operator.observe.observer import Observer
from ibgateway_operator.status.handover_events import handover_refused
from ibgateway_operator.status.pending_event import EventType, PendingEvent
from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint, HttpClient
from ibgateway_runtime.sentinel_client import (
    give_turn,
    request_handover,
    request_login,
    request_restart,
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """What an action came to: the request it handled or ignored, if any, and what to say."""

    handled: str = ""
    ignored: str = ""
    event: PendingEvent | None = None


@dataclass(frozen=True)
class Lifecycle:
    """Restarts, replaces and asks."""

    api_server: ApiServer
    http: HttpClient
    observer: Observer

    async def carry_out(self, key: Key, memory: GatewayMemory, action: Action) -> Done:
        """One action."""
        match action:
            case RestartGateway():
                return await self._restart(key, action)
            case GiveTurn() | StartHandover() | EndHandover():
                return await self._tell(key, action)
            case ReplacePod():
                return await self._replace(key, memory, action)
            case RequestLogin():
                return await self._request(key, action)
            case IgnoreRequest():
                return Done(ignored=action.request, event=_ignored(action))
            case SettleRequested():
                return Done(handled=action.request, event=_settled(action))
            case _:  # pragma: no cover
                assert_never(action)

    async def _restart(self, key: Key, action: RestartGateway) -> Done:
        """Begin the week's restart in the same pod."""
        week = action.week
        answer = await self._asked(key, lambda to: request_restart(self.http, to, week))
        if answer is not None:
            return _refused(f"the weekly restart of {week}", answer)
        note = f"the weekly restart of {week} begins: a push follows"
        return Done(event=PendingEvent(EventReason.RESTART_BEGUN, note, action="Restart"))

    async def _tell(self, key: Key, action: GiveTurn | StartHandover | EndHandover) -> Done:
        """What the status has, and nobody else has to be asked for."""
        if not isinstance(action, GiveTurn):
            return await self._hand(key, action)
        turn, until = action.turn, action.until
        await self._asked(key, lambda to: give_turn(self.http, to, turn, until))
        return Done()

    async def _hand(self, key: Key, action: StartHandover | EndHandover) -> Done:
        """To a person, once the executor has drained and what it costs was said; or back, before its time."""
        until = action.until if isinstance(action, StartHandover) else None
        handover = action.handover
        answer = await self._asked(key, lambda to: request_handover(self.http, to, handover, until))
        if answer is not None:
            return Done(event=handover_refused(answer) if answer else None)
        if until is None:
            note, reason = (
                f"the login comes back before its time: {handover}",
                EventReason.HANDED_BACK,
            )
        else:
            note = f"a person has the login until {rfc3339(until)}: it ends now"
            reason = EventReason.HANDED_OVER
        return Done(event=PendingEvent(reason, note, action="Handover"))

    async def _replace(self, key: Key, memory: GatewayMemory, action: ReplacePod) -> Done:
        """Delete the gateway's pod, so that it comes again with the new template."""
        try:
            await self.api_server.delete(POD, Key(key.namespace, action.pod), uid=action.uid)
        except ConflictError:
            return Done()
        memory.replaced_for = action.for_request or memory.replaced_for
        why = (
            f"to take revision {action.revision}"
            if action.revision
            else "because the kubelet would delay its start: the new one starts at once"
        )
        note = f"pod {action.pod} is replaced {why}"
        return Done(event=PendingEvent(EventReason.POD_REPLACED, note, action="Restart"))

    async def _request(self, key: Key, action: RequestLogin) -> Done:
        request = action.request
        answer = await self._asked(key, lambda to: request_login(self.http, to, request))
        if answer is not None:
            return _refused(f"the login request of {request}", answer)
        what = (
            "a push follows"
            if action.pushes
            else "the week is authenticated, nothing is to be done"
        )
        note = f"the login request of {request} is taken: {what}"
        return Done(request, event=PendingEvent(EventReason.LOGIN_REQUESTED, note, action="Login"))

    async def _asked(self, key: Key, ask: Callable[[Endpoint], Awaitable[None]]) -> str | None:
        """None where the sentinel took it; else why it did not, in its words, empty where it is not heard."""
        endpoint = self.observer.endpoint(key, Component.GATEWAY)
        if endpoint is None:
            return ""
        try:
            await ask(endpoint)
        except EndpointRefusedError as error:
            return str(error)
        except EndpointUnavailableError as error:
            logger.warning("%s: the sentinel was not reached: %s", key, error)
            return ""
        return None


def _refused(what: str, answer: str) -> Done:
    """It is asked again for as long as it is due, with the executor still drained."""
    if not answer:
        return Done()
    note = f"{what} can't begin yet: {answer}"
    return Done(event=PendingEvent(EventReason.RESTART_REFUSED, note, EventType.WARNING, "Restart"))


def _settled(action: SettleRequested) -> PendingEvent | None:
    """The new pod's login says for itself that it was asked for; a new executor would not."""
    if not action.executor:
        return None
    note = (
        f"the request of {action.request} is taken: the executor takes template {action.executor},"
        " and no push follows"
    )
    return PendingEvent(EventReason.LOGIN_REQUESTED, note, action="Restart")


def _ignored(action: IgnoreRequest) -> PendingEvent:
    note = f"{names.ANNOTATION_LOGIN_REQUESTED_AT}={action.request} is ignored: {action.why}"
    return PendingEvent(EventReason.LOGIN_REQUEST_IGNORED, note, EventType.WARNING, "Login")
