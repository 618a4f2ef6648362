"""Runs of the real IBC, played again: the simulator prints the same deciding lines in the same order.

`ibc_transcripts.txt` has the lines. Here stands what happened to the Gateway in each run.
"""

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from ibgateway_simulator.gateway.protocols import ExitProcess
from ibgateway_simulator.gateway.settings import user_folder
from simulator_fakes.login_flow import ACCOUNT, FlowRun

Message = dict[str, Any]

RELOGIN = {"ReloginAfterSecondFactorAuthenticationTimeout": "yes"}
YIELD = {"ExistingSessionDetectedAction": "secondary"}
TAKE = {"ExistingSessionDetectedAction": "primary"}
NIGHTLY = {"AutoRestartTime": "11:45 PM"}
PHONE = {"SecondFactorDevice": "My phone"}

PUSH: Message = {"type": "push_sent"}
APPROVED: Message = {"type": "push_approved"}
DENIED: Message = {"type": "push_denied"}
MISSED: Message = {"type": "push_missed"}
EXISTING: Message = {"type": "existing", "other": "person"}
KICKED: Message = {"type": "kicked", "style": "relogin"}
ASKED: Message = {"type": "kicked", "style": "existing"}
UNRECOGNIZED: Message = {"type": "rejected", "dialog": "unrecognized"}
RESTART: Message = {"type": "auto_restart"}
TYPED: Message = {"type": "IBC types and presses the button"}
STALLED: Message = {"type": "the time for the login is over"}
PUSHED = (PUSH, APPROVED, ACCOUNT)


def _expired(dialog: str) -> Message:
    return {"type": "token_expired", "dialog": dialog}


def _locked(seconds: float) -> Message:
    return {"type": "locked", "seconds": seconds}


@dataclass(frozen=True)
class Played:
    """One process: what it met after its login began; `by_token` starts it with a token."""

    met: tuple[Message, ...]
    by_token: bool = False


@dataclass(frozen=True)
class Run:
    """One run: config.ini and its processes."""

    processes: tuple[Played, ...]
    options: Mapping[str, str] = field(default_factory=dict)
    mode: str = "live"


def _run(*met: Message, options: Mapping[str, str] | None = None, mode: str = "live") -> Run:
    return Run((Played(met),), options or {}, mode)


def _night(*met: Message) -> Run:
    """A login with a push, a nightly restart, and what the token met."""
    return Run((Played((*PUSHED, RESTART)), Played(met, by_token=True)), NIGHTLY)


