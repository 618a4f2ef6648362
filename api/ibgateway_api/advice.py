"""What a login state or a refused permit means for a person, and what they can do. Pure.

Conditions, Events and the sentinel's own answers use the same words.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ibgateway_api.login import LoginState
from ibgateway_api.permits import PermitRefusal

LOGIN_ADVICE: Final = {
    LoginState.STARTING: "IB Gateway is starting and logs in by itself; a push may follow",
    LoginState.WAITING_FOR_PERMIT: "no login attempt is allowed now",
    LoginState.LOGGING_IN: "IB Gateway is logging in; a push may follow: have the phone at hand",
    LoginState.AWAITING_APPROVAL: "approve the push on IBKR Mobile",
    LoginState.APPROVAL_MISSED: "the push was not approved: it was missed, denied on the phone, or IBKR"
    " could not send it (the sentinel's log tells which): ask for another one with the"
    " annotation ibgateway.dev/login-requested-at, or log in through noVNC",
    LoginState.LOGGED_IN: "the API answers with the expected accounts",
    LoginState.CONNECTION_LOST: "IB Gateway has lost its connection to IBKR and comes back by itself,"
    " mostly within minutes; trading is held until then",
    LoginState.SESSION_CONFLICT: "somebody else is logged in with this user name: log out there and"
    " it goes on by itself",
    LoginState.REJECTED: "IBKR refused user name or password: correct the Secret, then ask for an"
    " attempt with the annotation ibgateway.dev/login-requested-at",
    LoginState.LOCKED_OUT: "IBKR has locked the user name, mostly for minutes, after too many failed"
    " logins: noVNC shows for how long. After that, or once IBKR has unlocked it, ask for an attempt"
    " with the annotation ibgateway.dev/login-requested-at",
    LoginState.TOKEN_EXPIRED: "IBKR no longer takes the week's token: a full login with a push follows"
    " as soon as an attempt is allowed",
    LoginState.NEEDS_PERSON: "IB Gateway asks something only a person can answer (agreements and notices that IBKR"
    " shows once, mostly at a user name's first login), and nothing is tried until then: open noVNC, read it and answer"
    " it. Where it shows no window any more, ask for an attempt with the"
    " annotation ibgateway.dev/login-requested-at, and answer it there then",
    LoginState.RESTARTING: "IB Gateway restarts and comes back by itself, within minutes; only where the"
    " week's token is used up a push follows",
    LoginState.API_UNRESPONSIVE: "IB Gateway is logged in but its API does not answer, and trading is held"
    " until it does: if that lasts for minutes, ask for a new login, with a push, with the annotation"
    " ibgateway.dev/login-requested-at",
    LoginState.STOPPED: "IB Gateway's process has ended; it starts again by itself as soon as an attempt is"
    " allowed",
    LoginState.UNKNOWN: "the sentinel has seen no evidence of the login yet, or can't see the gateway now,"
    " and trading is held: if that lasts for minutes, look at the gateway's pod",
}


def wrong_port(port: int) -> str:
    """What to do about a login without an API where it is expected."""
    return (
        f"IB Gateway says that it has logged in, but nothing listens on its API port {port}: open noVNC and"
        f" set Configure > Settings > API > Settings > Socket port to {port}"
    )


CONFLICT_BEFORE_CLOSE: Final = (
    "somebody else is logged in with this user name in the last trading hour, and orders that wait may miss"
    " the session: log out there now, or have the session back, with a push, with the annotation"
    " ibgateway.dev/login-requested-at"
)

_ASK: Final = "ask for an attempt with the annotation ibgateway.dev/login-requested-at"
_OR_ASK: Final = f"it goes on by itself then; {_ASK} to have one now"

PERMIT_ADVICE: Final[Mapping[str, str]] = {
    PermitRefusal.PARKED: "too many attempts without a login (spec.login.maxAttempts), or IBKR refused the"
    " last one, or that one met what only a person can answer: nothing is tried until you"
    f" {_ASK}, or log in through noVNC where its window is up",
    PermitRefusal.INTERVAL: f"attempts are spaced by spec.login.attemptIntervalSeconds: {_OR_ASK}",
    PermitRefusal.DAILY_BUDGET: "the attempts of 24 hours (spec.login.dailyAttempts) are used up:"
    f" {_OR_ASK}",
    PermitRefusal.QUIET_HOURS: f"nothing pushes in spec.login.quietHours: {_OR_ASK}",
    PermitRefusal.MAINTENANCE: "IBKR answers no login now, whoever asks: it goes on by itself then",
    PermitRefusal.NIGHTLY_RESET: f"IBKR resets its servers in these hours and may drop a login: {_OR_ASK}",
    PermitRefusal.SESSION_CONFLICT: "a person has the session: log out there, it is looked at again then",
    PermitRefusal.ALREADY_HANDLED: "this request was handled already: set the annotation to the time now",
    PermitRefusal.RESTART_AHEAD: "the week's token is dead and spec.weeklyRestart is still to come:"
    f" {_OR_ASK}",
    PermitRefusal.LEDGER_LOST: "what was tried before is not known, because the attempt ledger is gone, is"
    " another gateway's or can't be read, so nothing is tried by itself for 24 hours after that:"
    f" {_ASK}, or log in through noVNC where its window is up",
    PermitRefusal.CLOCK_SKEW: "the node's clock is more than a minute off IBKR's, so neither the budget of"
    f" attempts nor the week can be read from it: set the clock right (NTP): {_OR_ASK}",
    PermitRefusal.AWAITS_TURN: "the pushes of this person's gateways wait one at a time: the operator gives each its turn,"
    " and status.turn says whom it is behind",
    PermitRefusal.HANDED_OVER: "a person has the login for themselves: it comes back by itself then; remove the"
    " annotation ibgateway.dev/handover-until, or end it at the console, to have it back now",
    PermitRefusal.POLICY_UNPROVEN: "live waits for proof, by the console, that policies are enforced: see"
    " NetworkPolicyEnforced",
}


def lost_for_long(since: datetime) -> str:
    """A loss of the connection that is longer than IBKR's own, and what a person can do."""
    return (
        f"IB Gateway has not reached IBKR since {_utc(since)}, longer than IBKR's resets take, and trading is"
        " held. See whether IBKR is down, whether somebody is logged in with this user name, and whether"
        " the pod gets out (node, DNS, firewall). It comes back by itself once IBKR answers; where it does"
        " not, ask for a new login, with a push, with the annotation ibgateway.dev/login-requested-at"
    )


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def why_refused(refusal: str, until: datetime | None) -> str:
    """Why there is no permit, until when where that is known, and what a person can do.

    A reason of another version has no advice here.
    """
    ends = f", until {_utc(until)}" if until else ""
    advice = PERMIT_ADVICE.get(refusal)
    return f"{refusal}{ends}: {advice}" if advice else f"{refusal}{ends}"
