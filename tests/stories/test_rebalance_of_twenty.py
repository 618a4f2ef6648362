"""Twenty positions are rebalanced while the gateway's nightly restart, a person's session and the end of the executor's pod come
in between, in this order. One gateway keeps its orders on a volume, the other in a PostgreSQL that is killed as well.

IBKR never waits for us: what it has fills while nobody listens, and each time one order is on its way just then.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from ibgateway.client import ClientError
from ibgateway_api.rebalance_documents import RebalanceDocument
from ibgateway_stage import database
from ibgateway_stage.accidents import only_pod
from ibgateway_stage.database import Database
from ibgateway_stage.ibkr import ACCOUNT, USER, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import NeverHappenedError, stays, until
from order_judge import judge

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

OTHER, OTHER_ACCOUNT = "other", "DU2000001"
HELD = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "GOOGL", "META", "JPM", "JNJ")
MISSING = ("KO", "PG", "XOM", "WMT", "CAT", "SPY", "QQQ", "VOO", "BND", "GLD")
WEIGHT, RESERVE = Decimal("0.049"), Decimal("0.01")
BODY: Json = {
    "targets": [{"contract": {"symbol": name}, "weight": "0.049"} for name in HELD + MISSING],
    "cashReservePercent": "1",
    "phaseSeconds": 3600,
}
BEFORE: Json = {
    "type": "margin",
    "cash": {"USD": "20000"},
    "positions": {name: {"quantity": 1000, "average_cost": "100"} for name in HELD},
}
LOGGED_IN = ("full", "logged-in")
"""An attempt. Between them may be one of IBC's own, which presses Re-login: mostly it is still ended after that was sent."""
ACKNOWLEDGED_AFTER = 5
"""Seconds until a client hears of its order: so long one is on its way."""


@dataclass
class Trader:
    """A gateway, the user name and the account that it trades by, and what it was asked for."""

    stage: Stage
    user: str
    account: str
    ibkr: Ibkr
    asked: str = ""
    told: set[str] = field(default_factory=set)
    """Ids of its orders that somebody was told are stored."""

    def sent(self, side: str) -> int:
        """How many of its orders have come to IBKR."""
        return sum(came["action"] == side for came in self.ibkr.audit(self.account)["arrivals"])

    def has_sent(self, side: str, number: int) -> bool:
        """Whether so many have."""
        return self.sent(side) >= number

    def filled_by_ibkr(self) -> None:
        self.ibkr.fill(self.account)

    def attempts(self) -> list[tuple[str, str]]:
        """Every login that IBKR saw, and how it ended."""
        return [(attempt["kind"], attempt["result"]) for attempt in self.ibkr.logins(self.user)]

    def run(self, orders: Orders) -> RebalanceDocument | None:
        """The rebalance as it stands; None while the executor does not answer."""
        with suppress(ClientError):
            found = orders.rebalance_run(self.asked)
            self.told |= {order["id"] for order in orders.all()["orders"]}
            return found
        return None


@pytest.fixture(scope="module")
def postgres(stage: Stage) -> Database:
    found = Database(stage)
    found.install()
    return found


@pytest.fixture(scope="module")
def traders(stage: Stage, ibkr: Ibkr, long_ago: Json, postgres: Database) -> list[Trader]:
    """Logged in by one push each; they restart themselves some minutes from now. The second one's orders are in the database."""
    ibkr.add_user(OTHER, OTHER_ACCOUNT)
    stage.write_credentials()
    stage.install_operator(long_ago)
    tonight = f"{datetime.now(UTC) + timedelta(minutes=4):%I:%M %p}"
    night: Json = {"timeZone": "Etc/UTC", "autoRestartTime": tonight}
    spec: Json = {"novnc": {"enabled": False}, "gateway": night}
    stage.install_gateway(spec)
    other = stage.beside(OTHER, {**spec, "executor": database.SPEC})
    found = [Trader(stage, USER, ACCOUNT, ibkr), Trader(other, OTHER, OTHER_ACCOUNT, ibkr)]
    for trader in found:
        approved(trader)
        trader.stage.wait_for("Ready", "True")
        ibkr.patch(f"/v1/accounts/{trader.account}", BEFORE)
    return found


