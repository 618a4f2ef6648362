"""A login attempt that a person asks for: whether it would be refused, what it costs, how far it has come. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from ibgateway_api.conditions import ConditionStatus, ConditionType
from ibgateway_api.login import LoginState
from ibgateway_api.names import child_names
from ibgateway_api.permits import PermitRefusal
from ibgateway_api.reasons import ConditionReason
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.status.overview import GatewayFacts
from ibgateway_cli.terminal.times import moment, span

REQUEST_LIFETIME: Final = timedelta(minutes=10)
"""A request of a person lives for so long, by docs/conditions.md."""
AFTERWARDS: Final = timedelta(minutes=2)
"""From a push that was answered to what came of it."""

_BLOCKERS: Final = frozenset(
    {
        ConditionReason.CREDENTIALS_MISSING,
        ConditionReason.CREDENTIALS_UNUSABLE,
        ConditionReason.DEFAULT_VNC_PASSWORD,
        ConditionReason.DUPLICATE_USER_NAME,
        ConditionReason.FOREIGN_OBJECT,
        ConditionReason.GUESSABLE_VNC_PASSWORD,
        ConditionReason.LEDGER_OF_OTHER_MODE,
        ConditionReason.OPERATOR_AWAY,
        ConditionReason.VNC_PASSWORD_MISSING,
    }
)
"""Reasons of Ready with which no attempt begins, whoever asks."""
_UNPASSABLE: Final = frozenset({PermitRefusal.MAINTENANCE, PermitRefusal.POLICY_UNPROVEN})
"""What an attempt that a person asks for does not pass either."""


class AttemptResult(StrEnum):
    """How an attempt ended."""

    LOGGED_IN = "LoggedIn"
    APPLIED = "Applied"
    """No login was needed: the executor has taken the change that waited."""
    MISSED = "ApprovalMissed"
    FAILED = "Failed"
    """The login state says how."""
    IGNORED = "Ignored"
    """The operator did not take the request."""
    REFUSED = "Refused"
    """The sentinel gives no permit before the request is over."""


EXIT_CODES: Final = {
    AttemptResult.LOGGED_IN: ExitCode.DONE,
    AttemptResult.APPLIED: ExitCode.DONE,
    AttemptResult.MISSED: ExitCode.MISSED,
    AttemptResult.FAILED: ExitCode.FAILED,
    AttemptResult.IGNORED: ExitCode.REFUSED,
    AttemptResult.REFUSED: ExitCode.REFUSED,
}
UNDER_WAY: Final = frozenset(
    {
        LoginState.STARTING,
        LoginState.LOGGING_IN,
        LoginState.AWAITING_APPROVAL,
        LoginState.RESTARTING,
    }
)
"""An attempt goes on already: a second one would cost another push."""
_FAILED: Final = frozenset(
    {
        LoginState.REJECTED,
        LoginState.LOCKED_OUT,
        LoginState.NEEDS_PERSON,
        LoginState.SESSION_CONFLICT,
    }
)


@dataclass(frozen=True)
class RequestedAttempt:
    """What was asked for, and what was there before: a state that has not moved since then says nothing.

    `request` is the annotation's text; empty where a pod was replaced instead, or only a push is followed.
    """

    request: str
    at: datetime
    before: GatewayFacts

    def gives_up(self, approval_seconds: int) -> datetime:
        """From when on nothing more is to be expected."""
        return self.at + REQUEST_LIFETIME + timedelta(seconds=approval_seconds) + AFTERWARDS

    def result(self, now: GatewayFacts) -> AttemptResult | None:
        """How it ended; None while it goes on."""
        login = now.status.login
        if self.request and login.ignored_request == self.request:
            return AttemptResult.IGNORED
        taken = not self.request or login.handled_request == self.request
        if not taken:
            return AttemptResult.REFUSED if self._is_refused(now) else None
        if self._applied(now):
            return AttemptResult.APPLIED
        return self._of_state(now) if self._moved(now) else None

    def _moved(self, now: GatewayFacts) -> bool:
        before, after = self.before.status.login, now.status.login
        return (before.state, before.since) != (after.state, after.since)

    def _of_state(self, now: GatewayFacts) -> AttemptResult | None:
        state = now.status.login.state
        if state is LoginState.LOGGED_IN:
            return AttemptResult.LOGGED_IN
        if state is LoginState.APPROVAL_MISSED:
            return AttemptResult.MISSED
        return AttemptResult.FAILED if state in _FAILED else None

    def _applied(self, now: GatewayFacts) -> bool:
        """An executor's template alone leaves the login as it is."""
        asked = bool(self.request) and self.before.logged_in and _executor_waits(self.before)
        return asked and not change_waits(now)

    def _is_refused(self, now: GatewayFacts) -> bool:
        """Whether what stands in the way lasts longer than the request."""
        refusal = now.refusal
        if refusal is None or refusal[0] not in _UNPASSABLE:
            return False
        return refusal[1] is None or refusal[1] > self.at + REQUEST_LIFETIME


