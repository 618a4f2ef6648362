"""A person works in the Gateway's own windows through the console: a login by hand, and the existing session's dialog."""

from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from console_world.console import Console
from console_world.gateway import GatewayPod, gateway_pod
from console_world.gateway_windows import (
    BLUE,
    GO_ON,
    GREY,
    LOG_IN,
    PASSWORD_FIELD,
    REJECTION,
    REJECTION_OK,
    near,
)
from console_world.person import click, colour, enter, pictured, state_is
from console_world.processes import until
from console_world.screen import PASSWORD

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


def leave_the_question_to_a_person(gateway: GatewayPod) -> None:
    """Somebody has set IBC up so that it does not answer the dialog; the next start reads it."""
    template = gateway.pod.folder / "home" / "ibc" / "config.ini.tmpl"
    text = template.read_text()
    assert "${EXISTING_SESSION_DETECTED_ACTION}" in text
    template.write_text(text.replace("${EXISTING_SESSION_DETECTED_ACTION}", "manual"))
    gateway.state("AwaitingApproval")
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
        leave_the_question_to_a_person(gateway)
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
