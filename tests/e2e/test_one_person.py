"""One person approves for two gateways, and wants one of the logins for a while: in this order.

Two pushes in the whole of it, one for each gateway, and never both at once.
"""

from collections.abc import Iterator

import pytest

from ibgateway_stage.ibkr import USER, Ibkr
from ibgateway_stage.orders import Orders
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

ANNA: Json = {"login": {"person": "anna"}, "novnc": {"enabled": False}}
OTHER = "other"


@pytest.fixture(scope="module")
def gateways(stage: Stage, ibkr: Ibkr, long_ago: Json) -> dict[str, Stage]:
    """Two gateways of anna, by user name; only the first trades."""
    ibkr.add_user(OTHER, "DU2000001")
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway(ANNA)
    other = stage.beside(OTHER, {**ANNA, "executor": {"enabled": False}})
    return {USER: stage, OTHER: other}


@pytest.fixture(scope="module")
def orders(stage: Stage) -> Iterator[Orders]:
    """The intake Service, which answers at any time."""
    with stage.orders() as client:
        yield client


def turn(stage: Stage) -> Json:
    """Where its push stands among anna's."""
    found: Json = stage.status().get("turn", {})
    return found


def waits_behind(stage: Stage) -> str:
    """Whom it is behind, once its push waits."""
    return str(turn(stage).get("behind", "")) if turn(stage).get("since") else ""


def test_the_second_push_waits_for_its_turn(ibkr: Ibkr, gateways: dict[str, Stage]) -> None:
    [push] = until("a push waits", ibkr.waiting, seconds=240)
    first, [second] = gateways[push["user"]], [gateways[u] for u in gateways if u != push["user"]]
    assert until("the first has its turn", lambda: turn(first).get("id"))
    behind = until("the second is behind it", lambda: waits_behind(second))
    assert behind == f"{first.namespace}/{first.gateway}"
    assert turn(second).get("person") == "anna"
    second.wait_for_login("WaitingForPermit")
    until("why it waits", lambda: "AwaitsTurn" in second.condition("GatewayLoggedIn")["message"])
    stays("one push", lambda: len(ibkr.pushes()) == len(ibkr.logins()) == 1, seconds=10)


def test_it_is_sent_when_the_first_is_approved(ibkr: Ibkr, gateways: dict[str, Stage]) -> None:
    [push] = ibkr.waiting()
    ibkr.approve()
    [second] = until("the second push", ibkr.waiting)
    assert second["user"] != push["user"]
    until("it has its turn", lambda: turn(gateways[second["user"]]).get("id"))
    ibkr.approve()
    for gateway in gateways.values():
        gateway.wait_for("Ready", "True")
    sent, approved = [p["sent"] for p in ibkr.pushes()], [p["answered"] for p in ibkr.pushes()]
    assert len(sent) == 2
    assert approved[0] < sent[1]
    assert [attempt["result"] for attempt in ibkr.logins()] == ["logged-in", "logged-in"]


def test_a_person_has_the_login_for_themselves(stage: Stage, ibkr: Ibkr, orders: Orders) -> None:
    stage.annotate("handover-until", "20m")
    stage.wait_for("TradingAllowed", "False", "HandedOver")
    stage.wait_for_login("WaitingForPermit")
    assert stage.status()["handover"]["costsPush"] is False
    assert [session["user"] for session in ibkr.get("/v1/state")["sessions"]] == [OTHER]
    ibkr.kick(style="relogin")
    order = orders.place("during-the-handover", quantity=2)
    until("the order waits", lambda: orders.get(order["id"])["reason"] == "HandedOver", seconds=30)
    stays("nobody competes", lambda: len(ibkr.logins(USER)) == 1, seconds=10)
    assert ibkr.orders() == []


def test_its_return_costs_no_push_and_the_order_fills_once(
    stage: Stage, ibkr: Ibkr, orders: Orders
) -> None:
    ibkr.free()
    stage.annotate("handover-until")
    stage.wait_for("Ready", "True")
    order = orders.place("during-the-handover", quantity=2)
    until("it fills", lambda: orders.get(order["id"])["state"] == "Filled", seconds=90)
    assert [booked["quantity"] for booked in ibkr.orders()] == ["2"]
    assert [attempt["kind"] for attempt in ibkr.logins(USER)] == ["full", "token"]
    assert len(ibkr.pushes()) == 2
    assert stage.status()["login"]["attemptsToday"] == 1
