"""docs/images/login-states.svg: the login states and the steps between them that a week mostly takes. A test holds each arrow against `login.advance`."""

from html import escape
from math import inf
from typing import Final, NamedTuple

from ibgateway_api.login import LoginState as State
from ibgateway_api.login import Sign

WIDTH: Final = 1180
HEIGHT: Final = 560
BOX: Final = (140, 36)

PLACES: Final = {
    State.UNKNOWN: (95, 50),
    State.STOPPED: (95, 170),
    State.WAITING_FOR_PERMIT: (330, 110),
    State.STARTING: (570, 110),
    State.LOGGING_IN: (810, 110),
    State.AWAITING_APPROVAL: (1085, 40),
    State.APPROVAL_MISSED: (1085, 160),
    State.NEEDS_PERSON: (1085, 290),
    State.LOCKED_OUT: (950, 380),
    State.REJECTED: (790, 300),
    State.LOGGED_IN: (570, 330),
    State.RESTARTING: (95, 330),
    State.TOKEN_EXPIRED: (95, 480),
    State.CONNECTION_LOST: (330, 480),
    State.API_UNRESPONSIVE: (570, 480),
    State.SESSION_CONFLICT: (810, 480),
}
"""The middle of each state's box."""
GOOD: Final = frozenset({State.LOGGED_IN})
PERSONS: Final = frozenset(
    {
        State.AWAITING_APPROVAL,
        State.APPROVAL_MISSED,
        State.NEEDS_PERSON,
        State.REJECTED,
        State.LOCKED_OUT,
    }
)
"""States in which only a person helps."""


class Arrow(NamedTuple):
    """A step that is drawn; `at` is where along it its sign stands, `above` by how much over it."""

    begin: State
    sign: Sign
    end: State
    at: float = 0.5
    above: int = 0


ARROWS: Final = (
    Arrow(State.UNKNOWN, Sign.PERMIT_AWAITED, State.WAITING_FOR_PERMIT),
    Arrow(State.STOPPED, Sign.PERMIT_AWAITED, State.WAITING_FOR_PERMIT),
    Arrow(State.WAITING_FOR_PERMIT, Sign.PROCESS_STARTED, State.STARTING, above=11),
    Arrow(State.STARTING, Sign.LOGIN_ATTEMPTED, State.LOGGING_IN, above=11),
    Arrow(State.LOGGING_IN, Sign.PUSH_SENT, State.AWAITING_APPROVAL, 0.7),
    Arrow(State.AWAITING_APPROVAL, Sign.PUSH_CLOSED, State.LOGGING_IN, 0.7),
    Arrow(State.AWAITING_APPROVAL, Sign.APPROVAL_MISSED, State.APPROVAL_MISSED),
    Arrow(State.APPROVAL_MISSED, Sign.LOGIN_ATTEMPTED, State.LOGGING_IN, 0.55),
    Arrow(State.LOGGING_IN, Sign.PERSON_NEEDED, State.NEEDS_PERSON, 0.65),
    Arrow(State.NEEDS_PERSON, Sign.DIALOG_CLOSED, State.LOGGING_IN, 0.6),
    Arrow(State.LOGGING_IN, Sign.REJECTED, State.REJECTED),
    Arrow(State.LOGGING_IN, Sign.LOCKED_OUT, State.LOCKED_OUT, 0.75),
    Arrow(State.LOGGING_IN, Sign.API_READY, State.LOGGED_IN),
    Arrow(State.LOGGED_IN, Sign.LINK_LOST, State.CONNECTION_LOST, 0.35),
    Arrow(State.CONNECTION_LOST, Sign.LINK_RESTORED, State.LOGGED_IN, 0.35),
    Arrow(State.LOGGED_IN, Sign.API_SILENT, State.API_UNRESPONSIVE, 0.35),
    Arrow(State.API_UNRESPONSIVE, Sign.API_READY, State.LOGGED_IN, 0.35),
    Arrow(State.LOGGED_IN, Sign.RELOGIN_BEGUN, State.SESSION_CONFLICT, 0.35),
    Arrow(State.SESSION_CONFLICT, Sign.SESSION_RESUMED, State.LOGGED_IN, 0.35),
    Arrow(State.LOGGED_IN, Sign.RESTART_BEGUN, State.RESTARTING),
    Arrow(State.RESTARTING, Sign.API_READY, State.LOGGED_IN),
    Arrow(State.RESTARTING, Sign.TOKEN_EXPIRED, State.TOKEN_EXPIRED),
    Arrow(State.LOGGED_IN, Sign.PROCESS_ENDED, State.STOPPED),
)
FOOT: Final = "From every state: ProcessEnded leads to Stopped, PermitAwaited to WaitingForPermit, ProcessStarted to Starting."

