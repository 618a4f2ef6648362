"""One small pure function a condition: what is seen, as a status, a reason and a sentence.

Every reason is listed in docs/conditions.md with its meaning and what to do; a test compares.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from ibgateway_api.advice import CONFLICT_BEFORE_CLOSE, LOGIN_ADVICE, lost_for_long, why_refused
from ibgateway_api.conditions import ConditionStatus
from ibgateway_api.gate import NEWS_LIMIT_SECONDS, Closed, GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.names import Component
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.reports import SentinelReport
from ibgateway_api.status import HandoverStatus, TurnStatus
from ibgateway_operator.decide.gate import OPEN_MESSAGE, GateVerdict
from ibgateway_operator.decide.holds import read_only, unexpected_account
from ibgateway_operator.decide.pauses import resume_ignored
from ibgateway_operator.decide.replicas import policy_doubt
from ibgateway_operator.model.manifests import condition_status
from ibgateway_operator.model.snapshot import (
    Finding,
    Snapshot,
    is_program,
    unmade_pod,
    waiting_reason,
)
from ibgateway_operator.model.times import rfc3339
from ibgateway_operator.status.handover_events import handover_message

TRUE: Final = ConditionStatus.TRUE
FALSE: Final = ConditionStatus.FALSE
UNKNOWN: Final = ConditionStatus.UNKNOWN

Observation = tuple[ConditionStatus, Finding]
"""A condition's status, with its reason and message."""


@dataclass(frozen=True)
class Assessment:
    """What is seen and what was concluded from it."""

    snapshot: Snapshot
    verdict: GateVerdict
    refusal: Finding | None = None
    blocker: Finding | None = None
    overdue: bool = False
    """The week's restart was missed: a person must say when."""
    findings: tuple[Finding, ...] = ()
    """What applying the children ran into."""
    handover: HandoverStatus = field(default_factory=HandoverStatus)
    """What is remembered of a login that a person has for themselves."""
    turn: TurnStatus = field(default_factory=TurnStatus)
    """Where a push stands among those of the same person's gateways."""
    pending: str = ""
    """Revisions of templates that wait, by commas."""
    program_stopped: bool = False
    """Whether a program of one's own does not run because of the gate."""


Check = Callable[[Assessment], Observation]
Doubt = Callable[[Assessment], Finding | None]


def spec_accepted(assessment: Assessment) -> Observation:
    """Whether this operator serves the spec."""
    if assessment.refusal:
        return FALSE, _refused_meanwhile(assessment.refusal, assessment.snapshot)
    return TRUE, Finding(ConditionReason.ACCEPTED, "the spec is served")


def _refused_meanwhile(refusal: Finding, snapshot: Snapshot) -> Finding:
    """What is wrong with the spec, and what is done until it is corrected."""
    if not snapshot.gateway.is_served:
        return refusal
    meanwhile = (
        "; until then the last accepted spec is served, and what this one allows less of holds"
    )
    return replace(refusal, message=f"{refusal.message}{meanwhile}")


def logged_in(assessment: Assessment) -> Observation:
    """The login state; Unknown while nothing is heard."""
    snapshot = assessment.snapshot
    if words := suspension(snapshot):
        return FALSE, Finding(LoginState.STOPPED, words)
    if snapshot.report is None or snapshot.age_of_news > NEWS_LIMIT_SECONDS:
        return _silent(snapshot)
    state = snapshot.report.state
    status = TRUE if state is LoginState.LOGGED_IN else FALSE
    return status, Finding(state, _of_login(assessment, snapshot.report))


def suspension(snapshot: Snapshot) -> str:
    """How far a suspension has come; empty while IB Gateway still runs, and without one."""
    if not snapshot.gateway.suspend:
        return ""
    if snapshot.pod(Component.GATEWAY) is None:
        return "the gateway is suspended"
    report = snapshot.report
    ends = report is not None and report.state in (LoginState.RESTARTING, LoginState.STOPPED)
    return "IB Gateway shuts down, because spec.suspend is true" if ends else ""


def _of_login(assessment: Assessment, report: SentinelReport) -> str:
    """What is going on and what to do, why no attempt is allowed and until when, what is in the way."""
    words, lost = LOGIN_ADVICE[report.state], assessment.verdict.lost_too_long
    if report.why:
        words = f"{words}. {report.why}"
    if lost is not None and assessment.snapshot.now >= lost:
        words = lost_for_long(report.since)
    urgent = assessment.verdict.conflict_urgent
    if urgent is not None and assessment.snapshot.now >= urgent:
        words = CONFLICT_BEFORE_CLOSE
    if report.deadline is not None:
        words = f"{words} until {rfc3339(report.deadline)}"
    if report.waiting is not None:
        waits = report.state is LoginState.WAITING_FOR_PERMIT
        words += ": " if waits else ". The next attempt waits: "
        words += why_refused(report.waiting.refusal, report.waiting.until)
    return f"{words}; {report.trouble}" if report.trouble else words


