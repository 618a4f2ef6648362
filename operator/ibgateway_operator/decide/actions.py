"""What is to be done to a gateway beside its children: restart, replacement, a person's request. Pure."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.week import Window
from ibgateway_operator.decide.handovers import handed_back, handover_said
from ibgateway_operator.decide.requests import RequestedLogin, requested_login
from ibgateway_operator.decide.restart_times import restart_id
from ibgateway_operator.decide.stops import (
    PlannedStop,
    drained,
    drained_for_any,
    restarted_on_request,
)
from ibgateway_operator.decide.templates import never_started, pending_executor, pending_gateway
from ibgateway_operator.decide.turns import may_push, turn_to_give
from ibgateway_operator.model.manifests import Manifest, is_terminating, name_of, uid_of
from ibgateway_operator.model.snapshot import IBGateway, Snapshot, container_backs_off

LOGIN_WAITS_SECONDS: Final = 5.0
"""How long a login that was asked for waits, so that the executor's template is taken with it."""
MOUNTED_WITHIN_SECONDS: Final = 5.0
"""A pod that was told of a changed Secret has it by then; the kubelet takes about a second."""
UNDER_WAY: Final = frozenset(
    {LoginState.LOGGING_IN, LoginState.AWAITING_APPROVAL, LoginState.LOGGED_IN}
)


@dataclass(frozen=True)
class RestartGateway:
    """Ask the sentinel for the week's restart."""

    week: str


@dataclass(frozen=True)
class StartHandover:
    """Have the sentinel end the login, until a person no longer wants it for themselves."""

    handover: str
    until: datetime


@dataclass(frozen=True)
class GiveTurn:
    """Let the sentinel begin one attempt that pushes, until then."""

    turn: str
    until: datetime


@dataclass(frozen=True)
class EndHandover:
    """Have the login back before its time."""

    handover: str


@dataclass(frozen=True)
class ReplacePod:
    """Delete the gateway's pod, so that it comes again with the template that waited."""

    pod: str
    uid: str
    revision: str
    for_request: str = ""


@dataclass(frozen=True)
class RequestLogin:
    """Hand a person's request to the sentinel; `pushes`: it will lead to a push."""

    request: str
    pushes: bool = True


@dataclass(frozen=True)
class IgnoreRequest:
    """Say why a request is ignored."""

    request: str
    why: str


@dataclass(frozen=True)
class SettleRequested:
    """The request needs nothing more: the new pod's start answers it, or the executor is replaced."""

    request: str
    executor: str = ""
    """The template that the executor takes for it."""


Action = (
    RestartGateway
    | GiveTurn
    | StartHandover
    | EndHandover
    | ReplacePod
    | RequestLogin
    | IgnoreRequest
    | SettleRequested
)


def actions(snapshot: Snapshot, week: Window, stop: PlannedStop | None) -> tuple[Action, ...]:
    """What to do now, in order. `stop` is the planned stop that has drained."""
    planned = _planned(snapshot, week, stop)
    request = requested_login(snapshot)
    held = request is None or _waits_for_turn(snapshot, week, request)
    asked = None if request is None or held else _asked(snapshot, week, request)
    turn = turn_to_give(snapshot)
    given = GiveTurn(turn.id, turn.until) if turn else None
    if isinstance(planned, ReplacePod) and isinstance(asked, ReplacePod):
        planned, asked = replace(planned, for_request=asked.for_request), None
    return tuple(action for action in (given, planned, asked) if action is not None)


def _planned(snapshot: Snapshot, week: Window, stop: PlannedStop | None) -> Action | None:
    if handing := _handing(snapshot, stop):
        return handing
    if stop is not None and not may_push(snapshot):
        return None
    if stop is PlannedStop.RESTART:
        return RestartGateway(restart_id(week))
    if stop is PlannedStop.REPLACE or (stop is None and never_started(snapshot)):
        return _replacement(snapshot)
    return None


def _handing(snapshot: Snapshot, stop: PlannedStop | None) -> StartHandover | EndHandover | None:
    """To a person and back; a login that is not there has nothing to drain."""
    if given_back := handed_back(snapshot):
        return EndHandover(given_back)
    due = handover_said(snapshot)
    if due is None or due.until is None:
        return None
    drained_for_it = stop is PlannedStop.HANDOVER or not snapshot.logged_in
    return StartHandover(due.id, due.until) if drained_for_it else None


def _asked(snapshot: Snapshot, week: Window, request: RequestedLogin) -> Action | None:
    if request.refused:
        return IgnoreRequest(request.id, request.refused)
    if snapshot.rotation and snapshot.rotation.known_for < MOUNTED_WITHIN_SECONDS:
        return None
    if _backed_off(snapshot) and snapshot.replaced_for != request.id:
        return _replaced_for(snapshot, request)
    if pending_gateway(snapshot):
        return _replaced_for(snapshot, request) if drained(snapshot, PlannedStop.REPLACE) else None
    if snapshot.replaced_for == request.id and not _permit_refused(snapshot):
        return SettleRequested(request.id) if _under_way(snapshot) else None
    return _handed_on(snapshot, week, request)


def _waits_for_turn(snapshot: Snapshot, week: Window, request: RequestedLogin) -> bool:
    """Whether what is asked for may lead to a push, and another one may wait at the same person."""
    if request.refused or may_push(snapshot):
        return False
    ends = restarted_on_request(snapshot, week) or bool(pending_gateway(snapshot))
    return ends or not snapshot.logged_in


def _replaced_for(snapshot: Snapshot, request: RequestedLogin) -> Action | None:
    replacement = _replacement(snapshot)
    return replacement and replace(replacement, for_request=request.id)


def _backed_off(snapshot: Snapshot) -> bool:
    """Whether the kubelet holds the gateway's start back: nothing runs in it that could be lost."""
    return container_backs_off(snapshot.pod(Component.GATEWAY), Component.GATEWAY)


def _handed_on(snapshot: Snapshot, week: Window, request: RequestedLogin) -> Action | None:
    """To the sentinel, but for a request whose only matter is the executor's template."""
    if restarted_on_request(snapshot, week):
        return RequestLogin(request.id) if drained(snapshot, PlannedStop.RESTART) else None
    executor = pending_executor(snapshot)
    if snapshot.logged_in and _is_new(snapshot.gateway):
        return None
    if executor and snapshot.logged_in:
        return SettleRequested(request.id, executor) if drained_for_any(snapshot) else None
    if executor and not _login_comes_first(snapshot):
        return None
    return RequestLogin(request.id, pushes=not snapshot.logged_in)


def _is_new(gateway: IBGateway) -> bool:
    """Whether no status speaks of this spec yet: what waits of it is known with the first one."""
    return gateway.status.observed_generation < gateway.generation


def _login_comes_first(snapshot: Snapshot) -> bool:
    """Whether a login does not wait for the executor any more: somebody stands there with a phone."""
    waited = snapshot.drain.waited if snapshot.drain else 0.0
    return drained_for_any(snapshot) or waited > LOGIN_WAITS_SECONDS


def _replacement(snapshot: Snapshot) -> ReplacePod | None:
    pod: Manifest | None = snapshot.pod(Component.GATEWAY)
    if pod is None or is_terminating(pod):
        return None
    return ReplacePod(name_of(pod), uid_of(pod), pending_gateway(snapshot))


def _under_way(snapshot: Snapshot) -> bool:
    return snapshot.report is not None and snapshot.report.state in UNDER_WAY


def _permit_refused(snapshot: Snapshot) -> bool:
    """Whether the new pod's sentinel waits for a request because the budget says no."""
    return snapshot.report is not None and snapshot.report.waiting is not None
