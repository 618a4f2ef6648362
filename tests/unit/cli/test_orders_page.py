"""docs/plugin-orders.md has the commands about orders and their options, all of them and no other."""

import re
from pathlib import Path
from typing import Any

from typer.core import TyperGroup
from typer.main import get_command

from ibgateway_cli.executor.commands import app

PAGE = (Path(__file__).parents[3] / "docs" / "plugin-orders.md").read_text()
EVERYWHERE = {"--namespace", "--context", "--kubeconfig", "--output", "--help"}
"""Options of every command: docs/plugin.md has them."""


def commands() -> dict[str, Any]:
    group = get_command(app)
    assert isinstance(group, TyperGroup)
    return dict(group.commands)


def options() -> set[str]:
    return {
        name
        for command in commands().values()
        for parameter in command.params
        for name in parameter.opts
        if name.startswith("--")
    }


def test_every_command_is_on_the_page() -> None:
    assert len(commands()) == 12
    assert [name for name in commands() if not re.search(rf"`{name}[ `]", PAGE)] == []


def test_the_page_says_which_take_the_gateways_name_as_their_argument() -> None:
    [sentence] = re.findall(r"^(.*) take the gateway's name as their argument", PAGE, re.MULTILINE)
    takes = [
        name
        for name, command in commands().items()
        if any(p.param_type_name == "argument" and p.name == "name" for p in command.params)
    ]
    assert sorted(re.findall(r"`(\w+)`", sentence)) == sorted(takes)


def test_every_option_is_on_the_page_and_no_other() -> None:
    code = " ".join(re.findall(r"`[^`\n]+`|^    .*$", PAGE, re.MULTILINE))
    named = set(re.findall(r"--[a-z][a-z-]+", code))
    assert named - options() == set()
    assert options() - named - EVERYWHERE == set()
