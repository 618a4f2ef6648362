"""A person presses the console's buttons on the cluster: real Chromium, a real port-forward, what each costs and what came of it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from console_world.person import chromium, enter, open_page, state_is
from ibgateway_stage.forward import forward
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import VNC_PASSWORD, Json, Stage
from ibgateway_stage.waiting import until

pytestmark = [pytest.mark.cluster, pytest.mark.browser, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def traded(stage: Stage, ibkr: Ibkr, long_ago: Json) -> None:
    """A gateway that is logged in with one push, and trades."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway()
    until("the first push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True", seconds=240)
    until("the console is ready", lambda: stage.ready("novnc"), seconds=120)


@pytest.fixture(scope="module")
def page(stage: Stage, traded: None) -> Iterator[Page]:
    """The console's page with its buttons, once the VNC password was shown."""
    with (
        forward(stage.cluster, stage.namespace, "svc/paper-novnc", 6080) as address,
        chromium() as browser,
        open_page(browser, []) as page,
    ):
        page.goto(f"http://{address}/")
        enter(page, VNC_PASSWORD)
        state_is(page, "Screen connected")
        page.get_by_text("What you may ask for, and what it costs").click()
        yield page


def ask(page: Page, action: str, cost: str) -> None:
    """Press the button, read what it costs, and say yes."""
    page.locator(f"#offers [data-action={action}]").click()
    expect(page.locator("#confirm-text")).to_contain_text(cost)
    page.get_by_role("button", name="Ask for it").click()
    expect(page.locator("#asked")).to_contain_text("Asked for:")


def test_a_pause_holds_trading_and_a_resume_ends_it(stage: Stage, page: Page) -> None:
    ask(page, "pause", "This costs no push: the login stays, orders wait.")
    expect(page.locator("[data-line=paused]")).to_contain_text("Trading is paused from here")
    stage.wait_for("TradingAllowed", "False", "Paused")
    until("the status remembers it", lambda: stage.status()["pause"].get("request"))
    ask(page, "resume", "This costs no push: orders go on.")
    expect(page.locator("[data-line=paused]")).to_have_count(0)
    stage.wait_for("TradingAllowed", "True")
    until("the status forgets it", lambda: not stage.status()["pause"].get("request"))


def test_where_there_is_no_button_an_annotation_ends_the_pause(stage: Stage, page: Page) -> None:
    ask(page, "pause", "This costs no push")
    stage.wait_for("TradingAllowed", "False", "Paused")
    stage.annotate("resume-requested-at", f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
    stage.wait_for("TradingAllowed", "True")
    expect(page.locator("[data-line=paused]")).to_have_count(0)


def test_a_restart_comes_back_without_a_push(stage: Stage, ibkr: Ibkr, page: Page) -> None:
    logins, pushes = len(ibkr.logins()), len(ibkr.pushes())
    ask(page, "restart", "This costs no push: it leaves and comes back by the week's token")
    until("another login", lambda: len(ibkr.logins()) > logins, seconds=240)
    stage.wait_for("Ready", "True", seconds=240)
    expect(page.locator("#login")).to_have_text("Logged in to IBKR")
    assert [attempt["result"] for attempt in ibkr.logins()[logins:]] == ["logged-in"]
    assert len(ibkr.pushes()) == pushes == 1
