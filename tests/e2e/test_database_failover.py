"""The ledger is in a PostgreSQL, which is killed: what is refused meanwhile, who says why, and that it goes on, in this order."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial

import pytest

from ibgateway.client import ClientError, UnavailableError
from ibgateway_cluster import ClusterToolError
from ibgateway_stage import database
from ibgateway_stage.accidents import lives, only_pod
from ibgateway_stage.database import Database
from ibgateway_stage.ibkr import ACCOUNT, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage, is_ready
from ibgateway_stage.waiting import stays, until
from order_judge import judge

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

SYMBOLS = ("AAPL", "MSFT", "IBM")
PACE = 0.2
"""Seconds between two orders of a client."""


@pytest.fixture(scope="module")
def postgres(stage: Stage) -> Database:
    found = Database(stage)
    found.install()
    return found


@pytest.fixture(scope="module")
def orders(stage: Stage, ibkr: Ibkr, postgres: Database, long_ago: Json) -> Iterator[Orders]:
    """Logged in by one push, and an order is on the market."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway({"novnc": {"enabled": False}, "executor": database.SPEC})
    until("a push", ibkr.waiting, seconds=240)
    ibkr.approve()
    stage.wait_for("Ready", "True")
    ibkr.faults(hold_fills=True)
    with stage.orders() as client:
        order = client.place("before")
        until("it is on the market", lambda: client.get(order["id"])["state"] == "Working")
        yield client


def test_nobody_asks_and_it_is_noticed_and_said(
    stage: Stage, postgres: Database, orders: Orders
) -> None:
    postgres.kill_for_good()
    for kind in ("ExecutorReady", "Ready"):
        seen = stage.wait_for(kind, "False", "LedgerUnavailable")
        assert "see that PostgreSQL runs" in seen["message"]
        assert "canary" not in seen["message"]
    until("it is not Ready", lambda: not is_ready(only_pod(stage, "executor")), seconds=30)
    assert stage.condition("TradingAllowed")["status"] == "True"


def test_what_is_asked_meanwhile_is_refused_with_what_to_do(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    ibkr.post("/v1/fills/release")
    for refused in (partial(orders.place, "meanwhile"), orders.all):
        with pytest.raises(UnavailableError, match="see that PostgreSQL runs") as told:
            refused()
        assert (told.value.status, told.value.code) == (503, "LedgerUnavailable")
        assert told.value.retry_after is not None
        assert "canary" not in str(told.value)
    before = lives(only_pod(stage, "executor"))
    stays(
        "nobody ends it for that", lambda: lives(only_pod(stage, "executor")) == before, seconds=70
    )
    assert len(ibkr.audit(ACCOUNT)["arrivals"]) == 1


def test_it_goes_on_and_knows_what_was_filled_meanwhile(
    stage: Stage, ibkr: Ibkr, postgres: Database
) -> None:
    postgres.come_back()
    stage.wait_for("Ready", "True")
    with stage.orders() as orders:
        filled(orders, "before")
        filled(orders, "meanwhile")
        clean(ibkr, orders, number=2)


def test_killed_while_orders_come_it_keeps_each_that_it_has_taken(
    stage: Stage, ibkr: Ibkr, postgres: Database
) -> None:
    over, taken = threading.Event(), set[str]()
    with ThreadPoolExecutor(len(SYMBOLS)) as clients:
        running = [clients.submit(places, stage, symbol, over, taken) for symbol in SYMBOLS]
        try:
            for _ in range(2):
                goes_on(taken)
                postgres.kill()
            goes_on(taken)
        finally:
            over.set()
        for each in running:
            each.result()
    stage.wait_for("Ready", "True")
    with stage.orders() as orders:
        until("all of them are filled", lambda: all_filled(orders), seconds=120)
        found = orders.all()["orders"]
        clean(ibkr, orders, number=len(found), taken=taken)
    assert len(ibkr.pushes()) == len(ibkr.logins()) == 1


def goes_on(taken: set[str]) -> None:
    """More orders are taken than there were."""
    some = len(taken)
    until("orders are taken", lambda: len(taken) > some + 10, seconds=120)


def places(stage: Stage, symbol: str, over: threading.Event, taken: set[str]) -> None:
    """A client that goes on under the same key until it is answered that its order is taken."""
    number = 0
    while not over.is_set():
        with suppress(ClientError, ClusterToolError), stage.orders() as orders:
            while not over.wait(PACE):
                key = f"{symbol}-{number}"
                taken.add(orders.place(key, contract={"symbol": symbol})["id"])
                number += 1


def all_filled(orders: Orders) -> bool:
    with suppress(ClientError):
        return all(order["state"] == "Filled" for order in orders.all()["orders"])
    return False


def test_the_password_is_to_be_read_nowhere(stage: Stage, postgres: Database) -> None:
    pod = only_pod(stage, "executor")["metadata"]["name"]
    words = [postgres.password, *postgres.password.split("@")]
    seen = [
        stage.kubectl("get", "ibgw,pods,events,configmaps,deployments", "-o=yaml"),
        stage.kubectl("logs", pod, "--tail=-1"),
        stage.kubectl("exec", pod, "--", "env"),
    ]
    assert [word for text in seen for word in words if word in text] == []


def filled(orders: Orders, key: str) -> None:
    """The order of a key, asked for by its key, is filled."""
    order = orders.place(key)
    until(f"{key} is filled", lambda: orders.get(order["id"])["state"] == "Filled", seconds=120)


def clean(ibkr: Ibkr, orders: Orders, *, number: int, taken: set[str] | None = None) -> None:
    """So many orders, and IBKR has each once, as the ledger has it."""
    found = orders.all()["orders"]
    verdict = judge(ibkr.audit(ACCOUNT), found, acknowledged=taken or ())
    assert verdict.violations == []
    assert (verdict.arrived, verdict.booked, verdict.states) == (number, number, {"Filled": number})
