"""The status of an IBGateway from what was seen and judged. Pure.

Times of conditions move only when their status does, and nothing that ticks is written: the same
facts give the same status, so that a quiet gateway is never written to.
"""

from datetime import datetime
from typing import Final

from ibgateway_api import names
from ibgateway_api.conditions import Condition, ConditionType, transition
from ibgateway_api.executor_spec import ExecutorSpec
from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_api.status import (
    MOST_ACCOUNTS,
    Endpoints,
    IBGatewayStatus,
    LoginStatus,
    PauseStatus,
    WindowStatus,
)
from ibgateway_operator.decide.pauses import pause_status
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Snapshot
from ibgateway_operator.status.conditions import (
    Assessment,
    Check,
    console_ready,
    executor_ready,
    logged_in,
    outside_window,
    policy_enforced,
    ready,
    spec_accepted,
    suspension,
    trading_allowed,
)
from ibgateway_operator.status.delivery import notifications_delivered, told_status
from ibgateway_operator.status.pending_change import change_pending

CHECKS: Final[dict[ConditionType, Check]] = {
    ConditionType.SPEC_ACCEPTED: spec_accepted,
    ConditionType.GATEWAY_LOGGED_IN: logged_in,
    ConditionType.OUTSIDE_RESTART_WINDOW: outside_window,
    ConditionType.TRADING_ALLOWED: trading_allowed,
    ConditionType.EXECUTOR_READY: executor_ready,
    ConditionType.CONSOLE_READY: console_ready,
    ConditionType.NETWORK_POLICY_ENFORCED: policy_enforced,
    ConditionType.CHANGE_PENDING: change_pending,
    ConditionType.NOTIFICATIONS_DELIVERED: notifications_delivered,
    ConditionType.READY: ready,
}

LONGEST_MESSAGE: Final = 2000


def status_of(
    assessment: Assessment, *, handled_request: str, ignored_request: str = ""
) -> IBGatewayStatus:
    """The whole status; the requests are the last ones that were handled and ignored."""
    snapshot = assessment.snapshot
    return IBGatewayStatus(
        observed_generation=snapshot.gateway.generation,
        conditions=conditions(assessment),
        login=_login(snapshot).model_copy(
            update={"handled_request": handled_request, "ignored_request": ignored_request}
        ),
        handover=assessment.handover,
        **_pause(snapshot),
        turn=assessment.turn,
        window=_window(assessment),
        accounts=_accounts(snapshot),
        account_count=_account_count(snapshot),
        endpoints=_endpoints(snapshot),
        told=told_status(snapshot),
        pending_revision=assessment.pending,
        accepted_spec=_accepted_spec(assessment),
    )


def _accepted_spec(assessment: Assessment) -> str:
    """The spec, where it is accepted: as it is stored, so that no later default changes it."""
    gateway = assessment.snapshot.gateway
    if assessment.refusal is not None or gateway.spec is None:
        return gateway.status.accepted_spec
    return gateway.spec.model_dump_json(by_alias=True, exclude_unset=True)


def conditions(assessment: Assessment) -> list[Condition]:
    """Every condition, in the order they are shown."""
    gateway = assessment.snapshot.gateway
    before = {c.type: c for c in gateway.status.conditions}
    return [_condition(before.get(kind), kind, check, assessment) for kind, check in CHECKS.items()]


def _condition(
    before: Condition | None, kind: ConditionType, check: Check, assessment: Assessment
) -> Condition:
    """The one that is stored where it says the same: most do, and need not be made anew."""
    status, finding = check(assessment)
    message, generation = _bounded(finding.message), assessment.snapshot.gateway.generation
    if before is not None and _says(before) == (status, finding.reason, message, generation):
        return before
    after = Condition(
        type=kind,
        status=status,
        reason=finding.reason,
        message=message,
        last_transition_time=_whole(assessment.snapshot.now),
        observed_generation=generation,
    )
    return transition(before, after)


def _says(condition: Condition) -> tuple[str, str, str, int]:
    return (
        condition.status,
        condition.reason,
        condition.message,
        condition.observed_generation,
    )


def _bounded(message: str) -> str:
    """No observed value may make a status that is too long to be stored."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 4]} ..."


def _whole(at: datetime) -> datetime:
    """Whole seconds, as Kubernetes writes times."""
    return at.replace(microsecond=0)


def _login(snapshot: Snapshot) -> LoginStatus:
    """The login; the last known one while nobody is heard. The requests are the caller's."""
    before = snapshot.gateway.status.login
    login = _reported(snapshot.report) if snapshot.report else before
    if not suspension(snapshot):
        return login
    stopped = before.state is LoginState.STOPPED
    since = before.since if stopped else _whole(snapshot.now)
    return login.model_copy(update={"state": LoginState.STOPPED, "since": since, "deadline": None})


def _reported(report: SentinelReport) -> LoginStatus:
    return LoginStatus(
        state=report.state,
        since=_whole(report.since),
        deadline=report.deadline and _whole(report.deadline),
        full_auth_time=report.full_auth_time and _whole(report.full_auth_time),
        attempts_today=report.attempts_today,
    )


def _window(assessment: Assessment) -> WindowStatus:
    week = assessment.verdict.week
    return WindowStatus(
        open=week.open,
        opens=week.opens,
        restart=assessment.verdict.next_restart,
        passed=week.restart if week.asks else None,
    )


def _accounts(snapshot: Snapshot) -> list[str]:
    """The login's accounts, those that are traded first; the last known ones while nobody is heard."""
    report, spec = snapshot.report, snapshot.gateway.spec
    if report is None:
        return list(snapshot.gateway.status.accounts)
    traded = set(spec.executor.accounts) if spec else set()
    found = sorted(report.accounts, key=lambda account: account not in traded)
    return found[:MOST_ACCOUNTS]


def _account_count(snapshot: Snapshot) -> int:
    report, before = snapshot.report, snapshot.gateway.status
    return len(report.accounts) if report else before.account_count


def _endpoints(snapshot: Snapshot) -> Endpoints:
    spec, key = snapshot.gateway.spec, snapshot.gateway.key
    if spec is None:
        return snapshot.gateway.status.endpoints
    children = names.child_names(key.name)

    def at(name: str, port: int, *, scheme: str = "http://") -> str:
        return f"{scheme}{name}.{key.namespace}.svc:{port}"

    port, scheme = _trading_port(spec.executor)
    executor, intake = (
        at(name, port, scheme=scheme) if port else ""
        for name in (children.executor, children.intake)
    )
    return Endpoints(
        api=at(children.gateway, names.PORT_API, scheme=""),
        novnc=at(children.novnc, names.PORT_NOVNC) if spec.novnc.enabled else "",
        executor=executor,
        intake=intake,
    )


def _trading_port(executor: ExecutorSpec) -> tuple[int, str]:
    """The port of the executor's Services with its scheme; of a program the first that it has, and 0 where there is none."""
    if executor.runs_executor:
        return names.PORT_EXECUTOR, "http://"
    theirs = executor.ports if executor.enabled else []
    return (theirs[0].container_port if theirs else 0), ""


def _pause(snapshot: Snapshot) -> dict[str, PauseStatus]:
    """The pause, from the first one on."""
    pause = pause_status(snapshot)
    known = "pause" in snapshot.gateway.status.model_fields_set
    return {"pause": pause} if pause.request or known else {}


def document(status: IBGatewayStatus) -> Manifest:
    """The status as it is applied: outside names, no nulls; no pause where none ever stood, because an older CRD has no such field."""
    nothing = set() if "pause" in status.model_fields_set else {"pause"}
    return status.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=nothing)