@pytest.fixture
def clients(traders: list[Trader]) -> Iterator[list[Orders]]:
    """The way to each executor, at any time but over its pod's end."""
    with ExitStack() as forwards:
        yield [forwards.enter_context(trader.stage.orders()) for trader in traders]


def approved(trader: Trader) -> None:
    """The push that it waits for, or is about to."""
    until(f"the push of {trader.user}", partial(trader.ibkr.waiting, trader.user), seconds=240)
    trader.ibkr.approve(trader.user)


def at_its_moment(
    traders: list[Trader], moment: Callable[[Trader], bool], act: Callable[[Trader], None]
) -> None:
    """Acts on each of them as soon as its moment has come; it may not last."""
    left = list(traders)

    def look() -> bool:
        for trader in [trader for trader in left if moment(trader)]:
            act(trader)
            left.remove(trader)
        return not left

    until("the moment of each", look, seconds=240)


def test_all_that_is_to_be_sold_is_at_ibkr_when_the_night_comes(
    ibkr: Ibkr, traders: list[Trader], clients: list[Orders]
) -> None:
    ibkr.faults(hold_fills=True)
    for trader, orders in zip(traders, clients, strict=True):
        trader.asked = orders.rebalance("tonight", **BODY).id
        assert orders.rebalance("tonight", **BODY).id == trader.asked
    for trader, orders in zip(traders, clients, strict=True):
        until("its sells are at IBKR", partial(trader.has_sent, "SELL", 10), seconds=60)
        run = until("the rebalance", partial(trader.run, orders))
        assert (run.state, run.buys) == ("Selling", None)
        assert trader.attempts() == [LOGGED_IN]


def test_what_fills_during_the_nightly_restart_pays_for_the_buys(
    ibkr: Ibkr, traders: list[Trader]
) -> None:
    ibkr.rules(login_seconds=5)
    for trader in traders:
        trader.stage.wait_for("TradingAllowed", "False", "NightlyRestart", seconds=300)
    ibkr.faults(ack_seconds=ACKNOWLEDGED_AFTER)
    at_its_moment(traders, lambda trader: not ibkr.logged_in(trader.user), Trader.filled_by_ibkr)


def test_a_person_logs_in_while_an_order_is_on_its_way(
    ibkr: Ibkr, traders: list[Trader], clients: list[Orders]
) -> None:
    at_its_moment(traders, lambda t: t.has_sent("BUY", 4), lambda t: ibkr.kick(t.user))
    ibkr.rules(login_seconds=0.3)
    for trader in traders:
        assert trader.attempts()[:2] == [LOGGED_IN, ("token", "logged-in")]
        trader.stage.wait_for("TradingAllowed", "False", "SessionConflict")
        trader.filled_by_ibkr()
    some = [trader.sent("BUY") for trader in traders]
    stays("nothing is sent", lambda: [t.sent("BUY") for t in traders] == some, seconds=15)
    assert max(some) < 10
    for trader, orders in zip(traders, clients, strict=True):
        assert until("the rebalance", partial(trader.run, orders)).state == "Buying"