def _silent(snapshot: Snapshot) -> Observation:
    message = "nothing is heard from the gateway's sentinel"
    why = waiting_reason(snapshot.pod(Component.GATEWAY))
    return UNKNOWN, Finding(GateReason.NO_NEWS, f"{message}: {why}" if why else message)


def outside_window(assessment: Assessment) -> Observation:
    """Whether this week is authenticated."""
    week = assessment.verdict.week
    if not week.open:
        return TRUE, Finding(
            ConditionReason.WEEK_AUTHENTICATED, "a full login was seen in this week"
        )
    if assessment.overdue:
        return FALSE, Finding(ConditionReason.RESTART_OVERDUE, _overdue(assessment.verdict))
    words = "this week has no full login yet: trading waits for it"
    if behind := assessment.turn.behind:
        words += (
            f"; its push waits for that of {behind}, because {assessment.turn.person} approves both"
        )
    return FALSE, Finding(GateReason.RESTART_WINDOW, words)


def _overdue(verdict: GateVerdict) -> str:
    """Why the week's restart does not begin by itself, and what a person can do."""
    ask = (
        "when somebody can approve the push, set the annotation ibgateway.dev/login-requested-at to"
        " the time now"
    )
    if not verdict.week.asks:
        return f"the weekly restart was missed: {ask}"
    return (
        f"spec.weeklyRestart names {rfc3339(verdict.week.restart)} for this week, which was past when it was set,"
        f" and nothing pushes at a time that nobody chose: {ask}, or set spec.weeklyRestart to a time that is"
        f" ahead; else it goes by itself at {rfc3339(verdict.next_restart)}"
    )


def trading_allowed(assessment: Assessment) -> Observation:
    """The gate."""
    closed = assessment.verdict.gate
    if not isinstance(closed, Closed):
        return _paused(assessment) or (TRUE, Finding(ConditionReason.GATE_OPEN, OPEN_MESSAGE))
    if closed.reason == GateReason.HANDED_OVER:
        return FALSE, Finding(closed.reason, handover_message(assessment.snapshot))
    if closed.reason == GateReason.UNEXPECTED_ACCOUNT:
        return FALSE, Finding(closed.reason, unexpected_account(assessment.snapshot))
    if closed.reason == GateReason.READ_ONLY_API and (words := read_only(assessment.snapshot)):
        return FALSE, Finding(closed.reason, words)
    if closed.reason == GateReason.PAUSED and (words := resume_ignored(assessment.snapshot)):
        return FALSE, Finding(closed.reason, f"{closed.message}; {words}")
    return FALSE, Finding(closed.reason, closed.message)


def _paused(assessment: Assessment) -> Observation | None:
    """What only the executor knows and everybody should see: a person has told it to send nothing."""
    said = assessment.snapshot.executor_says
    if said is None or said.paused is None:
        return None
    return FALSE, Finding(GateReason.PAUSED, said.paused.in_words())


def executor_ready(assessment: Assessment) -> Observation:
    """Whether the executor's pod is Ready."""
    spec = assessment.snapshot.gateway.spec
    if spec is not None and not spec.executor.enabled:
        return FALSE, Finding(ConditionReason.DISABLED, "spec.executor.enabled is false")
    if assessment.program_stopped:
        return FALSE, Finding(ConditionReason.STOPPED_WHILE_CLOSED, _stopped(assessment))
    closed = isinstance(assessment.verdict.gate, Closed)
    observation = _pod_ready(assessment.snapshot, Component.EXECUTOR, closed=closed)
    return _in_its_own_words(assessment, observation)


def _stopped(assessment: Assessment) -> str:
    """Why a program of one's own does not run, and when it will."""
    asked = "stopped because spec.executor.whenClosed is stop"
    closed = assessment.verdict.gate
    if not isinstance(closed, Closed):
        return f"{asked}: the gate has just opened, and the program starts in a moment"
    return f"{asked} and the gate is closed ({closed.reason}): it starts once the gate is open"


def _in_its_own_words(assessment: Assessment, observation: Observation) -> Observation:
    """An executor that runs and is not ready, while the gate is open, knows why: its ledger, mostly."""
    said = assessment.snapshot.executor_says
    if said is None or said.open or observation[1].reason is not ConditionReason.POD_NOT_READY:
        return observation
    if said.reason == GateReason.PAUSED and (paused := _paused(assessment)):
        return paused
    reason = next((r for r in GateReason if r == said.reason), ConditionReason.POD_NOT_READY)
    message = f"the executor holds trading by itself: {said.reason}: {said.message}"
    return FALSE, Finding(reason, message)