_STYLE: Final = (
    "text{font:13px sans-serif;fill:#1b1f24}.sign{font-size:11px;fill:#3d4650}"
    ".box{fill:#f2f4f7;stroke:#4a5561;stroke-width:1.2}.good{fill:#d9f2df;stroke:#1d7a36}"
    ".person{fill:#fdebd3;stroke:#9a5b00}line{stroke:#4a5561;stroke-width:1.2}.back{fill:#ffffff}"
)


def drawing() -> str:
    """The whole SVG document."""
    double = {(arrow.end, arrow.begin) for arrow in ARROWS}
    lines, words = [], []
    for arrow in ARROWS:
        line, word = _arrow(arrow, aside=8 if (arrow.begin, arrow.end) in double else 0)
        lines.append(line)
        words.append(word)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Login states">\n'
        f"<style>{_STYLE}</style>\n"
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0 8 4 0 8z" fill="#4a5561"/></marker></defs>\n'
        f'<rect class="back" width="{WIDTH}" height="{HEIGHT}"/>\n'
    )
    foot = f'<text x="20" y="{HEIGHT - 16}">{escape(FOOT)}</text>\n</svg>\n'
    return head + "".join([*lines, *(_box(state) for state in State), *words]) + foot


def _box(state: State) -> str:
    (x, y), (width, height) = PLACES[state], BOX
    kind = "box good" if state in GOOD else "box person" if state in PERSONS else "box"
    return (
        f'<rect class="{kind}" x="{x - width / 2:g}" y="{y - height / 2:g}" width="{width}" height="{height}" rx="6"/>\n'
        f'<text x="{x}" y="{y + 4}" text-anchor="middle">{state}</text>\n'
    )


def _arrow(arrow: Arrow, *, aside: int) -> tuple[str, str]:
    """The line from box to box, moved aside where another one goes back, and its sign."""
    (x1, y1), (x2, y2) = PLACES[arrow.begin], PLACES[arrow.end]
    length = ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5
    dx, dy = (x2 - x1) / length, (y2 - y1) / length
    x1, x2, y1, y2 = x1 - dy * aside, x2 - dy * aside, y1 + dx * aside, y2 + dx * aside
    out, into = _to_the_edge(dx, dy, aside), _to_the_edge(-dx, -dy, -aside)
    begin, end = (x1 + dx * out, y1 + dy * out), (x2 - dx * into, y2 - dy * into)
    x, y = (b + (e - b) * arrow.at for b, e in zip(begin, end, strict=True))
    y -= arrow.above
    wide = 6.2 * len(arrow.sign) + 6
    line = f'<line x1="{begin[0]:.0f}" y1="{begin[1]:.0f}" x2="{end[0]:.0f}" y2="{end[1]:.0f}" marker-end="url(#tip)"/>\n'
    word = (
        f'<rect class="back" x="{x - wide / 2:.0f}" y="{y - 8:.0f}" width="{wide:.0f}" height="15"/>\n'
        f'<text class="sign" x="{x:.0f}" y="{y + 4:.0f}" text-anchor="middle">{arrow.sign}</text>\n'
    )
    return line, word


def _to_the_edge(dx: float, dy: float, aside: float) -> float:
    """How far it is in a direction to the edge of a box, from beside its middle."""
    across = (BOX[0] / 2 + (dy * aside if dx > 0 else -dy * aside)) / abs(dx) if dx else inf
    down = (BOX[1] / 2 - (dx * aside if dy > 0 else -dx * aside)) / abs(dy) if dy else inf
    return min(across, down)
