"""docs/plugin.md has every command, check and exit code, and no others."""

import re
from pathlib import Path

import typer

from ibgateway_cli.doctor.checks import CHECKS
from ibgateway_cli.errors import ExitCode
from ibgateway_cli.main import app

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "plugin.md").read_text()
PAGES = "\n".join(page.read_text() for page in sorted(DOCS.glob("plugin*.md")))


def rows(heading: str) -> list[str]:
    """The first cells of the table below a heading."""
    part = PAGE.partition(f"\n{heading}")[2].partition("\n## ")[0]
    return list(re.findall(r"^\| ([^|]+) \|", part, re.MULTILINE))[1:]


def test_every_command_has_its_line() -> None:
    command = typer.main.get_command(app)
    known = set(getattr(command, "commands", {}))
    assert {"status", "login", "report"} <= known
    assert {name for name in known if not re.search(rf"`{name}\b", PAGES)} == set()


def test_no_line_is_about_a_command_that_is_gone() -> None:
    known = set(getattr(typer.main.get_command(app), "commands", {}))
    named = {name for row in rows("Each command") for name in re.findall(r"`(\w+)", row)}
    assert named <= known


def test_every_check_of_the_doctor_has_its_line() -> None:
    assert [row.strip("`") for row in rows("## The doctor")] == [name for name, _ in CHECKS]


def test_every_exit_code_has_its_line() -> None:
    assert [int(row) for row in rows("## Exit codes")] == [*(int(code) for code in ExitCode), 130]