def executor_is_unexplained(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether the executor's pod runs and is not ready although the gate is open."""
    pod = snapshot.pod(Component.EXECUTOR)
    if pod is None or is_program(pod) or isinstance(verdict.gate, Closed):
        return False
    return condition_status(pod, "Ready") != "True" and not waiting_reason(pod)


def console_ready(assessment: Assessment) -> Observation:
    """Whether the console's pod is Ready."""
    spec = assessment.snapshot.gateway.spec
    if spec is not None and not spec.novnc.enabled:
        return FALSE, Finding(ConditionReason.DISABLED, "spec.novnc.enabled is false")
    return _pod_ready(assessment.snapshot, Component.CONSOLE, closed=False)


def _pod_ready(snapshot: Snapshot, component: Component, *, closed: bool) -> Observation:
    pod = snapshot.pod(component)
    if pod is None and (why := unmade_pod(snapshot, component)):
        return FALSE, Finding(ConditionReason.POD_WAITING, f"no {component} pod can be made: {why}")
    if pod is None:
        return FALSE, Finding(ConditionReason.NO_POD, f"there is no {component} pod")
    if condition_status(pod, "Ready") == "True":
        return TRUE, Finding(ConditionReason.POD_READY, f"the {component} pod is ready")
    if why := waiting_reason(pod):
        return FALSE, Finding(
            ConditionReason.POD_WAITING, f"the {component} pod does not run: {why}"
        )
    if closed:
        what = "program waits" if is_program(pod) else "executor stores orders and waits"
        return FALSE, Finding(ConditionReason.GATE_CLOSED, f"the {what} for the gate")
    return FALSE, Finding(ConditionReason.POD_NOT_READY, f"the {component} pod is not ready")


def policy_enforced(assessment: Assessment) -> Observation:
    """Whether the cluster enforces NetworkPolicies, by the console's attempts."""
    spec, enforced = assessment.snapshot.gateway.spec, assessment.snapshot.enforced
    if spec is not None and not spec.network_policy.enabled:
        return FALSE, Finding(
            ConditionReason.POLICY_DISABLED, "spec.networkPolicy.enabled is false"
        )
    if enforced is None:
        return UNKNOWN, Finding(ConditionReason.POLICY_UNKNOWN, "the console has not found out yet")
    if enforced:
        return TRUE, Finding(
            ConditionReason.POLICY_ENFORCED, "the console can't reach the API port"
        )
    return FALSE, Finding(
        ConditionReason.POLICY_NOT_ENFORCED,
        "the console reaches the API port: every pod in this cluster can trade through it."
        " Use a network plugin that enforces NetworkPolicies",
    )


def _refused(assessment: Assessment) -> Finding | None:
    """A spec that is not served comes first: nothing else can be trusted to be current."""
    if assessment.refusal is None:
        return None
    return _refused_meanwhile(assessment.refusal, assessment.snapshot)


def _apply_trouble(assessment: Assessment) -> Finding | None:
    """A foreign object under a child's name, or one the API server does not take."""
    if not assessment.findings:
        return None
    first, more = assessment.findings[0], len(assessment.findings) - 1
    return Finding(first.reason, f"{first.message} (and {more} more)") if more else first


def _blocked(assessment: Assessment) -> Finding | None:
    """What keeps the gateway from being started."""
    return assessment.blocker


def _suspended(assessment: Assessment) -> Finding | None:
    """What the user asked for."""
    if not assessment.snapshot.gateway.suspend:
        return None
    return Finding(GateReason.SUSPENDED, "spec.suspend is true")


def _handed_over(assessment: Assessment) -> Finding | None:
    """What a person wants the login for explains that it is gone."""
    closed = assessment.verdict.gate
    held = isinstance(closed, Closed) and closed.reason == GateReason.HANDED_OVER
    return trading_allowed(assessment)[1] if held else None


def _not_logged_in(assessment: Assessment) -> Finding | None:
    """The login, with its advice."""
    status, finding = logged_in(assessment)
    return None if status is TRUE else finding


def _in_window(assessment: Assessment) -> Finding | None:
    """The week."""
    status, finding = outside_window(assessment)
    return None if status is TRUE else finding


def _gate_closed(assessment: Assessment) -> Finding | None:
    """Everything else that closes the gate."""
    status, finding = trading_allowed(assessment)
    return None if status is TRUE else finding


def _policy(assessment: Assessment) -> Finding | None:
    """Live without enforced policies."""
    spec = assessment.snapshot.gateway.spec
    return policy_doubt(spec, assessment.snapshot) if spec else None


def _executor(assessment: Assessment) -> Finding | None:
    """The executor, where there is one. The console does not count: trading goes on without it."""
    status, finding = executor_ready(assessment)
    return None if status is TRUE or finding.reason is ConditionReason.DISABLED else finding


READY_CHAIN: Final[tuple[Doubt, ...]] = (
    _refused,
    _apply_trouble,
    _blocked,
    _suspended,
    _handed_over,
    _not_logged_in,
    _in_window,
    _gate_closed,
    _policy,
    _executor,
)


def ready(assessment: Assessment) -> Observation:
    """The summary: the first finding of the chain."""
    first = next(_doubts(assessment), None)
    if first is None:
        return TRUE, Finding(ConditionReason.TRADING, OPEN_MESSAGE)
    return FALSE, first


def _doubts(assessment: Assessment) -> Iterator[Finding]:
    return (found for doubt in READY_CHAIN if (found := doubt(assessment)))
