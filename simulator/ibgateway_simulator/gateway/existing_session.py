"""How IBC answers "Existing session detected": pure.

The numbers of its scenarios are part of its log. `primary` takes over once in the life of a
process; an action IBC does not know counts as `secondary`.
"""

from dataclasses import dataclass
from enum import StrEnum

LEAVE = "Exit Application"


class IbcLoginState(StrEnum):
    """Where IBC is with the login, in its own words."""

    LOGGED_OUT = "LOGGED_OUT"
    LOGGING_IN = "LOGGING_IN"
    LOGGED_IN = "LOGGED_IN"


class ExistingSessionAction(StrEnum):
    """What ExistingSessionDetectedAction may be."""

    PRIMARY = "primary"
    PRIMARY_OVERRIDE = "primaryoverride"
    SECONDARY = "secondary"
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class SessionChoice:
    """IBC's lines and what it does; `go_on` None leaves the dialog to a person."""

    lines: tuple[str, ...]
    go_on: bool | None
    takes_over: bool = False


def choose(word: str, state: IbcLoginState, *, taken_over: bool) -> SessionChoice:
    """The choice for a configured action in a login state."""
    try:
        return _choose(ExistingSessionAction(word), state, taken_over=taken_over)
    except ValueError:
        invalid = (
            f"ExistingSessionDetectedAction has an invalid value: {word}: assuming 'secondary'"
        )
        known = _choose(ExistingSessionAction.SECONDARY, state, taken_over=taken_over)
        return SessionChoice((invalid, *known.lines), known.go_on)


def _choose(
    action: ExistingSessionAction, state: IbcLoginState, *, taken_over: bool
) -> SessionChoice:
    if action is ExistingSessionAction.MANUAL:
        text = "User must choose whether to continue with this session (scenario 1)"
        return SessionChoice((text,), None)
    if action is ExistingSessionAction.SECONDARY:
        return SessionChoice(
            ("End this session and let the other session proceed (scenario 2)",), go_on=False
        )
    if state is IbcLoginState.LOGGED_IN:
        return _while_logged_in(action)
    if not taken_over:
        text = "Don't know the type of the other session, so continue this one (scenario 3)"
        return SessionChoice((text,), go_on=True, takes_over=True)
    text = (
        "Other session must be primary or primary override, so end this session and let the "
        "other one proceed (scenario 4)"
    )
    return SessionChoice((text,), go_on=False)


def _while_logged_in(action: ExistingSessionAction) -> SessionChoice:
    if action is ExistingSessionAction.PRIMARY:
        text = "Continue this session and let the other session exit (scenario 5)"
        return SessionChoice((text,), go_on=True)
    return SessionChoice(
        (
            "Other session may be primary, so end this session and let the other one proceed "
            "(scenario 6)",
        ),
        go_on=False,
    )
