"""A person at the console: a real Chromium, the real console, a real x11vnc and a real window."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console_world.console import Console, told
from console_world.fixtures import TOKEN
from console_world.person import click, colour, enter, state_is
from console_world.processes import listens, process, until
from console_world.screen import (
    BLUE,
    BUTTON,
    FIELD,
    GREEN,
    GROUND,
    PASSWORD,
    Screen,
)
from host_processes import free_port
from ibgateway_api.console_documents import ConsoleReport

pytestmark = pytest.mark.browser

DISPLAY_DOWN = "No screen: the gateway's display is not up, trying again."
DISPLAY_GONE = "No screen: the gateway's display has gone, trying again."


def test_a_person_sees_the_window_types_and_clicks(
    screen: Screen, start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        until(lambda: colour(page, GROUND) == BLUE, "the window's blue ground")
        click(page, FIELD)
        page.keyboard.type("Sunday 01:00 ET")
        screen.saw("text Sunday 01:00 ET")
        click(page, BUTTON)
        screen.saw("clicked")
        until(lambda: colour(page, GROUND) == GREEN, "the ground after the click")
        page.screenshot(path=str(tmp_path / "console.png"))


def fits(page: Page, width: int, height: int) -> bool:
    """Whether the remote screen ends within the window: it is scaled anew once the tools are shown above it."""
    box = page.locator("#screen canvas").bounding_box()
    return (
        box is not None and box["x"] + box["width"] <= width and box["y"] + box["height"] <= height
    )


def test_the_remote_screen_is_scaled_into_a_small_browser_window(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    page.set_viewport_size({"width": 640, "height": 480})
    with screen.served(console.vnc_port):
        page.goto(f"{console.url}/vnc.html?resize=scale")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        until(lambda: fits(page, 640, 480), "a screen that fits below the tools")
        click(page, BUTTON)
        screen.saw("clicked")


def test_text_is_typed_as_key_strokes(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(f"{console.url}/vnc.html?autoconnect=1")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        click(page, FIELD)
        page.get_by_role("button", name="Type text").click()
        page.locator("#type-text").fill('Pa$$ W0rd"~\\é{}')
        page.get_by_role("button", name="Type it").click()
        screen.saw('text Pa$$ W0rd"~\\é{}')
        expect(page.locator("#type-text")).to_have_value("")


def test_a_wrong_password_is_refused_with_words_and_may_be_corrected(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, "not-this")
        expect(page.locator("#ask-message")).to_have_text("The VNC password was refused.")
        expect(page.locator("#screen canvas")).to_have_count(0)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")


def test_guessing_is_stopped_after_five_wrong_passwords(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        for guess in range(5):
            enter(page, f"guess-{guess}")
            expect(page.locator("#ask-message")).to_have_text("The VNC password was refused.")
        enter(page, PASSWORD)
        expect(page.locator("#ask-message")).to_have_text(
            "Too many wrong attempts. Wait a minute, then try again."
        )


def test_a_display_that_comes_goes_and_comes_back_needs_no_hand(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    page.goto(f"{console.url}/vnc.html?autoconnect=1")
    state_is(page, DISPLAY_DOWN)
    with screen.served(console.vnc_port):
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
    expect(page.locator("#state")).to_have_attribute("data-state", "waiting")
    assert page.locator("#state").text_content() in {DISPLAY_GONE, DISPLAY_DOWN}
    with screen.served(console.vnc_port):
        state_is(page, "Screen connected")
        click(page, BUTTON)
        screen.saw("clicked")


def test_only_watching_sends_no_keys_and_no_clicks(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(f"{console.url}/vnc.html?view_only=1")
        enter(page, PASSWORD)
        state_is(page, "Screen connected, view only")
        click(page, BUTTON)
        page.keyboard.type("unseen")
        page.goto(f"{console.url}/vnc.html")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        click(page, FIELD)
        page.keyboard.type("Z")
        screen.saw("text Z")
        assert screen.events() == ["up", "text Z"]


def test_a_crafted_link_cannot_point_the_page_elsewhere(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    opened: list[str] = []
    page.on("websocket", lambda one: opened.append(one.url))
    with screen.served(console.vnc_port):
        query = "autoconnect=1&host=evil.example&port=1&path=steal&encrypt=1&password=x"
        page.goto(f"{console.url}/vnc.html?{query}")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        assert opened == [f"ws://127.0.0.1:{console.port}/websockify"]


def test_a_page_of_another_origin_cannot_open_the_bridge(
    screen: Screen, start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    console = start()
    elsewhere = free_port()
    server = ["-m", "http.server", str(elsewhere), "--bind", "127.0.0.1"]
    attempt = """url => new Promise(done => {
        const socket = new WebSocket(url, ["binary"]);
        socket.onmessage = () => done("greeted");
        socket.onclose = event => done(event.code);
    })"""
    with (
        screen.served(console.vnc_port),
        process(sys.executable, *server, "--directory", str(tmp_path)),
    ):
        until(lambda: listens(elsewhere), "the other page's server")
        page.goto(console.url)
        assert page.evaluate(attempt, f"ws://127.0.0.1:{console.port}/websockify") == "greeted"
        page.goto(f"http://127.0.0.1:{elsewhere}/")
        assert page.evaluate(attempt, f"ws://127.0.0.1:{console.port}/websockify") == 1006


def test_a_token_in_the_fragment_opens_and_leaves_the_address_bar(
    screen: Screen, start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    console = start(CONSOLE_AUTH="token", CONSOLE_TOKEN_FILE=str(tmp_path / "token"))
    with screen.served(console.vnc_port):
        page.goto(f"{console.url}/vnc.html?autoconnect=1#token={TOKEN}")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        assert page.url == f"{console.url}/vnc.html?autoconnect=1"


def test_a_missing_token_is_asked_for(
    screen: Screen, start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    console = start(CONSOLE_AUTH="token", CONSOLE_TOKEN_FILE=str(tmp_path / "token"))
    with screen.served(console.vnc_port):
        page.goto(f"{console.url}/vnc.html?autoconnect=1#token=wrong")
        expect(page.locator("#ask-message")).to_have_text("The access token was refused.")
        expect(page.locator("#ask-label")).to_have_text("Access token")
        enter(page, TOKEN)
        expect(page.locator("#ask-label")).to_have_text("VNC password")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")


def test_an_api_port_within_reach_means_policies_are_not_enforced(
    start: Callable[..., Console],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as api:
        console = start(CONSOLE_API_HOST="127.0.0.1", CONSOLE_API_PORT=str(api.getsockname()[1]))
        until(lambda: console.policies() == '{"enforced": false}', "the verdict on policies")


@pytest.mark.parametrize("mode", ["paper", "live"])
def test_the_page_names_its_gateway_its_mode_and_the_login(
    screen: Screen, start: Callable[..., Console], page: Page, mode: str
) -> None:
    console = start(CONSOLE_NAME=f"trading/ib-{mode}", CONSOLE_MODE=mode)
    word: list[str | ConsoleReport] = ["AwaitingApproval"]
    with screen.served(console.vnc_port), told(console.sentinel_port, word):
        page.goto(console.url)
        expect(page).to_have_title(f"{mode.upper()} · trading/ib-{mode} · IB Gateway")
        expect(page.locator("h1")).to_have_text(f"trading/ib-{mode} {mode.upper()}")
        background = "getComputedStyle(document.querySelector('header')).backgroundColor"
        assert (page.evaluate(background) == "rgb(92, 23, 23)") is (mode == "live")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        login = page.locator("#login")
        expect(login).to_have_text("Not logged in yet: approve the push on IBKR Mobile")
        word.append("LoggedIn")
        expect(login).to_have_text("Logged in to IBKR")
    expect(login).to_have_text("The login is not known: nothing is heard from the gateway's pod")


def test_a_parked_gateway_says_what_to_do_instead_of_a_screen(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    word: list[str | ConsoleReport] = ["WaitingForPermit"]
    with told(console.sentinel_port, word):
        page.goto(f"{console.url}/vnc.html?autoconnect=1")
        hint = page.locator("#hint")
        expect(hint).to_contain_text("IB Gateway is not running now, so there is no window.")
        expect(hint).to_contain_text("kubectl --namespace trading describe ibgw paper")
        expect(hint).to_contain_text("annotate --overwrite ibgw/paper")
        word.append("Starting")
        expect(hint).to_have_text("IB Gateway is starting: its window appears here by itself.")
        with screen.served(console.vnc_port):
            expect(page.locator("#ask-secret")).to_be_visible()
            expect(hint).to_be_hidden()


def test_a_name_is_shown_as_text_and_never_as_markup(
    start: Callable[..., Console], page: Page
) -> None:
    console = start(CONSOLE_NAME="<img src=x onerror=alert(1)>/<b>bold</b>")
    page.goto(console.url)
    expect(page.locator("#name")).to_have_text("<img src=x onerror=alert(1)>/<b>bold</b>")
    assert page.locator("h1 img, h1 b").count() == 0
