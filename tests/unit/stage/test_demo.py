"""The steps that the demo prints: commands that a person pastes into bash or zsh, and what they run."""

import re
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from ibgateway_cli.main import app
from ibgateway_stage import demo

ROOT = Path(__file__).parents[3]
ORDER = {"id": "o-1", "state": "Filled"}
SHELLS = [shell for shell in ("bash", "zsh") if shutil.which(shell)]
# One write a line: the programs of a pipe and the one in the background record at the same time.
RECORDER = """#!/bin/sh
line=$(basename "$0")
for word; do line="$line\t$word"; done
printf '%s\\n' "$line" >> "$RECORD"
"""


def steps() -> list[str]:
    """The commands of the summary: the lines that are indented by two."""
    return [line.strip() for line in demo.summary(ORDER).splitlines() if line.startswith("  ")]


@pytest.fixture(params=SHELLS)
def ran(request: pytest.FixtureRequest, tmp_path: Path) -> list[list[str]]:
    """Every program that the steps start in this shell, with its arguments, in their order."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("kubectl", "make"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    record = tmp_path / "record"
    env = {"PATH": f"{programs}:/usr/bin:/bin", "RECORD": str(record), "HOME": str(tmp_path)}
    script = "\n".join([step for step in steps() if step != "exit"])
    run = subprocess.run(
        [request.param], input=script, env=env, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return [line.split("\t") for line in record.read_text().splitlines()]


def test_the_shell_comes_first_and_is_left_before_all_goes(ran: list[list[str]]) -> None:
    assert (ran[0], ran[-1]) == (["make", "shell"], ["make", "down"])
    assert steps()[-2:] == ["exit", "make down"]
    assert re.search(
        r"^shell:.*\n\t@\$\(STAGE\) shell$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_no_kubectl_names_a_place_because_the_shell_has_it(ran: list[list[str]]) -> None:
    calls = [words for words in ran if words[0] == "kubectl"]
    assert len(calls) >= 9
    places = ("-n", "--namespace", "--context", "--kubeconfig")
    assert [words for words in calls for word in words if word.startswith(places)] == []


def test_the_plugin_has_every_command_that_is_shown(ran: list[list[str]]) -> None:
    known = set(getattr(typer.main.get_command(app), "commands", {}))
    shown = [words[2] for words in ran if words[:2] == ["kubectl", "ibgateway"]]
    assert shown[:3] == ["status", "doctor", "vnc"]
    assert set(shown) <= known


def test_the_order_is_waited_for_and_its_fill_is_shown_next(ran: list[list[str]]) -> None:
    said = [words[2:] for words in ran if words[:2] == ["kubectl", "ibgateway"]]
    placed = said.index(["order", "buy", "AAPL", "1", "--wait"])
    assert said[placed + 1] == ["orders"]


def test_a_login_is_asked_for_where_the_gateway_is_not_logged_in(ran: list[list[str]]) -> None:
    said = [" ".join(words) for words in ran]
    stopped, seen, asked, approved = (
        next(number for number, line in enumerate(said) if word in line)
        for word in ("STOP", "GatewayLoggedIn=False", "ibgateway login --yes", "latest/approve")
    )
    assert stopped < seen < asked
    assert seen < approved


def test_the_weeks_token_is_used_up_first_because_a_suspend_would_keep_it(
    ran: list[list[str]],
) -> None:
    [told] = [words for words in ran if "exec" in words and "paper-gateway-0" in words]
    assert told[-1] == "echo STOP >/dev/tcp/127.0.0.1/7462"
    assert not any("suspend" in word for words in ran for word in words)


def test_no_step_counts_on_bash_splitting_words_or_on_comments() -> None:
    for step in steps():
        assert not re.match(r"\$\w", step), step
        assert not re.search(r"\s#", step), step


@pytest.mark.parametrize(
    ("state", "since", "stands"),
    [
        ("TokenExpired", "2026-11-30T12:00:00Z", True),
        ("WaitingForPermit", "2026-11-30T12:00:44Z", True),
        ("WaitingForPermit", "2026-11-30T12:00:46Z", False),
        ("ApprovalMissed", "2026-11-30T12:00:00Z", True),
        ("AwaitingApproval", "2026-11-30T12:00:00Z", False),
        ("LoggedIn", "2026-11-30T12:00:00Z", False),
        ("WaitingForPermit", None, False),
    ],
)
def test_a_login_is_asked_for_only_where_it_would_not_come_by_itself(
    state: str, since: str | None, *, stands: bool
) -> None:
    now = datetime(2026, 11, 30, 12, 1, tzinfo=UTC)
    assert demo.stands_still({"state": state, "since": since}, now) is stands


def test_what_is_in_the_way_is_told_where_the_demo_gives_up() -> None:
    ready = {"status": "False", "reason": "Paused", "message": "anna has paused trading"}
    assert demo.in_the_way(ready) == "Paused: anna has paused trading"
    assert "kubectl ibgateway logs" in demo.in_the_way({})
