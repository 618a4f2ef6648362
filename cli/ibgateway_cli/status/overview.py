"""One gateway at a glance: its resource and its executor's word as one document. Pure."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from ibgateway_api import names
from ibgateway_api.conditions import Condition, ConditionStatus, ConditionType
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_api.status import IBGatewayStatus
from ibgateway_cli.errors import PluginError
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.kube.gateway import called, deletion_of, key_of
from ibgateway_cli.terminal.times import from_text, stamp

Part = TypeVar("Part", bound=BaseModel)
_REFUSAL: Final = re.compile(rf"\b({'|'.join(PermitRefusal)})(?:, until (\S+?Z))?(?::|$)")
"""As api/advice.py writes why there is no permit."""
ASKABLE: Final = frozenset(
    {
        LoginState.APPROVAL_MISSED,
        LoginState.WAITING_FOR_PERMIT,
        LoginState.STOPPED,
        LoginState.API_UNRESPONSIVE,
    }
)
"""Where a person who asks for an attempt gets one."""


@dataclass(frozen=True)
class GatewayFacts:
    """An IBGateway as it was read: its parts, typed."""

    namespace: str
    name: str
    annotations: Mapping[str, str]
    spec: IBGatewaySpec
    status: IBGatewayStatus
    uid: str = ""
    deletion: str = ""
    """That it is being deleted, in a sentence; else empty."""

    def __str__(self) -> str:
        return called(self.spec.trading_mode, names.Key(self.namespace, self.name))

    def condition(self, kind: ConditionType) -> Condition | None:
        """One condition; None before the operator has written it."""
        return next((c for c in self.status.conditions if c.type == kind), None)

    @property
    def refusal(self) -> tuple[PermitRefusal, datetime | None] | None:
        """Why no attempt is allowed now, and until when."""
        logged_in = self.condition(ConditionType.GATEWAY_LOGGED_IN)
        found = _REFUSAL.search(logged_in.message) if logged_in else None
        if found is None:
            return None
        return PermitRefusal(found[1]), from_text(found[2]) if found[2] else None

    @property
    def logged_in(self) -> bool:
        """Whether the API has proven the login."""
        return self.status.login.state is LoginState.LOGGED_IN

    @property
    def handed_over(self) -> bool:
        """Whether a person has, or waits for, the login."""
        gate = self.condition(ConditionType.TRADING_ALLOWED)
        return gate is not None and gate.reason == GateReason.HANDED_OVER

    @property
    def at_console(self) -> bool:
        """Whether the login was taken at the console, where alone it is given back: none that was asked for here lasts as long."""
        if not self.handed_over:
            return False
        mine, standing = self.status.handover.until, self.refusal
        if mine is None or standing is None or standing[0] is not PermitRefusal.HANDED_OVER:
            return mine is None
        return standing[1] is not None and standing[1] > mine

    def token_lives(self, until: datetime) -> bool:
        """Whether a login that ends now comes back by the week's token until then, and so without a push."""
        return self.logged_in and self.week_lasts(until)

    def week_lasts(self, until: datetime) -> bool:
        """Whether the week of the last full login goes on until then."""
        window = self.status.window
        return not window.open and (window.opens is None or until < window.opens)


def facts_of(gateway: Json) -> GatewayFacts:
    """The typed parts of an IBGateway. Raises PluginError for one of another release."""
    key = key_of(gateway)
    return GatewayFacts(
        namespace=key.namespace,
        name=key.name,
        annotations=gateway["metadata"].get("annotations") or {},
        spec=_part(IBGatewaySpec, gateway, "spec"),
        status=_part(IBGatewayStatus, gateway, "status"),
        uid=gateway["metadata"].get("uid", ""),
        deletion=deletion_of(gateway),
    )


def _part(kind: type[Part], gateway: Json, name: str) -> Part:
    try:
        return kind.model_validate(gateway.get(name) or {})
    except ValidationError as error:
        where = ".".join(str(step) for step in (name, *error.errors()[0]["loc"]))
        raise PluginError(
            f"this plugin can't read {where} of {key_of(gateway).name}",
            "install the plugin of the operator's release",
        ) from error


def overview(facts: GatewayFacts, executor: ExecutorReport | str, place: str = "") -> Json:
    """What `status` shows; `executor` is its report, or why there is none. `place`: options that say which cluster."""
    login = facts.status.login
    document: Json = {
        "namespace": facts.namespace,
        "name": facts.name,
        "tradingMode": str(facts.spec.trading_mode),
        "deletion": facts.deletion or None,
        "ready": _condition(facts, ConditionType.READY),
        "login": {
            "state": str(login.state),
            "since": _stamp(login.since),
            "deadline": _stamp(login.deadline),
            "message": _condition(facts, ConditionType.GATEWAY_LOGGED_IN)["message"],
        },
        "gate": _condition(facts, ConditionType.TRADING_ALLOWED),
        "window": _window(facts),
        "pushes": _pushes(facts),
        "queue": _queue(executor),
        "notes": list(_notes(facts)),
        "next": list(next_steps(facts, executor, place)),
    }
    return document