def test_the_executors_end_while_an_order_is_on_its_way(
    ibkr: Ibkr, traders: list[Trader], postgres: Database
) -> None:
    pods = {trader.user: only_pod(trader.stage, "executor")["metadata"] for trader in traders}
    some = {trader.user: trader.sent("BUY") for trader in traders}

    def ends(trader: Trader) -> None:
        if trader.user == OTHER:
            postgres.kill_for_good()
        name = pods[trader.user]["name"]
        trader.stage.kubectl("delete", "pod", name, "--force", "--grace-period=0")

    for trader in traders:
        ibkr.free(trader.user)
        trader.stage.ask_for_login()
    for trader in traders:
        approved(trader)
    at_its_moment(traders, lambda t: t.has_sent("BUY", some[t.user] + 2), ends)
    for trader in traders:
        trader.filled_by_ibkr()
    for trader in traders:
        until("another executor", partial(another, trader, pods[trader.user]), seconds=120)
    other = traders[1].stage
    ready = other.wait_for("ExecutorReady", "False", "LedgerUnavailable")
    assert "the ledger's database can't be used" in ready["message"]
    other.wait_for("Ready", "False", "LedgerUnavailable")
    postgres.come_back()
    ibkr.faults(ack_seconds=0)
    for trader in traders:
        trader.stage.wait_for("Ready", "True")


def another(trader: Trader, before: Json) -> bool:
    """Whether its executor's container runs in another pod."""
    pods = [pod for pod in trader.stage.pods("executor") if pod["metadata"]["uid"] != before["uid"]]
    return any(
        "running" in status["state"]
        for pod in pods
        for status in pod["status"].get("containerStatuses", [])
    )


def test_each_account_is_as_it_was_asked_to_be(
    ibkr: Ibkr, traders: list[Trader], clients: list[Orders]
) -> None:
    ibkr.post("/v1/fills/release")
    for trader, orders in zip(traders, clients, strict=True):
        run = ended(trader, orders)
        assert (run.state, run.reason, run.message) == ("Completed", "", "")
        assert run.plan is not None
        assert run.report is not None
        held, prices = ibkr.holdings(trader.account), ibkr.prices()
        assert set(held) == set(HELD + MISSING)
        wanted = WEIGHT * (1 - RESERVE) * run.plan.account_value
        off = {symbol: abs(held[symbol] * prices[symbol] - wanted) for symbol in held}
        assert {symbol: by for symbol, by in off.items() if by > prices[symbol]} == {}
        assert [order.state for order in run.report.orders] == ["Filled"] * 20
        assert {weight.symbol for weight in run.report.weights} == set(held)
        assert run.report.drift_after < Decimal("0.001")


def ended(trader: Trader, orders: Orders) -> RebalanceDocument:
    """The rebalance once it is over; in the error of one that never is stands how far it has come."""
    seen: RebalanceDocument | None = None

    def look() -> RebalanceDocument | None:
        nonlocal seen
        seen = trader.run(orders)
        return seen if seen and seen.state in ("Completed", "Stopped") else None

    try:
        return until(f"the rebalance of {trader.user} is over", look, seconds=120)
    except NeverHappenedError as error:
        raise AssertionError(f"{error}: {seen!r}") from error


def test_nothing_was_lost_or_sent_twice_and_there_is_nothing_left_to_do(
    ibkr: Ibkr, traders: list[Trader], clients: list[Orders]
) -> None:
    for trader, orders in zip(traders, clients, strict=True):
        trader.asked = orders.rebalance("again", **BODY).id
        run = ended(trader, orders)
        assert (run.state, run.reason) == ("Completed", "NothingToDo")
        found = orders.all()["orders"]
        verdict = judge(ibkr.audit(trader.account), found, acknowledged=trader.told)
        assert verdict.violations == []
        assert (verdict.arrived, verdict.booked, verdict.states) == (20, 20, {"Filled": 20})


def test_each_full_login_took_one_push(ibkr: Ibkr, traders: list[Trader]) -> None:
    for trader in traders:
        full, token, *competing, again = trader.attempts()
        assert [full, token, again] == [LOGGED_IN, ("token", "logged-in"), LOGGED_IN]
        assert competing in ([], [("relogin", "abandoned")])
        pushes = ibkr.pushes(trader.user)
        assert [(push["state"], push["stacked"]) for push in pushes] == [("approved", False)] * 2
