"""A person works in the Gateway's own windows through the console: a login by hand, and the existing session's dialog."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console_world.console import Console
from console_world.gateway import GatewayPod, gateway_pod
from console_world.gateway_windows import (
    APPLY,
    BESIDE_SETTINGS_LINE,
    BLUE,
    CONFIGURE,
    GO_ON,
    GREY,
    LOG_IN,
    MENU_BAR,
    PASSWORD_FIELD,
    READ_ONLY,
    REJECTION,
    REJECTION_OK,
    SETTINGS_LINE,
    SETTINGS_TITLE,
    WHITE,
    near,
)
from console_world.person import click, colour, enter, pictured, state_is
from console_world.processes import listens, until
from console_world.screen import PASSWORD
from ibgateway_simulator.tws import wire
from simulator_fakes.ibkr_world import TwsClient

pytestmark = pytest.mark.browser


def watching(console: Console, page: Page) -> None:
    page.goto(f"{console.url}/vnc.html?autoconnect=1&resize=scale")
    enter(page, PASSWORD)
    state_is(page, "Screen connected")


def sees(page: Page, place: tuple[int, int], wanted: list[int], what: str) -> None:
    until(lambda: near(colour(page, place), wanted), what)


def test_a_refused_password_is_typed_anew_and_logs_in(
    start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    with gateway_pod(tmp_path / "pod", password="not-the-password") as gateway:
        console = start(CONSOLE_SENTINEL_PORT=str(gateway.pod.ports["http"]))
        gateway.state("Rejected")
        with gateway.screen.served(console.vnc_port), pictured(page, tmp_path):
            watching(console, page)
            login = page.locator("#login")
            expect(login).to_have_text("Not logged in: IBKR refused user name or password")
            sees(page, REJECTION, BLUE, "the rejection's dialog")
            click(page, REJECTION_OK)
            sees(page, REJECTION, GREY, "the dialog is gone")
            click(page, PASSWORD_FIELD)
            page.keyboard.type("paperpassword", delay=30)
            click(page, LOG_IN)
            until(lambda: gateway.pushes() == ["waiting"], "the person's push")
            gateway.run(gateway.pod.approve())
            expect(login).to_have_text("Logged in to IBKR")
        assert gateway.pod.logins() == ["wrong-password", "logged-in"]


def set_up_ibc(gateway: GatewayPod, variable: str, value: str) -> None:
    """Somebody has set IBC up in another way than the container's environment does; the next start reads it."""
    template = gateway.pod.folder / "home" / "ibc" / "config.ini.tmpl"
    gateway.state("AwaitingApproval")
    text = template.read_text()
    assert f"${{{variable}}}" in text
    template.write_text(text.replace(f"${{{variable}}}", value))
    gateway.pod.kill_container()
    report = gateway.run(gateway.pod.state("WaitingForPermit"))
    asked = gateway.pod.call("POST", "/v1/login-requests", {"id": report["at"]})
    assert gateway.run(asked)[0] == 202
    gateway.run(gateway.pod.log_in())


