"""Who gets nothing from the console, seen in a real Chromium: the words, and that it goes on serving the others."""

import contextlib
import socketserver
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from console_world.console import Console, told
from console_world.gateway_windows import near
from console_world.person import click, colour, enter, open_page, state_is
from console_world.processes import until
from console_world.screen import BUTTON, GREEN, GROUND, PASSWORD, Screen
from console_world.slow_viewer import slow_viewer
from ibgateway_api.console_documents import ActionOffer, ConsoleAction, ConsoleReport
from ibgateway_api.login import LoginState

pytestmark = pytest.mark.browser

NOW = datetime(2026, 11, 30, tzinfo=UTC)
REPORT = ConsoleReport(
    state=LoginState.LOGGED_IN,
    at=NOW,
    since=NOW,
    restart=NOW,
    offers=(ActionOffer(action=ConsoleAction.PAUSE),),
)
OPEN = """([url, count]) => Promise.all([...Array(count)].map(() => new Promise(done => {
    const socket = new WebSocket(url, ["binary"]);
    window.kept = [...(window.kept ?? []), socket];
    socket.onmessage = () => done("greeted");
    socket.onclose = event => done(event.code);
})))"""


def bridge(console: Console) -> str:
    return f"ws://127.0.0.1:{console.port}/websockify"


def test_a_name_that_is_not_the_consoles_is_refused_with_words(
    start: Callable[..., Console], page: Page
) -> None:
    console = start()
    answer = page.goto(f"http://evil.localhost:{console.port}/")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("body")).to_contain_text("this console does not serve that host")


def test_twenty_wrong_passwords_are_five_guesses(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    message = page.locator("#ask-message")
    seen = []
    with screen.served(console.vnc_port):
        page.goto(console.url)
        for guess in range(20):
            enter(page, f"guess-{guess}")
            expect(message).not_to_be_empty()
            seen.append(message.text_content())
        assert seen.count("The VNC password was refused.") == 5
        assert seen.count("Too many wrong attempts. Wait a minute, then try again.") == 15


def test_who_was_let_in_before_gets_in_while_others_guess(
    screen: Screen, start: Callable[..., Console], page: Page, browser: Browser
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        page.get_by_role("button", name="Disconnect").click()
        with open_page(browser, []) as stranger:
            stranger.goto(console.url)
            for guess in range(6):
                enter(stranger, f"guess-{guess}")
                expect(stranger.locator("#ask-message")).not_to_be_empty()
            expect(stranger.locator("#ask-message")).to_contain_text("Too many wrong attempts")
            enter(page, PASSWORD)
            state_is(page, "Screen connected")


def test_the_documented_password_has_no_buttons_and_the_page_says_why(
    start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    for name, text in (("vnc", "password"), ("agent", "canary-agent")):
        (tmp_path / name).write_text(text)
    console = start(
        CONSOLE_VNC_PASSWORD_FILE=str(tmp_path / "vnc"),
        CONSOLE_AGENT_TOKEN_FILE=str(tmp_path / "agent"),
    )
    with told(console.sentinel_port, [REPORT]):
        page.goto(console.url)
        page.get_by_text("What you may ask for, and what it costs").click()
        expect(page.locator("#withheld")).to_contain_text("Set your own VNC_PASSWORD")
        expect(page.locator("#offers strong")).not_to_have_count(0)
        expect(page.locator("#offers button[data-action]")).to_have_count(0)
        expect(page.locator("#unlock")).to_be_hidden()
        (tmp_path / "vnc").write_text(PASSWORD)
        expect(page.locator("#unlock")).to_be_visible()
        expect(page.locator("#withheld")).to_be_hidden()


def test_of_fifty_viewers_eight_are_served_and_the_rest_is_told(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        outcomes = page.evaluate(OPEN, [bridge(console), 50])
        assert outcomes.count("greeted") == 8
        assert outcomes.count(4430) == 42
        enter(page, PASSWORD)
        expect(page.locator("#ask-message")).to_have_text("Too many viewers are connected already.")
        page.evaluate("window.kept.forEach(socket => socket.close())")
        enter(page, PASSWORD)
        state_is(page, "Screen connected")


def test_a_viewer_that_reads_nothing_slows_nobody_else_down(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        with slow_viewer(console) as slow:
            page.keyboard.type("quick")
            screen.saw("text quick")
            click(page, BUTTON)
            until(lambda: near(colour(page, GROUND), GREEN), "the new ground, for who reads")
            kind, rectangles = struct.unpack(">BxH", slow.exactly(4))
            assert (kind, rectangles > 0) == (0, True)


@contextmanager
def display_that_says(port: int, *words: bytes) -> Iterator[None]:
    """A VNC server that answers each message of a viewer with the next of these, whatever was asked."""

    class _Display(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                for word in words:
                    self.request.sendall(word)
                    if not self.request.recv(4096):
                        return
                while self.request.recv(4096):
                    pass

    socketserver.ThreadingTCPServer.allow_reuse_address = True
    with socketserver.ThreadingTCPServer(("127.0.0.1", port), _Display) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


HELLO = b"RFB 003.008\n"
NAME = b"<img src=x onerror=document.title='taken'>"
FORMAT = bytes((32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0))


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ((b"HTTP/1.1 200 OK\r\n",), "makes no sense"),
        ((HELLO, b"\x01\x13"), "asks for something not allowed"),
        ((HELLO, b"\x00\x00\x00\x00\x10<script>alert(1)"), "display is not up"),
        ((HELLO, b"\x01\x01", b"\0\0\0\0", b"\xff\xff\xff\xff" + FORMAT + b"\xff\xff\xff\xff"), ""),
        (
            (
                HELLO,
                b"\x01\x01",
                b"\0\0\0\0",
                b"\x00\x10\x00\x10" + FORMAT + len(NAME).to_bytes(4, "big") + NAME,
                b"\x00\x00\x00\x01\xff\xff\xff\xff\xff\xff\xff\xff\x00\x00\x00\x63",
            ),
            "",
        ),
    ],
    ids=[
        "no RFB",
        "a security type of its own",
        "a refusal with markup",
        "an endless name",
        "a bad rectangle",
    ],
)
def test_a_malicious_display_changes_nothing_but_its_picture(
    start: Callable[..., Console], page: Page, words: tuple[bytes, ...], shown: str
) -> None:
    console = start()
    with display_that_says(console.vnc_port, *words):
        page.goto(f"{console.url}/vnc.html?autoconnect=1")
        if shown:
            expect(page.locator("body")).to_contain_text(shown)
        expect(page).to_have_title("PAPER · trading/paper · IB Gateway")
        assert page.locator("h1 img, h1 script, #state img, #hint img").count() == 0
    answer = page.goto(console.url)
    assert answer is not None
    assert answer.status == 200


def test_without_a_password_nothing_is_shown(
    screen: Screen, start: Callable[..., Console], page: Page
) -> None:
    console = start()
    with screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, "")
        expect(page.locator("#ask-message")).to_have_text("The VNC password was refused.")
        expect(page.locator("#screen canvas")).to_have_count(0)
