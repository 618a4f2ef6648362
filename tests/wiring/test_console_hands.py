"""The console without a mouse and without a desk: keys only, a phone, the clipboard."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from console_world.console import Console
from console_world.person import colour, enter, state_is
from console_world.processes import until
from console_world.screen import BLUE, GROUND, PASSWORD, Screen

pytestmark = pytest.mark.browser
FOCUSED = "document.activeElement.id || document.activeElement.tagName"


def test_everything_is_reached_by_keys_and_the_screen_is_left_by_a_chord(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        expect(page.locator("#ask-secret")).to_be_focused()
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        state_is(page, "Screen connected")
        page.keyboard.type("keys")
        screen.saw("text keys")
        page.keyboard.press("Tab")
        assert page.evaluate(FOCUSED) == "CANVAS"
        page.keyboard.press("Control+Alt+Escape")
        assert page.evaluate(FOCUSED) == "type-open"
        seen = []
        for _ in range(5):
            page.keyboard.press("Tab")
            seen.append(page.evaluate(FOCUSED))
        assert seen[:5] == ["clipboard-open", "keyboard", "zoom", "fullscreen", "disconnect"]
        page.keyboard.press("Enter")
        state_is(page, "Screen not connected")


@pytest.fixture
def phone(browser: Browser, screen: Screen, start: Callable[..., Console]) -> Iterator[Page]:
    """A small touch screen on which the console's page shows its screen."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        device_scale_factor=2,
    )
    page = context.new_page()
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        yield page
    context.close()


def test_on_a_phone_its_keyboard_types_and_deletes(screen: Screen, phone: Page) -> None:
    phone.get_by_role("button", name="Keyboard").tap()
    expect(phone.locator("#keys")).to_be_focused()
    phone.keyboard.insert_text("hallo")
    screen.saw("text hallo")
    phone.keyboard.press("Backspace")
    screen.saw("text hall")
    phone.keyboard.insert_text("e\u00e9")
    screen.saw("text halle\u00e9")


def test_on_a_phone_the_screen_fits_and_zooms_and_a_finger_moves_it(phone: Page) -> None:
    until(lambda: colour(phone, GROUND) == BLUE, "the window's blue ground")
    canvas = phone.locator("#screen canvas")
    box = canvas.bounding_box()
    assert box is not None
    assert box["width"] <= 390
    for name in ("Type text", "Keyboard", "Zoom", "Full screen", "Disconnect"):
        expect(phone.get_by_role("button", name=name)).to_be_in_viewport()
    phone.get_by_role("button", name="Zoom").tap()
    expect(phone.get_by_role("button", name="Move")).to_have_attribute("aria-pressed", "true")
    size = "[...document.querySelectorAll('#screen canvas')].map(c => c.width)[0]"
    assert phone.evaluate(size) <= 390
    phone.get_by_role("button", name="Zoom").tap()
    expect(phone.get_by_role("button", name="Move")).to_be_hidden()
    wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert phone.evaluate(wide)
