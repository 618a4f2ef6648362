"""Which push wants its turn, whether it has it, and what is remembered of that. Pure."""

from datetime import datetime, timedelta
from typing import Final

from ibgateway_api.login import LoginState
from ibgateway_api.names import Key
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import TurnStatus
from ibgateway_api.week import Calendar, Window
from ibgateway_operator.decide.requests import requested_login
from ibgateway_operator.decide.stops import PlannedStop, planned_stop, restarted_on_request
from ibgateway_operator.decide.templates import pending_gateway
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.model.turns import Turn, TurnRank, WaitingPush

TURN_LIVES: Final = timedelta(minutes=5)
"""Until its attempt must begin: a clean stop before it takes its time."""
LONGEST_APPROVAL: Final = timedelta(minutes=15)
"""`approvalSeconds` at most; what an operator takes for granted that has read statuses alone."""
HELD_ON: Final = timedelta(minutes=1)
"""From the permit to the push."""


def person_of(spec: IBGatewaySpec | None, key: Key) -> str:
    """Whose phone gets the pushes: a name that counts everywhere, else a Secret of the namespace; or nobody's."""
    if spec is None:
        return ""
    if spec.login.person:
        return spec.login.person
    told = spec.notifications.secret_ref
    return f"{key.namespace}/{told.name}" if told else ""


def waiting_push(snapshot: Snapshot, week: Window, calendar: Calendar) -> WaitingPush | None:
    """The push that this gateway would send if it were its turn. A suspended one wants none."""
    if snapshot.gateway.suspend or snapshot.gateway.deleting or not snapshot.gateway.is_served:
        return None
    if _person_asks(snapshot, week):
        return WaitingPush(TurnRank.PERSON, _since(snapshot))
    waiting = snapshot.report.waiting if snapshot.report else None
    refused = waiting is not None and waiting.refusal == PermitRefusal.AWAITS_TURN
    planned = planned_stop(snapshot, week, calendar) in (PlannedStop.RESTART, PlannedStop.REPLACE)
    return WaitingPush(TurnRank.PLANNED, _since(snapshot)) if refused or planned else None


def _person_asks(snapshot: Snapshot, week: Window) -> bool:
    request = requested_login(snapshot)
    if request is None or request.refused:
        return False
    ends = restarted_on_request(snapshot, week) or bool(pending_gateway(snapshot))
    return ends or not snapshot.logged_in


def _since(snapshot: Snapshot) -> datetime:
    """Since when it waits; whose turn has passed waits at the end again."""
    before = snapshot.gateway.status.turn
    if before.since is None or before.id:
        return snapshot.now.replace(microsecond=0)
    return before.since


def turn_over(snapshot: Snapshot, turn: Turn) -> bool:
    """Whether the push of that turn was answered or missed, never came about, or can't come any more."""
    report = snapshot.report
    known = report is not None and report.turn is not None and report.turn.id == turn.id
    if known and report is not None and report.turn is not None and report.turn.over:
        return True
    return snapshot.gateway.suspend or snapshot.now >= _held_until(snapshot, turn)


def push_held_until(snapshot: Snapshot, turn: Turn | None) -> datetime | None:
    """Until when this gateway's push may wait at the person; None where none does."""
    if snapshot.gateway.suspend or snapshot.gateway.deleting:
        return None
    report = snapshot.report
    waits = report is not None and report.state is LoginState.AWAITING_APPROVAL
    deadline = report.deadline if report is not None and waits else None
    times = (_held_until(snapshot, turn) if turn else None, deadline)
    return max((t for t in times if t is not None), default=None)


def _held_until(snapshot: Snapshot, turn: Turn) -> datetime:
    spec = snapshot.gateway.spec
    approval = (
        timedelta(seconds=spec.login.approval_seconds) if spec is not None else LONGEST_APPROVAL
    )
    return turn.until + approval + HELD_ON


def turn_to_give(snapshot: Snapshot) -> Turn | None:
    """The turn that the status has and the sentinel has not: an operator that starts again gives no second one."""
    turn, said = snapshot.place.turn, snapshot.gateway.status.turn
    if turn is None or said.id != turn.id or snapshot.now >= turn.until:
        return None
    report = snapshot.report
    known = report is not None and report.turn is not None and report.turn.id == turn.id
    return None if known else turn


def may_push(snapshot: Snapshot) -> bool:
    """Whether a push may be asked for: the person has no other gateway, or the sentinel has its turn."""
    if not snapshot.place.shared:
        return True
    turn, report = snapshot.place.turn, snapshot.report
    if turn is None or report is None or report.turn is None:
        return False
    return report.turn.id == turn.id and not report.turn.over


def turn_status(snapshot: Snapshot, week: Window, calendar: Calendar) -> TurnStatus:
    """What is remembered: whose push it is, whom it is behind, and the turn that it has."""
    place, person = snapshot.place, person_of(snapshot.gateway.spec, snapshot.gateway.key)
    if not place.shared or not person:
        return TurnStatus()
    if place.turn is not None:
        since = snapshot.gateway.status.turn.since or snapshot.now.replace(microsecond=0)
        return TurnStatus(person=person, since=since, id=place.turn.id, until=place.turn.until)
    push = waiting_push(snapshot, week, calendar)
    behind = str(place.ahead) if place.ahead and push else ""
    return TurnStatus(person=person, since=push.since if push else None, behind=behind)
