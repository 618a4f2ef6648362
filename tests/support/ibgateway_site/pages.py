"""The pages and pictures that are made from the code, with what they must hold. `python -m ibgateway_site.pages` writes them."""

import re
from functools import cache
from pathlib import Path
from typing import Final

from ibgateway_site import login_diagram, login_steps, reference, tested

DOCS: Final = Path(__file__).parents[3] / "docs"
_BEGIN: Final = "<!-- login steps: made from api/ibgateway_api/login.py -->\n"
_END: Final = "<!-- end of the login steps -->\n"


@cache
def files() -> dict[Path, str]:
    """Every generated file with the content it must have."""
    logins = DOCS / "logins.md"
    return {
        DOCS / "reference.md": reference.page(),
        DOCS / "tested.md": tested.page(),
        DOCS / "images" / "login-states.svg": login_diagram.drawing(),
        logins: with_steps(logins.read_text()),
    }


def with_steps(text: str) -> str:
    """A page with the table of steps between its two marks."""
    between = re.compile(f"({re.escape(_BEGIN)}).*?({re.escape(_END)})", re.DOTALL)
    made, count = between.subn(lambda found: f"{found[1]}{login_steps.table()}{found[2]}", text)
    if count != 1:
        raise ValueError("the page has no single place for the login steps")
    return made


def write() -> None:
    """Write them all."""
    for path, content in files().items():
        path.write_text(content)


if __name__ == "__main__":
    write()