def _condition(facts: GatewayFacts, kind: ConditionType) -> Json:
    found = facts.condition(kind)
    if found is None:
        return {"status": str(ConditionStatus.UNKNOWN), "reason": "", "message": "not written yet"}
    return {"status": str(found.status), "reason": found.reason, "message": found.message}


def _window(facts: GatewayFacts) -> Json:
    window = facts.status.window
    return {
        "known": facts.condition(ConditionType.OUTSIDE_RESTART_WINDOW) is not None,
        "open": window.open,
        "opens": _stamp(window.opens),
        "restart": _stamp(window.restart),
        "message": _condition(facts, ConditionType.OUTSIDE_RESTART_WINDOW)["message"],
    }


def _pushes(facts: GatewayFacts) -> Json:
    login, turn = facts.status.login, facts.status.turn
    refusal = facts.refusal
    return {
        "attemptsToday": login.attempts_today,
        "dailyAttempts": facts.spec.login.daily_attempts,
        "lastFullLogin": _stamp(login.full_auth_time),
        "waitsFor": str(refusal[0]) if refusal else None,
        "nextAttemptAt": _stamp(refusal[1]) if refusal else None,
        "person": turn.person or None,
        "behind": turn.behind or None,
    }


def _queue(executor: ExecutorReport | str) -> Json:
    if isinstance(executor, str):
        return {"known": False, "why": executor}
    return {
        "known": True,
        "active": executor.open_orders,
        "unacknowledged": executor.unacknowledged,
        "inDoubt": executor.in_doubt,
        "paused": executor.paused.in_words() if executor.paused else None,
        "rebalances": [f"{r.id} {r.state}: {r.message}" for r in executor.rebalances],
        "backupProblem": executor.backup_problem or None,
    }


_NOTED: Final = (
    (ConditionType.SPEC_ACCEPTED, ConditionStatus.FALSE),
    (ConditionType.CHANGE_PENDING, ConditionStatus.TRUE),
    (ConditionType.NETWORK_POLICY_ENFORCED, ConditionStatus.FALSE),
    (ConditionType.NOTIFICATIONS_DELIVERED, ConditionStatus.FALSE),
)
"""What deserves a line although the gate does not speak of it."""


def _notes(facts: GatewayFacts) -> Iterator[str]:
    if facts.deletion:
        yield f"{facts.deletion}, and what stands here is what it was before"
    for kind, status in _NOTED:
        found = facts.condition(kind)
        if found is not None and found.status is status:
            yield f"{kind} is {status} ({found.reason}): {found.message}"


def next_steps(
    facts: GatewayFacts, executor: ExecutorReport | str, place: str = ""
) -> Iterator[str]:
    """Commands that help from here, the most useful first; in another context the name may be another gateway's."""
    if facts.deletion:
        return
    where = " ".join(part for part in (facts.name, "-n", facts.namespace, place) if part)

    def call(command: str) -> str:
        return f"kubectl ibgateway {command} {where}"

    if facts.spec.suspend:
        yield call("resume")
        return
    if facts.handed_over:
        yield call("vnc") if facts.at_console else f"{call('handover')} --end"
        return
    yield from _about_login(facts, call)
    if facts.status.pause.request:
        yield _resumed_at_console(facts, place)
    elif _paused(facts, executor):
        yield f"{call('pause')} --end"
    if isinstance(executor, ExecutorReport) and executor.in_doubt:
        yield f"{call('orders')} --state Unknown"


def _paused(facts: GatewayFacts, executor: ExecutorReport | str) -> bool:
    gate = facts.condition(ConditionType.TRADING_ALLOWED)
    by_status = gate is not None and gate.reason == GateReason.PAUSED
    return by_status or (isinstance(executor, ExecutorReport) and executor.paused is not None)


def _resumed_at_console(facts: GatewayFacts, place: str) -> str:
    """A pause from the console is the sentinel's: the executor's command does not end it."""
    where = " ".join(part for part in ("-n", facts.namespace, place) if part)
    asked = f"{names.ANNOTATION_RESUME_REQUESTED_AT}=$(date -u +%Y-%m-%dT%H:%M:%SZ)"
    return f"kubectl annotate --overwrite ibgw/{facts.name} {where} {asked}"


def _about_login(facts: GatewayFacts, call: Any) -> Iterator[str]:
    state = facts.status.login.state
    if state is LoginState.AWAITING_APPROVAL:
        yield f"approve the push in IBKR Mobile; {call('login')} shows its countdown"
    elif state is LoginState.NEEDS_PERSON:
        yield call("vnc")
    elif state in ASKABLE or (facts.logged_in and facts.status.window.open):
        yield call("login")
    elif state in (LoginState.REJECTED, LoginState.LOCKED_OUT):
        yield f"what the login says, then {call('login')}"


def _stamp(at: datetime | None) -> str | None:
    return stamp(at) if at else None
