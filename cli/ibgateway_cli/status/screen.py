"""The overview as one screen. Pure: a document in, something that rich prints out."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.terminal.times import away, from_text, moment

GOOD: Final = "green"
BAD: Final = "red"
WAITS: Final = "yellow"
FAINT: Final = "dim"


def screen(document: Json, now: datetime) -> RenderableType:
    """Login, gate and why, window, pushes, queue, and what to do next."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for label, value in _rows(document, now):
        grid.add_row(label, value)
    return Group(_title(document), Text(), grid)


def _title(document: Json) -> Text:
    ready = document["ready"]
    title = Text.assemble(
        (f"{document['namespace']}/{document['name']}", "bold"),
        "  ",
        (document["tradingMode"].upper(), "bold red" if document["tradingMode"] == "live" else ""),
        "  ",
    )
    if document["deletion"]:
        return title.append("being deleted", BAD)
    if ready["status"] == "True":
        return title.append("Ready", GOOD)
    return title.append(f"not Ready: {ready['reason'] or 'unknown'}", BAD)


def _rows(document: Json, now: datetime) -> Iterator[tuple[str, Text]]:
    yield "Login", _login(document["login"], now)
    yield "Gate", _gate(document["gate"], gone=bool(document["deletion"]))
    yield "Window", _window(document["window"], now)
    yield "Pushes", _pushes(document["pushes"], now)
    yield "Queue", _queue(document["queue"])
    programs = document.get("programs") or {}
    if programs.get("following"):
        yield "Programs", _programs(programs)
    for note in document["notes"]:
        yield "Note", Text(note, WAITS)
    for step in document["next"]:
        yield "Next", Text(step, "cyan")


def _login(login: Json, now: datetime) -> Text:
    good = login["state"] == "LoggedIn"
    words = Text(login["state"], GOOD if good else WAITS)
    words.append(_since(login["since"], now))
    if login["deadline"] and (at := from_text(login["deadline"])):
        words.append(f"  approve by {moment(at)}, {away(at, now)}", WAITS)
    if not good and login["message"]:
        words.append(f"\n{login['message']}", FAINT)
    return words


def _gate(gate: Json, *, gone: bool) -> Text:
    if gone:
        return Text("not known any more", FAINT)
    if gate["status"] == "True":
        return Text("open: an order sent now goes to IBKR", GOOD)
    words = Text(f"closed: {gate['reason'] or 'unknown'}", BAD)
    return words.append(f"\n{gate['message']}", FAINT) if gate["message"] else words


def _window(window: Json, now: datetime) -> Text:
    words = Text()
    if not window["known"]:
        words.append("not known yet", FAINT)
    elif window["open"]:
        words.append("open: trading waits for the week's login", WAITS)
    else:
        words.append("this week is authenticated", GOOD)
    if at := _time(window["restart"]):
        words.append(f"\nnext restart {moment(at)}, {away(at, now)}", FAINT)
    return words


def _pushes(pushes: Json, now: datetime) -> Text:
    words = Text(f"{pushes['attemptsToday']} of {pushes['dailyAttempts']} in 24 hours")
    if at := _time(pushes["lastFullLogin"]):
        words.append(f", last full login {moment(at)}", FAINT)
    if pushes["waitsFor"]:
        words.append(f"\nno attempt by itself now: {pushes['waitsFor']}", WAITS)
        if at := _time(pushes["nextAttemptAt"]):
            words.append(f", next attempt at {moment(at)}, {away(at, now)}", WAITS)
    if pushes["behind"]:
        words.append(f"\nbehind {pushes['behind']}: {pushes['person']} approves both", WAITS)
    return words


def _queue(queue: Json) -> Text:
    if not queue["known"]:
        return Text(f"not known: {queue['why']}", FAINT)
    words = Text(f"{queue['active']} open, {queue['unacknowledged']} on their way")
    words.append(f", {queue['inDoubt']} in doubt", BAD if queue["inDoubt"] else "")
    for line in (queue["paused"], *queue["rebalances"], queue["backupProblem"]):
        if line:
            words.append(f"\n{line}", WAITS)
    return words


def _programs(programs: Json) -> Text:
    number = programs["following"]
    follow = "1 pod follows" if number == 1 else f"{number} pods follow"
    return Text(f"{follow} this gate, {programs['ready']} of them Ready")


def _since(text: str | None, now: datetime) -> str:
    at = _time(text)
    return f" since {moment(at)}, {away(at, now)}" if at else ""


def _time(text: str | None) -> datetime | None:
    return from_text(text) if text else None
