"""A person trades by hand for two minutes, at the user name of a gateway that gives way and of one that takes it back.

Three orders wait at each meanwhile, and each is filled exactly once afterwards.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple

import pytest

from ibgateway_stage.ibkr import USER, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

QUANTITIES = (1, 2, 3)
TAKES = "takes"


class Trader(NamedTuple):
    """A gateway, the user name that it trades by, and the way to its executor."""

    stage: Stage
    user: str
    orders: Orders

    def place(self) -> list[Json]:
        """The three orders, each with a key of its own: asked again it is the same order."""
        return [self.orders.place(f"{self.user}-{n}", quantity=n) for n in QUANTITIES]

    def states(self) -> list[tuple[str, str]]:
        return [(order["state"], order["reason"]) for order in self.place()]


@pytest.fixture(scope="module")
def traders(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Iterator[list[Trader]]:
    """One that yields, as is the default, and one that takes its session back: both logged in."""
    ibkr.add_user(TAKES, "DU2000001")
    quiet: Json = {"novnc": {"enabled": False}}
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway({**quiet, "login": {"attemptIntervalSeconds": 180}})
    takes = stage.beside(TAKES, {**quiet, "login": {"existingSession": "takeOver"}})
    with ExitStack() as forwards:
        found = []
        for gateway, user in ((stage, USER), (takes, TAKES)):
            until(f"the push of {user}", partial(ibkr.waiting, user), seconds=240)
            ibkr.approve(user)
            gateway.wait_for("Ready", "True")
            found.append(Trader(gateway, user, forwards.enter_context(gateway.orders())))
        yield found


@pytest.fixture(scope="module")
def taken(ibkr: Ibkr, traders: list[Trader]) -> None:
    """A person has logged in by both names."""
    for trader in traders:
        ibkr.kick(trader.user)


def waits(trader: Trader) -> bool:
    return trader.states() == [("Waiting", "SessionConflict")] * 3


def test_for_two_minutes_the_orders_wait_and_nobody_competes(
    ibkr: Ibkr, traders: list[Trader], taken: None
) -> None:
    for trader in traders:
        trader.stage.wait_for("TradingAllowed", "False", "SessionConflict")
        until("its orders wait", partial(waits, trader), seconds=30)
    stays("two minutes", lambda: all(waits(trader) for trader in traders), seconds=120, every=5)
    assert ibkr.orders() == []
    assert len(ibkr.pushes()) == 2
    assert attempts(ibkr, USER) == [("full", "logged-in"), ("relogin", "abandoned")]
    assert attempts(ibkr, TAKES) == [("full", "logged-in"), ("relogin", "pending")]


def test_one_has_its_session_back_without_a_push(ibkr: Ibkr, traders: list[Trader]) -> None:
    takes = traders[1]
    ibkr.free(TAKES)
    takes.stage.wait_for("Ready", "True")
    fills(ibkr, takes)
    assert attempts(ibkr, TAKES) == [("full", "logged-in"), ("relogin", "logged-in")]
    assert len(ibkr.pushes(TAKES)) == 1


def test_the_other_logs_in_again_by_one_push(ibkr: Ibkr, traders: list[Trader]) -> None:
    yields = traders[0]
    ibkr.free(USER)
    until("its push", lambda: ibkr.waiting(USER), seconds=300)
    ibkr.approve(USER)
    yields.stage.wait_for("Ready", "True")
    fills(ibkr, yields)
    assert attempts(ibkr, USER)[2:] == [("full", "logged-in")]
    assert len(ibkr.pushes(USER)) == 2


def attempts(ibkr: Ibkr, user: str) -> list[tuple[str, str]]:
    """Every login that IBKR saw, and how it ended."""
    return [(attempt["kind"], attempt["result"]) for attempt in ibkr.logins(user)]


def fills(ibkr: Ibkr, trader: Trader) -> None:
    """All three, and at IBKR each once."""
    done = lambda: [state for state, _ in trader.states()] == ["Filled"] * 3  # noqa: E731
    until("the orders fill", done, seconds=120)
    account = trader.stage.status()["accounts"][0]
    for seen in (ibkr.orders(), ibkr.get("/v1/executions")):
        mine = [one["quantity"] for one in seen if one["account"] == account]
        assert sorted(mine) == ["1", "2", "3"]
