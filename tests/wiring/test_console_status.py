"""What the console's page says of its gateway, in a real Chromium: before the password, and after it."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from console_world.console import Console, told
from console_world.contrast import contrasts, ratio
from console_world.person import enter, state_is
from console_world.screen import PASSWORD, Screen
from ibgateway_api.console_documents import ConsoleReport, QueueReport
from ibgateway_api.login import LoginState

pytestmark = pytest.mark.browser


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def waiting_push(seconds: int) -> ConsoleReport:
    """A push that waits for so long still, by the sentinel's clock."""
    at = now()
    return ConsoleReport(
        state=LoginState.AWAITING_APPROVAL,
        at=at,
        since=at,
        deadline=at + timedelta(seconds=seconds),
        week_open=True,
        restart=datetime(2026, 12, 6, 14, 0, tzinfo=UTC),
        attempts_today=1,
        daily_attempts=6,
        queue=QueueReport(at=at, waiting=3, sent=1),
    )


def logged_in() -> ConsoleReport:
    return waiting_push(0).model_copy(
        update={"state": LoginState.LOGGED_IN, "deadline": None, "week_open": False}
    )


def test_before_the_password_a_push_counts_down_and_the_rest_is_said(
    start: Callable[..., Console], browser: Browser
) -> None:
    console = start()
    word = [waiting_push(598)]
    with (
        told(console.sentinel_port, word),
        browser.new_context(timezone_id="Europe/Berlin") as context,
    ):
        page = context.new_page()
        page.goto(console.url)
        deadline = page.locator("#deadline")
        expect(deadline).to_contain_text("within 9:")
        first = deadline.text_content()
        expect(deadline).not_to_have_text(first or "")
        expect(page.locator("[data-line=restart]")).to_have_text(
            "Next weekly restart, with one push: Sun 6 Dec, 15:00 CET"
        )
        expect(page.locator("[data-line=queue]")).to_have_text("Orders: 3 waiting, 1 at IBKR")
        expect(page.locator("[data-line=session]")).to_have_text(
            "Nobody has the session through this gateway"
        )
        expect(page.locator("#since")).to_contain_text("since ")
        expect(page.locator("#ask-secret")).to_be_visible()


def test_a_browser_whose_clock_is_wrong_counts_down_to_the_right_moment(
    start: Callable[..., Console], browser: Browser
) -> None:
    console = start()
    with told(console.sentinel_port, [waiting_push(598)]), browser.new_context() as context:
        page = context.new_page()
        page.clock.install(time=datetime.now(UTC) - timedelta(hours=3))
        page.goto(console.url)
        expect(page.locator("#deadline")).to_contain_text("within 9:")


def test_after_the_password_the_lines_stay_and_follow_the_gateway(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    word = [waiting_push(598)]
    with screen.served(console.vnc_port), told(console.sentinel_port, word):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        expect(page.locator("#deadline")).to_contain_text("within ")
        word.append(logged_in())
        expect(page.locator("#deadline")).to_have_text("")
        expect(page.locator("[data-line=session]")).to_have_text("This gateway has the session")
    expect(page.locator("#bar")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("mode", ["paper", "live"])
def test_every_text_can_be_read_on_a_wide_screen_and_on_a_phone(
    start: Callable[..., Console], browser: Browser, scheme: Literal["light", "dark"], mode: str
) -> None:
    console = start(CONSOLE_MODE=mode)
    phone, desk = {"width": 390, "height": 844}, {"width": 1280, "height": 800}
    for size in (phone, desk):
        with (
            told(console.sentinel_port, [waiting_push(598)]),
            browser.new_context(color_scheme=scheme) as context,
        ):
            page = context.new_page()
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            page.goto(console.url)
            expect(page.locator("#deadline")).to_contain_text("within ")
            found = contrasts(page)
            assert {"login", "deadline", "LI", "ask-label", "ask-secret"} <= {t.name for t in found}
            assert [text for text in found if not text.enough] == []
            wide = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
            assert page.evaluate(wide)


def test_contrast_is_measured_as_wcag_does() -> None:
    assert ratio([0, 0, 0], [255, 255, 255]) == pytest.approx(21)
    assert ratio([119, 119, 119], [255, 255, 255]) == pytest.approx(4.48, abs=0.01)
