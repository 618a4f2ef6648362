"""The login state machine as a table: which sign leads from which state to which. Found by walking `login.advance`, not written down."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Final

from ibgateway_api.login import Evidence, Login, LoginState, Sign, advance, unknown

AT: Final = datetime(2026, 11, 29, 14, 0, tzinfo=UTC)
"""The walk stands still in time: no state depends on when a sign was seen."""

Steps = Mapping[Sign, Mapping[LoginState, frozenset[LoginState]]]

SHOWN_BY: Final = {
    Sign.PERMIT_AWAITED: "wrapper: a start waits for its permit",
    Sign.PROCESS_STARTED: "wrapper: the permit was used, `run.sh` runs",
    Sign.PROCESS_ENDED: "wrapper: `run.sh` has ended",
    Sign.SESSION_STARTING: "log: IBC starts a session",
    Sign.TOKEN_START: "log: IBC starts again by the week's token",
    Sign.LOGIN_ATTEMPTED: "log: user name and password were sent, by IBC or by hand",
    Sign.PUSH_SENT: "log: the second factor's dialog has opened",
    Sign.PUSH_CLOSED: "log: that dialog has closed",
    Sign.APPROVAL_MISSED: "log: nobody approved, or it was denied",
    Sign.LOGIN_COMPLETED: "log: IBC says that the login is complete; the API has to prove it",
    Sign.SESSION_TAKEN: "log: IBKR says that another session of this user name exists",
    Sign.RELOGIN_BEGUN: "log: another login has ended this session, IBC presses Re-login",
    Sign.SESSION_RESUMED: "the API answers again after a conflict",
    Sign.REJECTED: "log: IBKR refused user name or password",
    Sign.LOCKED_OUT: "log: too many failed logins",
    Sign.TOKEN_EXPIRED: "log: the token is used up; or no login after a start by token",
    Sign.PERSON_NEEDED: "log: a window that only a person can answer",
    Sign.DIALOG_OPENED: "log: a window that stops the login has opened",
    Sign.DIALOG_CLOSED: "log: somebody has answered it",
    Sign.SERVER_LOST: "log: IB Gateway connects to its servers anew",
    Sign.RESTART_BEGUN: "log: IB Gateway restarts itself",
    Sign.STOP_BEGUN: "log: IB Gateway shuts down",
    Sign.COLD_RESTART: "log: IBC starts over by itself, with a full login; it is counted",
    Sign.API_READY: "API: handshake, accounts, and an answer of IBKR's servers",
    Sign.API_UNEXPECTED_ACCOUNT: "API: other accounts than `spec.executor.accounts`, or of the other mode",
    Sign.API_SILENT: "API: connected, and nothing is answered",
    Sign.API_CLOSED: "API: the port is closed",
    Sign.LINK_LOST: "API: 1100, or IBKR's servers do not answer",
    Sign.LINK_RESTORED: "API: 1101 or 1102",
}
"""What makes each sign, in words."""


@cache
def steps() -> Steps:
    """Every step that can be made from a login that can be reached; staying in a state is no step."""
    found: dict[Sign, dict[LoginState, set[LoginState]]] = defaultdict(lambda: defaultdict(set))
    start = unknown(AT)
    seen, ahead = {start}, [start]
    while ahead:
        login = ahead.pop()
        for sign in Sign:
            after = _after(login, sign)
            if after.state is not login.state:
                found[sign][login.state].add(after.state)
            if after not in seen:
                seen.add(after)
                ahead.append(after)
    return {sign: {a: frozenset(b) for a, b in found[sign].items()} for sign in Sign}


def _after(login: Login, sign: Sign) -> Login:
    """One dialog at most is open on this walk: a second one changes no state."""
    if sign is Sign.DIALOG_OPENED and login.dialogs:
        return login
    detail = {Sign.API_READY: "DU1", Sign.API_UNEXPECTED_ACCOUNT: "DU2"}.get(sign, "a window")
    return advance(login, Evidence(sign, AT, detail))


def table() -> str:
    """The steps as a Markdown table, a sign a line."""
    lines = ["| sign | shown by | leads to |", "|---|---|---|"]
    lines += [f"| `{sign}` | {SHOWN_BY[sign]} | {_leads_to(steps()[sign])} |" for sign in Sign]
    return "\n".join(lines) + "\n"


def _leads_to(ways: Mapping[LoginState, frozenset[LoginState]]) -> str:
    by_target: dict[LoginState, list[LoginState]] = defaultdict(list)
    for state in LoginState:
        for target in sorted(ways.get(state, ())):
            by_target[target].append(state)
    if not by_target:
        return "no other state by itself"
    return "; ".join(f"`{to}` from {_named(to, froms)}" for to, froms in by_target.items())


def _named(to: LoginState, froms: list[LoginState]) -> str:
    others = [state for state in LoginState if state is not to]
    left = [state for state in others if state not in froms]
    if not left:
        return "every other state"
    if len(left) <= len(others) // 3:
        return "every other state but " + ", ".join(f"`{state}`" for state in left)
    return ", ".join(f"`{state}`" for state in froms)
