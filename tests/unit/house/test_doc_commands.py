"""Commands that the pages for users give are pasted: they are whole, and mean the same in bash and zsh."""

import re
import subprocess
from pathlib import Path

import pytest

from ibgateway_house.page_commands import commands

ROOT = Path(__file__).parents[3]
PAGES = [
    "README.md",
    "docs/backup.md",
    "docs/conditions.md",
    "docs/events.md",
    "docs/executor.md",
    "docs/install.md",
    "docs/plugin-orders.md",
    "docs/migration.md",
    "docs/your-own-program.md",
    "docs/quickstart.md",
    "docs/runbooks/login.md",
    "docs/simulator.md",
    "charts/ibgateway/README.md",
    "charts/ibgateway-operator/README.md",
]
_HERE_DOCUMENT = re.compile(r"<<'(\w+)'\n.*?^\1$", re.MULTILINE | re.DOTALL)
_QUOTED = re.compile(r"'[^']*'|\"(?:\\.|[^\"\\])*\"", re.DOTALL)


def shell_trouble(script: str) -> str:
    """What would not do the same in bash and zsh, as somebody types it; empty if nothing."""
    parsed = subprocess.run(
        ["bash", "-n"], input=script, text=True, capture_output=True, check=False
    )
    if parsed.stderr:
        return parsed.stderr
    words = _QUOTED.sub("Q", _HERE_DOCUMENT.sub("", script))
    if re.search(r"(?:^|\s)#", words):
        return "a comment, which zsh takes for an argument"
    if glob := re.search(r"\S*[?*\[]\S*", words):
        return f"{glob.group()} is not quoted: zsh looks for files of that name"
    if re.search(r"(?:^|[|;&]\s*)\$\w", words):
        return "a command in a variable, which zsh does not split"
    if re.search(r"\$\w+:", script):
        return "a colon after a variable without braces is a modifier in zsh"
    return ""


@pytest.mark.parametrize(
    ("script", "trouble"),
    [
        ("kubectl get ibgw -o jsonpath='{.a[*]}'", ""),
        ("helm install a b   # words", "comment"),
        ("kubectl get 'a", "unexpected EOF"),
        ("curl localhost/v1/orders?state=Waiting", "not quoted"),
        ("helm install --set spec.executor.accounts[0]=U1 a b", "not quoted"),
        ("$k get pods", "variable"),
        ('docker build --tag "a-$target:1" .', "colon"),
        ("cat > a <<'END'\nwhat? # anything\nEND\n", ""),
    ],
)
def test_what_trouble_is(script: str, trouble: str) -> None:
    found = shell_trouble(script)
    assert trouble in found
    assert bool(found) is bool(trouble)


@pytest.mark.parametrize("page", PAGES)
def test_every_command_can_be_pasted(page: str) -> None:
    scripts = list(commands((ROOT / page).read_text()))
    assert scripts
    assert [(script, found) for script in scripts if (found := shell_trouble(script))] == []