BARE = {"ReadOnlyApi": ""}
RUNS = {
    "a1-paper-ok-minimal": _run(ACCOUNT, mode="paper", options=BARE),
    "a2-paper-ok-config": _run(ACCOUNT, mode="paper", options=NIGHTLY),
    "b1-live-2fa-approved": _run(*PUSHED),
    "b2-live-2fa-approved-relogin-yes": _run(*PUSHED, options=RELOGIN),
    "b3-live-2fa-device-selection": _run(
        {"type": "devices", "devices": ["My phone", "Card"]}, *PUSHED, options=PHONE
    ),
    "b5-live-2fa-device-wrong": _run({"type": "devices", "devices": ["Card"]}, options=PHONE),
    "c1-2fa-missed-relogin-no-180s": _run(PUSH, MISSED),
    "c2-2fa-missed-relogin-yes-short": _run(
        PUSH, MISSED, TYPED, PUSH, MISSED, TYPED, PUSH, MISSED, options=RELOGIN
    ),
    "c3-2fa-dialog-flicker-relogin-no": _run(PUSH, DENIED),
    "d1-2fa-ok-login-stalls-exit": _run(PUSH, APPROVED, STALLED, options=RELOGIN),
    "d2-2fa-ok-login-stalls-restart": Run(
        (Played((PUSH, APPROVED, STALLED)), Played(PUSHED)), RELOGIN
    ),
    "e1-existing-primary-takes-over": _run(PUSH, APPROVED, EXISTING, ACCOUNT, options=TAKE),
    "e2-existing-primary-twice": _run(EXISTING, EXISTING, options=TAKE),
    "e3-existing-secondary": _run(EXISTING, options=YIELD),
    "e5-existing-primary-while-loggedin": _run(*PUSHED, ASKED, ACCOUNT, options=TAKE),
    "f1-login-failed-loop": _run({"type": "rejected", "dialog": "login-failed"}),
    "f2-login-error-dialog": Run((Played(({"type": "login_error"},)), Played(PUSHED))),
    "g1-unrecognized-user": _run(UNRECOGNIZED),
    "h1-too-many-relogin-no": _run(_locked(287)),
    "h2-too-many-relogin-yes": _run(_locked(12), TYPED, *PUSHED, options=RELOGIN),
    "i1-auto-restart-token-valid": _night(ACCOUNT),
    "j1-auto-restart-conn-failed-coldrestart": Run(
        (
            Played((*PUSHED, RESTART)),
            Played((_expired("connection-failed"),), by_token=True),
            Played(PUSHED),
        ),
        NIGHTLY,
    ),
    "j2-auto-restart-token-expired-label": _night(_expired("dialog")),
    "j4-auto-restart-unrecognized-user": _night(UNRECOGNIZED),
    "k1-relogin-required-ok": _run(*PUSHED, KICKED, ACCOUNT),
    "k2-relogin-required-existing": _run(
        *PUSHED, KICKED, EXISTING, ACCOUNT, KICKED, EXISTING, options=TAKE
    ),
    "k3-relogin-required-unrecognized": _run(*PUSHED, KICKED, UNRECOGNIZED),
    "o5-stale-restart-option-after-87": Run(
        (
            Played((*PUSHED, RESTART)),
            Played((ACCOUNT, KICKED, PUSH, APPROVED, STALLED), by_token=True),
        ),
        {**NIGHTLY, **RELOGIN},
    ),
}
_DECIDES = re.compile(
    r"detected (dialog|frame) entitled: (?!Connecting).*; event=(Opened|Closed)$|Login (?!dialog)"
    r"|Second Factor Authentication init|Duration since|Re-login|If login|Will re-login"
    r"|Click button|Cold restart|Too many|Connection to server failed|The security tokens"
    r"|IBC closing|Exiting after|Configuration tasks|.*\(scenario|could not find|You should"
)
_BLURRED = (
    (re.compile(r"Duration since login: \d+"), "Duration since login: N"),
    (re.compile(r"re-login at [\d :-]+;"), "re-login at T;"),
    (re.compile(r"wait .* before"), "wait T before"),
    (re.compile(r"exit in \d+ seconds"), "exit in N seconds"),
)


def _transcripts() -> Iterator[tuple[str, list[list[str]]]]:
    """Each run's name, and the lines of each of its processes."""
    text = Path(__file__).with_name("ibc_transcripts.txt").read_text(encoding="utf-8")
    for run in text.split("\n== ")[1:]:
        name, *processes = run.split("-- a process\n")
        yield name.strip(), [process.rstrip().splitlines() for process in processes]


def _decided(lines: list[str]) -> list[str]:
    """The deciding lines of what was printed, without their numbers and times."""
    kept = [line for line in lines if _DECIDES.match(line)]
    for pattern, blurred in _BLURRED:
        kept = [pattern.sub(blurred, line) for line in kept]
    return kept


async def _begun(flow: FlowRun, *, by_token: bool) -> None:
    await flow.flow.begin()
    if not by_token:
        await flow.flow.clicked("paperuser", "pw")


async def _meets(flow: FlowRun, message: Message) -> None:
    if message is TYPED:
        await flow.flow.autofill_again()
        await flow.flow.clicked("paperuser", "pw")
    elif message is STALLED:
        flow.flow.stalled()
    else:
        await flow.flow.receive(message)


async def _printed(folder: Path, run: Run, process: Played) -> list[str]:
    restart = user_folder(folder, "paperuser").name if process.by_token else ""
    options = {"ReadOnlyApi": "no", **run.options, "TradingMode": run.mode}
    flow = FlowRun(folder, restart=restart, **options)
    await _begun(flow, by_token=process.by_token)
    for message in process.met[:-1]:
        await _meets(flow, message)
    with contextlib.suppress(ExitProcess):
        await _meets(flow, process.met[-1])
    return _decided(flow.lines())


TRANSCRIPTS = dict(_transcripts())


@pytest.mark.parametrize("name", RUNS)
async def test_the_simulator_prints_what_the_real_ibc_printed(tmp_path: Path, name: str) -> None:
    run, real = RUNS[name], TRANSCRIPTS[name]
    played = [await _printed(tmp_path, run, process) for process in run.processes]
    assert played == real


def test_every_transcript_is_played() -> None:
    assert sorted(TRANSCRIPTS) == sorted(RUNS)
