"""A person logs in by hand: real Chromium, the console through port-forward 6080, the gateway's window."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from console_world.gateway_windows import (
    BLUE,
    GREY,
    LOG_IN,
    PASSWORD_FIELD,
    REJECTION,
    REJECTION_OK,
    WINDOW,
    near,
)
from console_world.person import chromium, click, colour, enter, open_page, pictured, state_is
from ibgateway_stage import ibkr as simulated
from ibgateway_stage.forward import forward
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def rejected(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """A gateway whose Secret holds a wrong password: IBKR has refused it once, and it is parked."""
    stage.write_credentials(IB_PASSWORD="not-the-password")
    stage.install_operator(long_ago)
    stage.install_gateway()
    stage.wait_for_login("Rejected", seconds=240)


@pytest.fixture(scope="module")
def page(stage: Stage, rejected: None) -> Iterator[Page]:
    """The console's page, connected."""
    complaints: list[str] = []
    until("the console is ready", lambda: stage.ready("novnc"), seconds=120)
    with (
        forward(stage.cluster, stage.namespace, "svc/paper-novnc", 6080) as address,
        chromium() as browser,
        open_page(browser, complaints) as page,
    ):
        page.goto(f"http://{address}/vnc.html?autoconnect=1&resize=scale")
        enter(page, VNC_PASSWORD)
        state_is(page, "Screen connected")
        yield page


def test_a_wrong_password_is_tried_once_and_not_again(
    stage: Stage, ibkr: Ibkr, rejected: None
) -> None:
    stage.wait_for("TradingAllowed", "False", "Rejected")
    stays("one attempt", lambda: len(ibkr.logins()) == 1, seconds=20)
    assert ibkr.pushes() == []


def test_the_window_shows(page: Page, tmp_path: Path) -> None:
    until("the window's title bar", lambda: near(colour(page, WINDOW), BLUE), seconds=30)
    page.screenshot(path=tmp_path / "window.png")
    assert (tmp_path / "window.png").stat().st_size > 10_000


def test_typing_the_password_and_clicking_log_in_logs_in(
    page: Page, stage: Stage, ibkr: Ibkr, tmp_path: Path
) -> None:
    with pictured(page, tmp_path):
        until("the rejection's dialog", lambda: near(colour(page, REJECTION), BLUE), seconds=30)
        click(page, REJECTION_OK)
        until("the dialog is gone", lambda: near(colour(page, REJECTION), GREY), seconds=30)
        click(page, PASSWORD_FIELD)
        page.keyboard.type(simulated.PASSWORD, delay=30)
        click(page, LOG_IN)
        until("the person's push", ibkr.waiting, seconds=60)
    ibkr.approve()
    stage.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=60)
    assert [attempt["result"] for attempt in ibkr.logins()] == ["wrong-password", "logged-in"]
    assert len(ibkr.pushes()) == 1
