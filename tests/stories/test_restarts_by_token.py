"""Two gateways that restart by the week's token, side by side and in this order.

`silent`: IBKR no longer takes the token, and nothing says so. `paper`: IB Gateway's own restart of every night, which asks nobody.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_stage.ibkr import USER, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

SILENT = "silent"


@pytest.fixture(scope="module")
def paper(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Stage:
    """Restarts itself some minutes from now: by then it is logged in, and trading."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    tonight = f"{datetime.now(UTC) + timedelta(minutes=5):%I:%M %p}"
    gateway = {"timeZone": "Etc/UTC", "autoRestartTime": tonight}
    stage.install_gateway({"novnc": {"enabled": False}, "gateway": gateway})
    return stage


@pytest.fixture(scope="module")
def silent(stage: Stage, ibkr: Ibkr, paper: Stage) -> Stage:
    """Logged in, with a token that dies and a Gateway that will not say so."""
    ibkr.add_user(SILENT, "DU2000001")
    ibkr.rules(expiry_dialog="silent")
    soon: Json = {"login": {"attemptIntervalSeconds": 30}}
    gateway = stage.beside(
        SILENT, {**soon, "novnc": {"enabled": False}, "executor": {"enabled": False}}
    )
    logs_in(gateway, ibkr, SILENT)
    return gateway


@pytest.fixture(scope="module")
def orders(paper: Stage) -> Iterator[Orders]:
    """The intake Service, which answers at any time."""
    with paper.orders() as client:
        yield client


def logs_in(gateway: Stage, ibkr: Ibkr, user: str) -> None:
    """The push of the first login, approved."""
    until(f"the push of {user}", lambda: ibkr.waiting(user), seconds=240)
    ibkr.approve(user)
    gateway.wait_for("Ready", "True")


def attempts(ibkr: Ibkr, user: str) -> list[tuple[str, str]]:
    """Every login that IBKR saw, and how it ended."""
    return [(attempt["kind"], attempt["result"]) for attempt in ibkr.logins(user)]


def test_a_token_that_does_not_log_in_pushes_nobody_at_first(
    ibkr: Ibkr, paper: Stage, silent: Stage
) -> None:
    logs_in(paper, ibkr, USER)
    ibkr.post(f"/v1/users/{SILENT}/expire-token")
    ibkr.post(f"/v1/users/{SILENT}/restart")
    silent.wait_for_login("Restarting")
    silent.wait_for("TradingAllowed", "False", "Restarting")
    refused = [("full", "logged-in"), ("token", "token-expired")]
    until("the dead token was tried", lambda: attempts(ibkr, SILENT) == refused)
    stays("nobody is asked", lambda: len(ibkr.pushes(SILENT)) == 1, seconds=10)


def test_trading_is_held_before_the_nightly_restart(
    ibkr: Ibkr, paper: Stage, orders: Orders
) -> None:
    paper.wait_for("TradingAllowed", "False", "NightlyRestart", seconds=300)
    order = orders.place("in-the-night")
    until("it waits", lambda: orders.get(order["id"])["reason"] == "NightlyRestart", seconds=20)
    assert ibkr.orders() == []


def test_the_nightly_restart_logs_in_by_token_and_the_order_fills_once(
    ibkr: Ibkr, paper: Stage, orders: Orders
) -> None:
    full = paper.status()["login"]["fullAuthTime"]
    until("it has restarted", lambda: len(ibkr.logins(USER)) == 2, seconds=180)
    paper.wait_for("Ready", "True")
    order = orders.place("in-the-night")
    until("it fills", lambda: orders.get(order["id"])["state"] == "Filled", seconds=60)
    assert attempts(ibkr, USER) == [("full", "logged-in"), ("token", "logged-in")]
    assert len(ibkr.pushes(USER)) == 1
    assert len(ibkr.orders()) == 1
    login = paper.status()["login"]
    assert (login["attemptsToday"], login["fullAuthTime"]) == (1, full)
    [pod] = paper.pods("gateway")
    assert [s["restartCount"] for s in pod["status"]["containerStatuses"]] == [0]


def test_the_silent_token_costs_one_push(ibkr: Ibkr, silent: Stage) -> None:
    until("the push", lambda: ibkr.waiting(SILENT), seconds=300)
    assert silent.events("TokenExpired")
    ibkr.approve(SILENT)
    silent.wait_for("Ready", "True")
    assert attempts(ibkr, SILENT) == [
        ("full", "logged-in"),
        ("token", "token-expired"),
        ("full", "logged-in"),
    ]
    assert [push["state"] for push in ibkr.pushes(SILENT)] == ["approved", "approved"]
    assert silent.status()["login"]["attemptsToday"] == 2