def waits_for_a_word(facts: GatewayFacts) -> bool:
    """Whether the gateway has started and gets no permit: what was under way was a stop, or has come to nothing."""
    return facts.status.login.state is LoginState.WAITING_FOR_PERMIT and facts.refusal is not None


def change_waits(facts: GatewayFacts) -> bool:
    """Whether a part of the spec waits for a stop."""
    found = facts.condition(ConditionType.CHANGE_PENDING)
    return found is not None and found.status is ConditionStatus.TRUE


def why_not(facts: GatewayFacts) -> PluginError | None:
    """Why an attempt that is asked for now would come to nothing; None where it would not."""
    doubts = (_suspended, _blocked, _handed_over, _not_permitted, _not_known, _not_needed)
    return next((found for doubt in doubts if (found := doubt(facts))), None)


def _suspended(facts: GatewayFacts) -> PluginError | None:
    if not facts.spec.suspend:
        return None
    words = "the gateway is suspended: nothing logs in"
    return _refused(words, f"kubectl ibgateway resume {facts.name}")


def _blocked(facts: GatewayFacts) -> PluginError | None:
    ready = facts.condition(ConditionType.READY)
    if ready is None or ready.reason not in _BLOCKERS:
        return None
    return _refused(f"no attempt would begin: {ready.reason}", ready.message)


def _handed_over(facts: GatewayFacts) -> PluginError | None:
    if not facts.handed_over:
        return None
    until = facts.status.handover.until
    ends = f" until {moment(until)}" if until else ""
    next_step = f"kubectl ibgateway handover {facts.name} --end"
    if facts.at_console:
        next_step = f"kubectl ibgateway vnc {facts.name}: it was taken at the console, and is given back there"
    return _refused(f"a person has the login{ends}", next_step)


def _not_permitted(facts: GatewayFacts) -> PluginError | None:
    if facts.refusal is None or facts.refusal[0] not in _UNPASSABLE:
        return None
    return _refused(_no_permit(*facts.refusal), "wait, or look at docs/conditions.md")


def _not_known(facts: GatewayFacts) -> PluginError | None:
    if facts.status.login.state is not LoginState.UNKNOWN:
        return None
    next_step = f"wait, or kubectl ibgateway logs {facts.name}"
    return _refused("nothing is known of its login yet", next_step)


def _not_needed(facts: GatewayFacts) -> PluginError | None:
    if not facts.logged_in or facts.status.window.open or change_waits(facts):
        return None
    return _refused(
        "it is logged in and the week is authenticated: there is nothing to ask for, and no push is sent",
        f"kubectl ibgateway restart {facts.name} restarts it by the week's token",
    )


def _refused(sentence: str, next_step: str) -> PluginError:
    return PluginError(sentence, next_step, ExitCode.REFUSED)


def _no_permit(refusal: PermitRefusal, until: datetime | None) -> str:
    ends = f"next attempt at {moment(until)}" if until else "until that is over"
    return f"no attempt is allowed now, whoever asks: {refusal}, {ends}"


def costs(facts: GatewayFacts) -> str:
    """What an attempt that is asked for now will cost, in a sentence."""
    login, policy = facts.status.login, facts.spec.login
    if facts.logged_in and not facts.status.window.open and _executor_waits(facts):
        return "The executor takes the change that waits: orders drain first, and NO PUSH follows. It counts as no attempt."
    count = (
        f"{login.attempts_today} of {policy.daily_attempts} attempts of the last 24 hours are used;"
        " what you ask for counts and is not refused for it"
    )
    if facts.logged_in and facts.status.window.open:
        what = "The week's restart: orders drain, the login ends, and ONE PUSH follows"
    elif facts.logged_in:
        what = "Orders drain, the gateway's pod is replaced, and A PUSH MAY follow"
    elif facts.status.window.open:
        what = "One login attempt begins, and ONE PUSH follows"
    else:
        what = "One login attempt begins, and ONE PUSH follows, or none where the week's token is still there"
    return f"{what}: have the phone in hand. {count}."


def _executor_waits(facts: GatewayFacts) -> bool:
    """Whether the executor's template alone waits, by the names in status.pendingRevision."""
    executor = child_names(facts.name).executor
    waiting = facts.status.pending_revision.split(", ")
    return change_waits(facts) and all(name.startswith(executor) for name in waiting)


def words(facts: GatewayFacts, asked: RequestedAttempt, now: datetime, *, counting: bool) -> str:
    """How far it has come. `counting`: with what is left of the time, for a line that is written again."""
    login = facts.status.login
    if login.state is LoginState.AWAITING_APPROVAL and login.deadline is not None:
        left = f"{span(login.deadline - now)} left, " if counting else ""
        return f"Approve the push in IBKR Mobile: {left}until {moment(login.deadline)}"
    if asked.request and login.handled_request != asked.request:
        return "Asked for: orders drain, and the request is taken then"
    if facts.status.turn.behind:
        return f"Its push waits behind that of {facts.status.turn.behind}"
    if facts.refusal is not None:
        until = f", until {moment(facts.refusal[1])}" if facts.refusal[1] else ""
        return f"Waiting for a permit: {facts.refusal[0]}{until}"
    return f"The login is {login.state}"
