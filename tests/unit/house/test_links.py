"""Every relative link in the documentation leads to a file that exists."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PLACES = ["*.md", "docs/**/*.md", "charts/**/*.md", "examples/*.md", "tests/*/README.md"]
PAGES = sorted(page for pattern in PLACES for page in ROOT.glob(pattern))

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_INLINE = re.compile(r"\]\(\s*<?([^)\s>]+)[^)]*\)")
_REFERENCE = re.compile(r"^\[[^\]]+\]:\s*(\S+)", re.MULTILINE)
_ELSEWHERE = re.compile(r"[a-z][a-z0-9+.-]*:|#", re.IGNORECASE)


def relative_links(text: str) -> Iterator[str]:
    """The paths of the links in a Markdown text that lead to a file, without their anchors."""
    prose = _CODE.sub("", text)
    for target in [*_INLINE.findall(prose), *_REFERENCE.findall(prose)]:
        if not _ELSEWHERE.match(target):
            yield target.partition("#")[0]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("see [a](docs/a.md) and [b](../b.md#part)", ["docs/a.md", "../b.md"]),
        ("![picture](images/a.png)", ["images/a.png"]),
        ('[titled](a.md "A title") [bracketed](<b.md>)', ["a.md", "b.md"]),
        ("[over\ntwo lines](a.md)", ["a.md"]),
        ("[elsewhere](https://example.com/a.md) [mail](mailto:a@example.com) [here](#part)", []),
        ("[reference]\n\n[reference]: a.md\n[web]: https://example.com/", ["a.md"]),
        ("```\n[code](a.md)\n```\n`[code](b.md)` [prose](c.md)", ["c.md"]),
        ("[![badge](badge.svg)](a.md)", ["badge.svg", "a.md"]),
    ],
)
def test_what_a_link_is(text: str, links: list[str]) -> None:
    assert links == list(relative_links(text))


def test_the_pages_are_found() -> None:
    names = {str(page.relative_to(ROOT)) for page in PAGES}
    assert {
        "README.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "CHANGELOG.md",
        "docs/architecture.md",
        "docs/decisions/0001-dependencies.md",
        "charts/ibgateway/README.md",
        "tests/cluster/README.md",
    } <= names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    dead = [link for link in relative_links(page.read_text()) if not _stands(page, link)]
    assert dead == []


def _stands(page: Path, link: str) -> bool:
    """Whether `link` in `page` names a file of this repository."""
    target = (page.parent / link).resolve()
    return target.is_relative_to(ROOT) and target.exists()
