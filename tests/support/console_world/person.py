"""What a person does at the page, in Debian's Chromium."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from console_world.processes import PATIENCE

CHROMIUM: Final = Path("/usr/bin/chromium")
FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless browser."""
    if not CHROMIUM.exists():
        raise RuntimeError(f"there is no {CHROMIUM}: run tests/install-debian.sh")
    expect.set_options(timeout=PATIENCE * 1000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def open_page(browser: Browser, complaints: list[str]) -> Iterator[Page]:
    """A page of a profile of its own; what it writes to the browser's console is kept."""
    with browser.new_context(viewport={"width": 1200, "height": 900}) as context:
        context.set_default_timeout(PATIENCE * 1000)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        yield page


@contextmanager
def pictured(page: Page, folder: Path) -> Iterator[None]:
    """What the person saw when a step failed, as `failure.png` in the folder."""
    try:
        yield
    except BaseException:
        page.screenshot(path=folder / "failure.png")
        raise


def enter(page: Page, secret: str) -> None:
    page.locator("#ask-secret").fill(secret)
    page.get_by_role("button", name="Connect").click()


def state_is(page: Page, text: str) -> None:
    expect(page.locator("#state")).to_have_text(text)


def colour(page: Page, place: tuple[int, int]) -> list[int]:
    """Red, green and blue of the remote screen at this place."""
    read = "([x, y]) => [...document.querySelector('#screen canvas').getContext('2d').getImageData(x, y, 1, 1).data]"
    found: list[int] = page.evaluate(read, list(place))
    return found[:3]


def click(page: Page, place: tuple[int, int]) -> None:
    """Clicks where the remote screen has this place, at whatever scale it is shown."""
    box = page.locator("#screen canvas").bounding_box()
    assert box is not None
    page.mouse.click(
        box["x"] + place[0] * box["width"] / 1024, box["y"] + place[1] * box["height"] / 768
    )
