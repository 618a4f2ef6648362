"""The pages as a site: each is found from the index, those that are made from the code are fresh, and nothing is fetched from elsewhere."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from ibgateway_api.login import LoginState, Sign
from ibgateway_site import login_diagram, login_steps, pages
from ibgateway_site.schema_rows import Row, checks, rows

ROOT = Path(__file__).parents[3]
DOCS = ROOT / "docs"

_TREE = re.compile(r"^```\{toctree\}\n(.*?)^```", re.MULTILINE | re.DOTALL)


def listed(page: Path) -> Iterator[Path]:
    """The pages of its tables of contents: where the site has them on the left."""
    text = page.read_text()
    for tree in _TREE.findall(text):
        for line in tree.splitlines():
            if line and not line.startswith(":"):
                name = line.rpartition("<")[2].rstrip(">")
                found = (
                    page.parent.glob(f"{name}.md") if "*" in name else [page.parent / f"{name}.md"]
                )
                yield from (path.resolve() for path in sorted(found))


def reached(start: Path) -> set[Path]:
    seen, ahead = {start}, [start]
    while ahead:
        for page in listed(ahead.pop()):
            if page not in seen and page.is_file():
                seen.add(page)
                ahead.append(page)
    return seen


def test_what_a_page_lists(tmp_path: Path) -> None:
    for name in ("a", "b", "c-1", "c-2", "d", "e"):
        (tmp_path / f"{name}.md").write_text("")
    (tmp_path / "a.md").write_text("[x](b.md)\n\n```{toctree}\n:glob:\n\nc*\nA title <d>\n```\n")
    assert {path.stem for path in reached(tmp_path / "a.md")} == {"a", "c-1", "c-2", "d"}


def test_every_page_is_found_from_the_index() -> None:
    places = (
        "*.md",
        "docs/**/*.md",
        "charts/*/README.md",
        "examples/README.md",
        "tests/*/README.md",
    )
    found = reached(DOCS / "index.md")
    lost = [
        str(page.relative_to(ROOT))
        for place in places
        for page in sorted(ROOT.glob(place))
        if page not in found
    ]
    assert lost == [], "name it in docs/index.md: in its table, and in one of its lists at the end"


@pytest.mark.parametrize("path", pages.files(), ids=lambda path: path.name)
def test_what_is_made_from_the_code_is_fresh(path: Path) -> None:
    assert path.read_text() == pages.files()[path], (
        "make pages, which is python -m ibgateway_site.pages"
    )


def test_every_state_is_drawn_and_every_arrow_is_a_step() -> None:
    assert set(login_diagram.PLACES) == set(LoginState)
    wrong = [
        arrow
        for arrow in login_diagram.ARROWS
        if arrow.end not in login_steps.steps()[arrow.sign].get(arrow.begin, ())
    ]
    assert wrong == []


def test_every_sign_says_what_shows_it() -> None:
    assert set(login_steps.SHOWN_BY) == set(Sign)


def test_the_foot_of_the_drawing_holds_for_every_state() -> None:
    for sign, end in (
        (Sign.PROCESS_ENDED, LoginState.STOPPED),
        (Sign.PERMIT_AWAITED, LoginState.WAITING_FOR_PERMIT),
        (Sign.PROCESS_STARTED, LoginState.STARTING),
    ):
        others = set(LoginState) - {end}
        assert {a: {end} for a in others} == login_steps.steps()[sign]
        assert (
            f"{sign} leads to {end}" in login_diagram.FOOT
            or f"{sign} to {end}" in login_diagram.FOOT
        )


def test_what_a_field_says() -> None:
    frozen = {"rule": "self == oldSelf", "message": "no"}
    form = {"rule": "self.matches(r'a|b')", "message": 'write it like "a"'}
    node = {
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 5, "x-kubernetes-validations": [form, frozen]},
            "list": {"type": "array", "items": {"enum": ["x", "y"]}, "default": [], "maxItems": 2},
            "inner": {
                "default": {},
                "properties": {"n": {"type": "integer", "minimum": 1, "default": 3}},
            },
            "affinity": {"default": {}, "type": "object", "properties": {"deep": {}}},
        },
    }
    assert list(rows(node, "spec")) == [
        Row(
            "spec.name",
            "text",
            "**required**",
            'at most 5 characters; like "a"; **can\'t be changed**',
            "",
        ),
        Row("spec.list", "list of any", "`[]`", "`x`, `y`; at most 2 entries", ""),
        Row("spec.inner.n", "integer", "`3`", "≥ 1", ""),
        Row("spec.affinity", "as in a pod", "`{}`", "", ""),
    ]
    assert [check.paths for check in checks(node, "spec")] == [("spec.name",), ("spec.name",)]


def test_nothing_of_the_site_is_fetched_from_elsewhere() -> None:
    own = [DOCS / "conf.py", *sorted((DOCS / "site").rglob("*.*"))]
    assert [f.name for f in own if re.search(r"(?:https?:)?//[a-z]", f.read_text())] == []
