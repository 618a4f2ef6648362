"""What tests with a real Chromium are given; a conftest names them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from console_world.console import Console, built_page, running_console
from console_world.person import chromium, open_page
from console_world.screen import PASSWORD, Screen, screen_with_window

TOKEN: Final = "canary-token-of-the-console"


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    with screen_with_window(tmp_path) as made:
        yield made


@pytest.fixture(scope="session")
def static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_page(tmp_path_factory.mktemp("static"))


@pytest.fixture
def start(static: Path) -> Iterator[Callable[..., Console]]:
    """Starts consoles that end with the test."""
    with ExitStack() as stack:
        yield lambda **more: stack.enter_context(running_console(static, **more))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that must not break its content policy, throw, or write a secret anywhere."""
    complaints: list[str] = []
    with open_page(browser, complaints) as opened:
        yield opened
    forbidden = ("Content Security Policy", "error:", PASSWORD, TOKEN)
    assert [text for text in complaints if any(word in text for word in forbidden)] == []
