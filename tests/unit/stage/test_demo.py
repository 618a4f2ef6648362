"""The steps that the demo prints: commands that a person pastes into bash or zsh, and what they run."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

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
    for name in ("kubectl", "curl", "make"):
        (programs / name).write_text(RECORDER)
        (programs / name).chmod(0o755)
    record = tmp_path / "record"
    env = {"PATH": f"{programs}:/usr/bin:/bin", "RECORD": str(record), "HOME": str(tmp_path)}
    script = "\n".join([*steps(), "wait"])
    run = subprocess.run(
        [request.param], input=script, env=env, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")
    return [line.split("\t") for line in record.read_text().splitlines()]


def test_every_kubectl_is_in_the_demos_namespace(ran: list[list[str]]) -> None:
    calls = [words[1:3] for words in ran if words[0] == "kubectl"]
    assert len(calls) >= 10
    assert {tuple(call) for call in calls} == {("--namespace", "ibgateway-demo")}


def test_the_shell_learns_the_clusters_programs_first(ran: list[list[str]]) -> None:
    in_front = [words for words in ran if words[-1] != "8080"]
    assert (in_front[0], in_front[-1]) == (["make", "-s", "env"], ["make", "down"])
    assert re.search(
        r"^env:.*\n\t@\$\(CLUSTER\) env$", (ROOT / "Makefile").read_text(), re.MULTILINE
    )


def test_the_order_is_one_the_executor_takes_and_its_fill_is_shown_next(
    ran: list[list[str]],
) -> None:
    placed, shown = [words for words in ran if words[0] == "curl"]
    assert json.loads(placed[placed.index("-d") + 1])["contract"] == {"symbol": "AAPL"}
    assert placed[-1] == shown[-1] == "http://localhost:8080/v1/orders"
    assert "-d" not in shown


def test_a_login_is_asked_for_where_the_gateway_is_not_logged_in(ran: list[list[str]]) -> None:
    said = [" ".join(words) for words in ran]
    stopped, seen, asked, approved = (
        next(number for number, line in enumerate(said) if word in line)
        for word in ("STOP", "GatewayLoggedIn=False", "login-requested-at=", "latest/approve")
    )
    assert stopped < seen < asked < approved


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
