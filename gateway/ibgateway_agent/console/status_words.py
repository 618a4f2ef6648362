"""What the page shows of its gateway, also to somebody who has no password: a line for each thing that matters. Pure.

Times are not put into words here: the page has the viewer's clock and zone. In a text `{at}` stands for the time of
its line, `{in}` for how long it still is until then.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Final

from ibgateway_agent.console.login_words import NOT_HEARD, WORDS, GatewayIdentity, no_screen
from ibgateway_agent.console.offer_words import rows
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal

WITHHELD: Final = (
    "There are no buttons here now: the VNC password is the documented one, and it is not proven that this cluster keeps"
    " other pods away from this page. Set your own VNC_PASSWORD in the gateway's Secret."
)
Line = dict[str, str]
"""`id`, `text`, and `at` where the text names a time."""

_WAITS: Final[Mapping[str, str]] = {
    PermitRefusal.PARKED: "Nothing is tried until a person asks",
    PermitRefusal.INTERVAL: "The next attempt is spaced from the last one",
    PermitRefusal.DAILY_BUDGET: "The attempts of 24 hours are used up",
    PermitRefusal.QUIET_HOURS: "Quiet hours: nothing pushes",
    PermitRefusal.MAINTENANCE: "IBKR answers no login now",
    PermitRefusal.NIGHTLY_RESET: "IBKR resets its servers",
    PermitRefusal.SESSION_CONFLICT: "A person has the session",
    PermitRefusal.RESTART_AHEAD: "The next login is the weekly restart's",
    PermitRefusal.LEDGER_LOST: "What was tried before is not known",
    PermitRefusal.CLOCK_SKEW: "The node's clock is wrong",
    PermitRefusal.AWAITS_TURN: "Another gateway's push may wait at the same person",
    PermitRefusal.HANDED_OVER: "A person has the login",
    PermitRefusal.POLICY_UNPROVEN: "Live waits for proof that policies are enforced",
}
_OURS: Final = {
    LoginState.LOGGED_IN: "This gateway has the session",
    LoginState.API_UNRESPONSIVE: "This gateway has the session",
    LoginState.CONNECTION_LOST: "This gateway had the session when its connection was lost",
    LoginState.SESSION_CONFLICT: "Another login with this user name has the session",
    LoginState.UNKNOWN: "Who has the session is not known",
}


def document(
    gateway: GatewayIdentity,
    told: ConsoleReport | None,
    *,
    buttons: bool = False,
    withheld: bool = False,
) -> dict[str, object]:
    """What the page shows: name, mode, login (the state, or ""), its words, those for no screen, the lines and rows below.

    `told` is None while the sentinel is not heard. `buttons`: what is offered may be asked for here, with the password; `withheld`: not now.
    No field holds an account or a secret.
    """
    state = told.state if told else None
    return {
        "name": str(gateway.key or ""),
        "mode": gateway.mode or "",
        "login": state or "",
        "words": WORDS[state] if state else NOT_HEARD,
        "at": _utc(told.at if told else None),
        "since": _utc(told.since if told else None),
        "deadline": _utc(told.deadline if told else None),
        "noScreen": "\n".join(no_screen(gateway.key, state)),
        "lines": list(_lines(told)) if told and told.since else [],
        "buttons": buttons and not withheld,
        "withheld": WITHHELD if withheld else "",
        "offers": rows(gateway.key, told) if told else [],
    }


def _lines(told: ConsoleReport) -> Iterator[Line]:
    if told.draining:
        yield _line("asked", f"Asked for here: {told.draining}, once orders have drained")
    if told.not_drained:
        yield _line(
            "asked",
            f"Asked for here and not done: {told.not_drained}; orders had not drained,"
            " or it had come to cost a push",
        )
    if told.paused_since:
        yield _line("paused", "Trading is paused from here since {at}", told.paused_since)
    if told.refusal:
        yield _refusal(told)
    yield _session(told)
    yield _week(told)
    if told.daily_attempts:
        yield _line(
            "attempts",
            f"Attempts that may push, in 24 hours: {told.attempts_today} of {told.daily_attempts}",
        )
    yield _line("queue", _queue(told.queue))


def _refusal(told: ConsoleReport) -> Line:
    why = _WAITS.get(told.refusal, f"No attempt is allowed now: {told.refusal}")
    text = f"{why}, until {{at}}" if told.refused_until else why
    return _line("refusal", text, told.refused_until)


def _session(told: ConsoleReport) -> Line:
    if told.handover_until:
        cost = "one push" if told.handover_costs_push else "no push"
        text = f"A person has the login until {{at}}; its return costs {cost}"
        return _line("session", text, told.handover_until)
    return _line("session", _OURS.get(told.state, "Nobody has the session through this gateway"))


def _week(told: ConsoleReport) -> Line:
    if told.week_open and told.state is LoginState.LOGGED_IN:
        return _line(
            "restart", "This week's login is due: a restart and a push, {at}", told.restart
        )
    return _line("restart", "Next weekly restart, with one push: {at}", told.restart)


def _queue(queue: QueueReport | None) -> str:
    if queue is None:
        return "Orders: the executor is not heard"
    return f"Orders: {queue.waiting} waiting, {queue.sent} at IBKR"


def _line(name: str, text: str, at: datetime | None = None) -> Line:
    return {"id": name, "text": text, **({"at": _utc(at)} if at else {})}


def _utc(at: datetime | None) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if at else ""