def test_the_existing_sessions_dialog_is_answered_by_hand(
    start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    with gateway_pod(tmp_path / "pod", takes_over=True) as gateway:
        console = start(CONSOLE_SENTINEL_PORT=str(gateway.pod.ports["http"]))
        set_up_ibc(gateway, "EXISTING_SESSION_DETECTED_ACTION", "manual")
        before = gateway.pushes()
        with gateway.screen.served(console.vnc_port), pictured(page, tmp_path):
            watching(console, page)
            expect(page.locator("#login")).to_have_text("Logged in to IBKR")
            kick = ("POST", "/v1/users/paperuser/kick", {"style": "existing"})
            gateway.run(gateway.pod.ibkr_said(*kick))
            expect(page.locator("#login")).not_to_have_text("Logged in to IBKR")
            sees(page, REJECTION, BLUE, "the dialog")
            page.screenshot(path=tmp_path / "dialog.png")
            click(page, GO_ON)
            expect(page.locator("#login")).to_have_text("Logged in to IBKR")
        assert gateway.pushes() == before


async def ordered(port: int) -> str:
    """What becomes of an order that an API client sends to the gateway: its error's code, or its last status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    client = TwsClient(reader, writer)
    offer = b"v157..178"
    writer.write(wire.PREFIX + len(offer).to_bytes(4, "big") + offer)
    await client.next()
    client.send("71|2|5|")
    number = (await client.until("9"))[2]
    client.order(int(number))
    try:
        while True:
            fields = await client.next()
            if fields[0] == "4" and fields[2] == number:
                return fields[3]
            if fields[:3] == ["3", number, "Filled"]:
                return fields[2]
    finally:
        writer.close()


def read_only(gateway: GatewayPod) -> list[bool]:
    """What IBKR's side knows of the gateway's checkbox."""
    state = gateway.run(gateway.pod.ibkr_said("GET", "/v1/state"))
    return [session["read_only"] for session in state["sessions"]]


def open_settings(page: Page) -> None:
    """As a person does: a line is clicked when its menu is there to be seen, and nothing before."""
    sees(page, MENU_BAR, WHITE, "the menu bar")
    click(page, CONFIGURE)
    until(lambda: not near(colour(page, BESIDE_SETTINGS_LINE), GREY), "the open menu")
    click(page, SETTINGS_LINE)
    sees(page, SETTINGS_TITLE, BLUE, "the settings window")


def test_a_setting_changed_by_hand_counts_at_once(
    start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    with gateway_pod(tmp_path / "pod") as gateway:
        console = start(CONSOLE_SENTINEL_PORT=str(gateway.pod.ports["http"]))
        gateway.run(gateway.pod.log_in())
        port = gateway.pod.ports["socat"]
        with gateway.screen.served(console.vnc_port), pictured(page, tmp_path):
            watching(console, page)
            assert gateway.run(ordered(port)) == "Filled"
            open_settings(page)
            page.screenshot(path=tmp_path / "settings.png")
            click(page, READ_ONLY)
            click(page, APPLY)
            until(lambda: read_only(gateway) == [True], "a read-only API")
            assert gateway.run(ordered(port)) == "321"
            click(page, READ_ONLY)
            page.keyboard.press("Enter")
            until(lambda: read_only(gateway) == [False], "an API that takes orders")
            assert gateway.run(ordered(port)) == "Filled"
            until(lambda: not near(colour(page, SETTINGS_TITLE), BLUE), "the window is gone")
        expect(page.locator("#login")).to_have_text("Logged in to IBKR")


def test_a_setting_changed_by_keyboard_outlives_a_nightly_restart(
    start: Callable[..., Console], page: Page, tmp_path: Path
) -> None:
    with gateway_pod(tmp_path / "pod") as gateway:
        console = start(CONSOLE_SENTINEL_PORT=str(gateway.pod.ports["http"]))
        set_up_ibc(gateway, "READ_ONLY_API", "")
        port = gateway.pod.ports["socat"]
        pushes = gateway.pushes()
        with gateway.screen.served(console.vnc_port), pictured(page, tmp_path):
            watching(console, page)
            assert gateway.run(ordered(port)) == "321", "a fresh gateway takes no orders"
            open_settings(page)
            page.keyboard.press("Space")
            page.keyboard.press("Enter")
            until(lambda: read_only(gateway) == [False], "an API that takes orders")
            assert gateway.run(ordered(port)) == "Filled"
            before = len(gateway.pod.logins())
            gateway.run(gateway.pod.ibkr_said("POST", "/v1/users/paperuser/restart"))
            until(lambda: gateway.pod.logins()[before:] == ["logged-in"], "the night's login")
            until(lambda: listens(gateway.pod.ports["api"]), "the API of the new process")
            assert gateway.run(ordered(port)) == "Filled"
        assert gateway.pushes() == pushes
