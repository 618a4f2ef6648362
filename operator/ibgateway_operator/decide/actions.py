"""What is to be done to a gateway beside its children: restart, replacement, a person's request. Pure."""

from dataclasses import dataclass, replace

from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.week import Window
from ibgateway_operator.decide.requests import RequestedLogin, requested_login
from ibgateway_operator.decide.stops import PlannedStop, drained, restart_id, restarted_on_request
from ibgateway_operator.decide.templates import never_started, pending_gateway
from ibgateway_operator.model.manifests import Manifest, is_terminating, name_of, uid_of
from ibgateway_operator.model.snapshot import Snapshot

UNDER_WAY = frozenset({LoginState.LOGGING_IN, LoginState.AWAITING_APPROVAL, LoginState.LOGGED_IN})


@dataclass(frozen=True)
class RestartGateway:
    """Ask the sentinel for the week's restart."""

    week: str


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
    """The request needs nothing more: the new pod's start answers it."""

    request: str


Action = RestartGateway | ReplacePod | RequestLogin | IgnoreRequest | SettleRequested


def actions(snapshot: Snapshot, week: Window, stop: PlannedStop | None) -> tuple[Action, ...]:
    """What to do now, in order. `stop` is the planned stop that has drained."""
    planned = _planned(snapshot, week, stop)
    request = requested_login(snapshot)
    asked = _asked(snapshot, week, request) if request is not None else None
    if isinstance(planned, ReplacePod) and isinstance(asked, ReplacePod):
        return (replace(planned, for_request=asked.for_request),)
    return tuple(action for action in (planned, asked) if action is not None)


def _planned(snapshot: Snapshot, week: Window, stop: PlannedStop | None) -> Action | None:
    if stop is PlannedStop.RESTART:
        return RestartGateway(restart_id(week))
    if stop is PlannedStop.REPLACE or (stop is None and never_started(snapshot)):
        return _replacement(snapshot)
    return None


def _asked(snapshot: Snapshot, week: Window, request: RequestedLogin) -> Action | None:
    if request.refused:
        return IgnoreRequest(request.id, request.refused)
    if pending_gateway(snapshot):
        replacement = _replacement(snapshot) if drained(snapshot, PlannedStop.REPLACE) else None
        return replacement and replace(replacement, for_request=request.id)
    if snapshot.replaced_for == request.id and not _permit_refused(snapshot):
        return SettleRequested(request.id) if _under_way(snapshot) else None
    if restarted_on_request(snapshot, week):
        return RequestLogin(request.id) if drained(snapshot, PlannedStop.RESTART) else None
    return RequestLogin(request.id, pushes=not snapshot.logged_in)


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
