"""Every transcript folds to its true states.

`transcripts` holds what the container printed when the real scripts and IBC ran beside a stand-in for
the Gateway's windows: seconds and lines, and when the stand-in's API was open. The head of each file
has the states that were true, by the stand-in's own account. The API's proof comes as the monitor
brings it: when the port opens, and whenever the log says that a login may be done. The wrapper's two
lines are added, because the runs had none.
"""

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import pytest

from ibgateway_agent.sentinel.log.login_fold import LoginFold, fold_evidence, fold_line
from ibgateway_agent.sentinel.loop import PROBE_NOW
from ibgateway_api.login import Evidence, LoginState, Sign, unknown

FOLDER: Final = Path(__file__).parent / "transcripts"
FILES: Final = sorted(FOLDER.glob("*.log"))
T0: Final = datetime(2026, 11, 22, 9, 5, tzinfo=UTC)
LATE: Final = 0.3
"""Seconds within which a line reaches the log after what it tells of."""
EARLY: Final = 0.7
"""Seconds by which IBC may say what it does before the stand-in notes that it was done."""
S = LoginState
MEANS: Final = {
    "Starting": S.STARTING,
    "LoggingIn": S.LOGGING_IN,
    "SelectingTwoFactorDevice": S.LOGGING_IN,
    "AwaitingTwoFactor": S.AWAITING_APPROVAL,
    "TwoFactorAnswered": S.LOGGING_IN,
    "LoginStalled": S.LOGGING_IN,
    "TwoFactorTimedOut": S.APPROVAL_MISSED,
    "PushRefused": S.APPROVAL_MISSED,
    "LoggedIn": S.LOGGED_IN,
    "UpstreamLost": S.CONNECTION_LOST,
    "KickedDialog": S.SESSION_CONFLICT,
    "ExistingSessionDialog": S.SESSION_CONFLICT,
    "LoginFailedDialog": S.REJECTED,
    "LockedOutDialog": S.LOCKED_OUT,
    "TokenExpiredDialog": S.TOKEN_EXPIRED,
    "AutoRestarting": S.RESTARTING,
    "RestartingWithToken": S.RESTARTING,
    "AutoLoggingOff": S.RESTARTING,
    "ShuttingDown": S.RESTARTING,
    "ConfirmExitDialog": S.RESTARTING,
    "SIGTERM": S.RESTARTING,
    "Exited": S.STOPPED,
}
READ_OTHERWISE: Final = {
    ("b5", "SelectingTwoFactorDevice"): S.NEEDS_PERSON,
    ("f2", "LoginFailedDialog"): S.TOKEN_EXPIRED,
    ("j4", "LoginFailedDialog"): S.TOKEN_EXPIRED,
    ("l3", "SIGTERM"): S.UNKNOWN,
}
"""A device that is not in the list; a dead token that a window calls something else; TERM before a start."""

STAND_IN_WAS_SILENT: Final = {"c2": ((90.0, "LoggingIn"),), "q8": ((2.2, "LoggingIn"),)}
"""IBC's own attempts that the stand-in's plan did not answer, and so did not note."""


@dataclass(frozen=True)
class Transcript:
    """What was true from which second on, and what could be seen at which."""

    truth: tuple[tuple[float, str], ...]
    seen: tuple[tuple[float, str], ...]
    end: float


def transcript(path: Path) -> Transcript:
    text = path.read_text()
    states = re.findall(r"\+([\d.]+) (\w+)", text.split("# states: ")[1].split("\n")[0])
    truth = tuple((float(second), name) for second, name in states)
    rows = [row.split(" ", 1) for row in text.splitlines() if not row.startswith("#")]
    seen = tuple((float(row[0]), row[1] if len(row) > 1 else "") for row in rows)
    stopped = [second for second, name in truth if name == "RunningWhenRigStopped"]
    end = stopped[0] if stopped else max(second for second, _ in (*truth, *seen)) + 1.0
    return Transcript(tuple(row for row in truth if row[1] != "RunningWhenRigStopped"), seen, end)


def states(known: Transcript) -> Iterator[tuple[float, LoginState]]:
    """The state from each second on."""
    fold, is_open = LoginFold(unknown(T0)), False
    ended = [second for second, name in known.truth if name == "Exited"]
    for second, line in (*known.seen, *((at, "ended") for at in ended)):
        at = T0 + timedelta(seconds=second)
        signs = []
        if line in ("API open", "API closed"):
            is_open = line == "API open"
            signs = [Sign.API_READY if is_open else Sign.API_CLOSED]
        elif line == "ended":
            signs = [Sign.PROCESS_ENDED]
        else:
            fold, evidence = fold_line(fold, line, at, approval_seconds=180)
            asked = any(piece.sign in PROBE_NOW for piece in evidence)
            signs = [Sign.API_READY] if asked and is_open else []
        for sign in signs:
            fold = fold_evidence(fold, Evidence(sign, at, "U1234567"), approval_seconds=180)
        yield second, fold.login.state


def misread(name: str, known: Transcript) -> list[str]:
    """Each span in which the state was neither true nor just about to be, nor just been."""
    told = (*known.truth, *STAND_IN_WAS_SILENT.get(name, ()))
    truth = sorted(told, key=lambda row: (row[0], row[1] == "Exited"))
    means = [READ_OTHERWISE.get((name, true), MEANS[true]) for _, true in truth]
    starts = [second for second, _ in truth]
    # An API that closes is a lost connection until the line that says why is there. A state may be shown from a little before the stand-in notes it until a little after its end.
    true_from = [start - EARLY for start in starts]
    true_to = [*[end + LATE for end in starts[1:]], known.end]
    shown = list(states(known))
    found = []
    for (since, state), (until, _) in zip(shown, [*shown[1:], (known.end, S.UNKNOWN)], strict=True):
        spans = zip(means, true_from, true_to, strict=True)
        covers = [(first, last) for meant, first, last in spans if meant is state]
        passing = state is S.CONNECTION_LOST and until - since < LATE
        if (
            not passing
            and since >= starts[0] + LATE
            and not _covered(since, min(until, known.end), covers)
        ):
            found.append(f"{since:.2f} {state}")
    return found


def _covered(since: float, until: float, spans: list[tuple[float, float]]) -> bool:
    for first, last in spans:
        if first <= since <= last:
            since = last
    return until <= since


def test_there_are_all_of_them() -> None:
    assert len(FILES) == 67


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_transcript_folds_to_its_true_states(path: Path) -> None:
    assert misread(path.stem.split("-")[0], transcript(path)) == []


def test_a_state_that_is_not_true_is_found() -> None:
    known = transcript(FOLDER / "k3-relogin-required-unrecognized.log")
    silent = tuple(row for row in known.seen if "Unrecognized" not in row[1])
    assert misread("k3", replace(known, seen=silent)) == ["13.97 SessionConflict"]


if __name__ == "__main__":
    wrong = {path.stem: misread(path.stem.split("-")[0], transcript(path)) for path in FILES}
    bad = {name: spans for name, spans in wrong.items() if spans}
    sys.stdout.write(f"{len(FILES)} transcripts, {len(bad)} misread {bad or ''}\n")
