"""A person asks for something at the console: Chromium, the console, the sentinel and a simulated IBKR that counts."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from console_world.console import Console
from console_world.gateway import GatewayPod, gateway_pod
from console_world.person import enter, state_is
from console_world.processes import until
from console_world.screen import PASSWORD
from sentinel_world import TOKEN as AGENT_TOKEN

pytestmark = pytest.mark.browser


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayPod]:
    with gateway_pod(tmp_path / "pod") as made:
        yield made


@pytest.fixture
def console(gateway: GatewayPod, start: Callable[..., Console], tmp_path: Path) -> Console:
    """One that may ask, as the operator sets it up."""
    (tmp_path / "vnc").write_text(PASSWORD)
    (tmp_path / "agent").write_text(AGENT_TOKEN)
    return start(
        CONSOLE_SENTINEL_PORT=str(gateway.pod.ports["http"]),
        CONSOLE_AGENT_TOKEN_FILE=str(tmp_path / "agent"),
        CONSOLE_VNC_PASSWORD_FILE=str(tmp_path / "vnc"),
    )


def button(page: Page, action: str) -> Locator:
    return page.locator(f"#offers [data-action={action}]")


def open_rows(page: Page) -> None:
    page.get_by_text("What you may ask for, and what it costs").click()


def ask(page: Page, action: str, cost: str) -> None:
    button(page, action).click()
    expect(page.locator("#confirm-text")).to_contain_text(cost)
    page.get_by_role("button", name="Ask for it").click()


def asked_there(gateway: GatewayPod) -> list[str]:
    """What the attempt ledger says was asked for at the console."""
    lines = (gateway.pod.folder / "state" / "attempts.jsonl").read_text().splitlines()
    return [n["kind"] for n in map(json.loads, lines) if n.get("by") == "console"]


def missed(gateway: GatewayPod) -> None:
    """The first push is denied: nothing is tried until somebody asks."""
    gateway.state("AwaitingApproval")
    gateway.run(gateway.pod.ibkr_said("POST", "/v1/pushes/latest/deny"))
    gateway.state("ApprovalMissed")


def unlocked(gateway: GatewayPod, console: Console, page: Page) -> None:
    """The page of a gateway that is logged in, with the buttons behind their password."""
    gateway.run(gateway.pod.log_in())
    page.goto(console.url)
    open_rows(page)
    page.locator("#unlock-secret").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()


def test_one_login_is_asked_for_without_a_screen_and_sends_one_push(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    missed(gateway)
    page.goto(console.url)
    open_rows(page)
    expect(button(page, "login")).to_be_disabled()
    page.locator("#unlock-secret").fill("wrong")
    page.get_by_role("button", name="Unlock").click()
    expect(page.locator("#unlock-message")).to_have_text("The VNC password was refused.")
    page.locator("#unlock-secret").fill(PASSWORD)
    page.get_by_role("button", name="Unlock").click()
    expect(button(page, "login")).to_be_enabled()
    assert len(gateway.pushes()) == 1
    ask(page, "login", "This costs one push.")
    expect(page.locator("#asked")).to_have_text("Asked for: One login.")
    gateway.state("AwaitingApproval")
    assert len(gateway.pushes()) == 2
    expect(page.locator("#login")).to_have_text(
        "Not logged in yet: approve the push on IBKR Mobile"
    )
    expect(page.locator("#deadline")).to_contain_text("within ")
    gateway.run(gateway.pod.approve())
    expect(page.locator("#login")).to_have_text("Logged in to IBKR")
    assert asked_there(gateway) == ["console login", "login"]
    assert len(gateway.pushes()) == 2


def test_after_the_screens_password_buttons_need_no_other(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    gateway.run(gateway.pod.log_in())
    with gateway.screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        open_rows(page)
        ask(page, "pause", "This costs no push")
        expect(page.locator("[data-line=paused]")).to_contain_text("Trading is paused from here")
        ask(page, "resume", "This costs no push")
        expect(page.locator("[data-line=paused]")).to_have_count(0)
        report = gateway.run(gateway.pod.call("GET", "/v1/status"))[1]
        assert report["holds"] == []
        page.get_by_role("button", name="Disconnect").click()
        expect(button(page, "pause")).to_be_disabled()


def test_a_password_before_the_first_word_of_the_gateway_unlocks_them_too(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    gateway.run(gateway.pod.log_in())
    held: list[Route] = []
    page.route("**/gateway", lambda route: held.append(route))  # noqa: PLW0108 - Playwright reads a handler's signature
    with gateway.screen.served(console.vnc_port):
        page.goto(console.url)
        enter(page, PASSWORD)
        state_is(page, "Screen connected")
        until(lambda: bool(held), "a question that is not answered yet")
        for question in held:
            question.continue_()
        page.unroute("**/gateway")
        open_rows(page)
        expect(button(page, "pause")).to_be_enabled()


LOST = "Not known: no word of the console's. Look at what goes on before asking again."


def test_what_a_proxy_says_of_a_press_is_no_word_of_the_consoles(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    unlocked(gateway, console, page)
    given: list[tuple[int, str]] = []
    page.route("**/asked", lambda route: route.fulfill(status=given[-1][0], body=given[-1][1]))
    for status, body, said in (
        (502, "<h1>Bad Gateway</h1>", LOST),
        (503, "no healthy upstream", LOST),
        (504, "upstream timed out", LOST),
        (200, "<h1>Log in</h1>", LOST),
        (503, "Not known: the gateway's pod is away.", "Not known: the gateway's pod is away."),
        (409, "orders have not drained", "Not done: orders have not drained"),
        (202, "", "Asked for: Pause trading."),
    ):
        given.append((status, body))
        ask(page, "pause", "This costs no push")
        expect(page.locator("#asked")).to_have_text(said)
    assert asked_there(gateway) == []


def test_a_pause_outlives_the_sentinel_and_its_ledger(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    unlocked(gateway, console, page)
    ask(page, "pause", "This costs no push")
    expect(page.locator("[data-line=paused]")).to_contain_text("Trading is paused from here")
    gateway.run(gateway.pod.crash_sentinel())
    (gateway.pod.folder / "state" / "attempts.jsonl").unlink()
    gateway.run(gateway.pod.start_sentinel())
    gateway.state("LoggedIn")
    report = gateway.run(gateway.pod.call("GET", "/v1/status"))[1]
    assert [hold["reason"] for hold in report["holds"]] == ["Paused"]
    expect(button(page, "resume")).to_be_enabled()
    ask(page, "resume", "This costs no push")
    expect(page.locator("[data-line=paused]")).to_have_count(0)


def test_the_login_for_oneself_leaves_and_comes_back_without_a_push(
    gateway: GatewayPod, console: Console, page: Page
) -> None:
    unlocked(gateway, console, page)
    ask(page, "handover", "This costs no push")
    expect(page.locator("[data-line=session]")).to_contain_text("A person has the login until")
    until(lambda: bool(gateway.pod.exits), "the gateway has left")
    ask(page, "handBack", "This costs no push")
    gateway.state("LoggedIn")
    assert gateway.pushes() == ["approved"]


def test_looking_only_has_no_buttons(gateway: GatewayPod, console: Console, page: Page) -> None:
    missed(gateway)
    page.goto(f"{console.url}/vnc.html?view_only=1")
    open_rows(page)
    expect(page.locator("#offers code").first).to_contain_text("kubectl --namespace trading")
    expect(page.locator("#offers")).to_contain_text("the command's text acts once")
    expect(page.locator("#offers [data-action]")).to_have_count(0)
    expect(page.locator("#unlock")).to_be_hidden()
