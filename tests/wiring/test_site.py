"""The site of the documentation, built and opened in a real browser."""

import functools
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

from console_world.person import chromium

ROOT = Path(__file__).parents[2]

PAGE = "# A page\n\n## A part\n\nSee [the part](#a-part) and [the other](other.md#b).\n"
OTHER = "# Other\n\n## B\n\nback to [the part](index.md#a-part)\n"
TREE = "\n```{toctree}\n:hidden:\n\nother\n```\n"


def small(folder: Path, page: str, other: str = OTHER) -> Path:
    """Two pages with our own configuration."""
    docs = folder / "docs"
    shutil.copytree(ROOT / "docs" / "site", docs / "site", dirs_exist_ok=True)
    shutil.copy(ROOT / "docs" / "conf.py", docs)
    (docs / "index.md").write_text(page + TREE)
    (docs / "other.md").write_text(other)
    return folder


def build(source: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    """A build in a process of its own, as make runs it."""
    program = str(ROOT / "tests" / "support" / "ibgateway_site" / "build.py")
    places = [str(place) for place in (source, folder / "out", folder / "cache")]
    return subprocess.run(
        [sys.executable, program, *places], stderr=subprocess.PIPE, text=True, check=False
    )


def built(source: Path, folder: Path) -> int:
    """Its exit code."""
    return build(source, folder).returncode


def test_pages_whose_links_lead_somewhere_are_built(tmp_path: Path) -> None:
    assert built(small(tmp_path, PAGE), tmp_path / "build") == 0
    assert (tmp_path / "build" / "out" / "docs" / "other.html").is_file()


def test_links_that_lead_nowhere_are_named_and_fail_it_again_and_again(tmp_path: Path) -> None:
    links = "[](gone.md) [x](other.md#lost) [x](#nowhere) ![x](missing.png) [x](absent.txt)"
    wrong = small(tmp_path, f"{PAGE}\n{links}\n")
    for done in (build(wrong, tmp_path / "build"), build(wrong, tmp_path / "build")):
        assert done.returncode == 1
        names = ("gone.md", "lost", "nowhere", "missing.png", "absent.txt")
        assert [name for name in names if name not in done.stderr] == []


def test_a_part_that_is_renamed_fails_the_page_that_did_not_change(tmp_path: Path) -> None:
    assert built(small(tmp_path, PAGE), tmp_path / "build") == 0
    assert built(small(tmp_path, PAGE, OTHER.replace("## B", "## C")), tmp_path / "build") == 1


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of the whole site."""
    folder = tmp_path_factory.mktemp("site")
    assert built(ROOT, folder) == 0
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder / "out"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def browser(site: str) -> Iterator[tuple[Page, list[str]]]:
    """A page, and what it has asked for elsewhere."""
    with chromium() as opened:
        page, elsewhere = opened.new_page(), list[str]()
        page.on("request", lambda r: None if r.url.startswith(site) else elsewhere.append(r.url))
        yield page, elsewhere


@pytest.mark.browser
def test_its_pages_ask_nobody_else_for_anything(site: str, browser: tuple[Page, list[str]]) -> None:
    page, elsewhere = browser
    for path in ("index.html", "docs/logins.html", "docs/reference.html", "README.html"):
        page.goto(f"{site}/{path}", wait_until="networkidle")
    assert page.locator("h1").first.inner_text().startswith("ibgateway")
    assert elsewhere == []


@pytest.mark.browser
def test_its_search_finds_a_word_by_itself(site: str, browser: tuple[Page, list[str]]) -> None:
    page, elsewhere = browser
    page.goto(f"{site}/search.html?q=UnexpectedAccount", wait_until="networkidle")
    page.wait_for_selector("#search-results li a[href*='conditions']")
    assert elsewhere == []
