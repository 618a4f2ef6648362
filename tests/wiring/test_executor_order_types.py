"""Every kind of order through the executor process to the simulator: what is on the wire, and what IBKR would have booked."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor_world import ExecutorWorld, open_world

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with open_world(tmp_path) as made:
        yield made


async def holds(here: ExecutorWorld, shares: int) -> None:
    """The account has so many AAPL."""
    positions = {"AAPL": {"quantity": shares, "average_cost": 100}}
    await here.ibkr.send("PATCH", "/v1/accounts/DU1234567", {"positions": positions})


async def booked(here: ExecutorWorld) -> list[Any]:
    found: list[Any] = await here.ibkr.get("/v1/orders")
    return found


@pytest.mark.parametrize(
    ("changes", "written"),
    [
        (
            {"orderType": "STP", "stopPrice": "500", "timeInForce": "GTC"},
            ["STP", "", "500.0", "GTC", "0"],
        ),
        (
            {"orderType": "STP LMT", "stopPrice": "500", "limitPrice": "501"},
            ["STP LMT", "501.0", "500.0", "DAY", "0"],
        ),
        (
            {"orderType": "LMT", "limitPrice": "100", "outsideRegularHours": True},
            ["LMT", "100.0", "", "DAY", "1"],
        ),
        ({"orderType": "MOC"}, ["MOC", "", "", "DAY", "0"]),
        ({"orderType": "LOC", "limitPrice": "100.5"}, ["LOC", "100.5", "", "DAY", "0"]),
    ],
)
async def test_each_kind_works_at_the_broker_as_it_was_ordered(
    here: ExecutorWorld, changes: dict[str, Any], written: list[str]
) -> None:
    status, order = await here.place("k1", **changes)
    assert status == 202
    await here.reaches(order["id"], "Working")
    (frame,) = await here.placed_frames()
    assert [*frame[18:22], frame[33]] == written
    _, cancelled = await here.orders.ask("DELETE", f"/v1/orders/{order['id']}")
    assert cancelled["cancelWritten"] is True
    await here.reaches(order["id"], "Cancelled")
    assert (await here.verdict()).violations == []


async def test_an_order_that_is_immediate_or_cancelled_ends_by_the_brokers_word(
    here: ExecutorWorld,
) -> None:
    _, order = await here.place("k1", orderType="LMT", limitPrice="300", timeInForce="IOC")
    filled = await here.reaches(order["id"], "Filled")
    assert filled["filledQuantity"] == "10"


async def test_an_order_is_replaced_by_one_for_the_rest(here: ExecutorWorld) -> None:
    _, old = await here.place("k1", orderType="LMT", limitPrice="100")
    working = await here.reaches(old["id"], "Working")
    path = f"/v1/orders/{working['permId']}/fill"
    await here.ibkr.send("POST", path, {"quantity": 4, "price": "100"})
    status, new = await here.orders.ask(
        "POST",
        f"/v1/orders/{old['id']}/replace",
        {"limitPrice": "101", "quantity": 12},
        {"Idempotency-Key": "k2"},
    )
    here.acknowledged.add(new["id"])
    assert (status, new["replaces"]) == (202, old["id"])
    again = await here.reaches(new["id"], "Working")
    ended = await here.orders.get(f"/v1/orders/{old['id']}")
    assert (ended["state"], ended["replacedBy"], again["quantity"]) == ("Cancelled", new["id"], 8)
    live = [order["order_ref"] for order in await booked(here) if order["status"] == "Submitted"]
    assert live == [new["orderRef"]]
    assert (await here.verdict()).violations == []


async def test_no_more_is_sold_than_is_there(here: ExecutorWorld) -> None:
    await holds(here, 15)
    _, first = await here.place("k1", side="SELL", orderType="LMT", limitPrice="900")
    await here.reaches(first["id"], "Working")
    _, second = await here.place("k2", side="SELL")
    waiting = await here.waits_for(second["id"], "PositionTooSmall")
    assert "DU1234567 holds 15 of AAPL, and 10 are being sold" in waiting["message"]
    await here.orders.ask("DELETE", f"/v1/orders/{first['id']}")
    await here.reaches(second["id"], "Filled")
    _, third = await here.place("k3", side="SELL")
    refused = await here.reaches(third["id"], "Rejected")
    assert refused["reason"] == "ShortSale"


async def test_cancel_all_ends_everything_while_trading_is_paused(here: ExecutorWorld) -> None:
    _, working = await here.place("k1", orderType="LMT", limitPrice="100")
    await here.reaches(working["id"], "Working")
    await here.orders.ask("POST", "/v1/pause", {"by": "R.", "reason": "enough"})
    _, unsent = await here.place("k2")
    status, told = await here.orders.ask("POST", "/v1/cancel-all", {"by": "R."})
    assert (status, told) == (200, {"cancelled": 1, "asked": 1, "inDoubt": 0})
    await here.reaches(working["id"], "Cancelled")
    assert (await here.reaches(unsent["id"], "Cancelled"))["reason"] == "CancelledByClient"
    assert len(await here.placed_frames()) == 1


async def test_not_before_holds_an_order_back_until_its_moment(here: ExecutorWorld) -> None:
    moment = datetime.now(UTC) + timedelta(seconds=6)
    _, later = await here.place("k1", notBefore=moment.isoformat())
    await here.waits_for(later["id"], "NotBefore")
    _, now = await here.place("k2", priority="high", clientReference="basket 7")
    filled = await here.reaches(now["id"], "Filled")
    assert filled["clientReference"] == "basket 7"
    sent = await here.reaches(later["id"], "Filled")
    assert datetime.fromisoformat(sent["sentAt"]) >= moment - timedelta(seconds=0.5)
    assert datetime.fromisoformat(sent["sentAt"]) > datetime.fromisoformat(filled["sentAt"])


async def opens(here: ExecutorWorld, minutes: int) -> datetime:
    """The market's next session begins about so many minutes from now, or began before it; on a full minute."""
    start = datetime.now(UTC).replace(second=0, microsecond=0) + minutes * MINUTE
    sessions = [[start.isoformat(), (start + 300 * MINUTE).isoformat()]]
    await here.ibkr.send("PATCH", "/v1/clock", {"hours": "custom", "sessions": sessions})
    return start


@pytest.mark.timeout(240)
async def test_orders_for_the_opening_auction_leave_before_it_and_are_executed_in_it(
    here: ExecutorWorld,
) -> None:
    opening = await opens(here, 20)
    _, market = await here.place("k1", timeInForce="OPG")
    await here.reaches(market["id"], "Working")
    _, within = await here.place(
        "k2", orderType="LMT", limitPrice="190.5", timeInForce="OPG", quantity=3
    )
    await here.reaches(within["id"], "Working")
    _, beyond = await here.place("k3", orderType="LMT", limitPrice="189", timeInForce="OPG")
    await here.reaches(beyond["id"], "Working")
    assert [[*frame[16:22], frame[33]] for frame in await here.placed_frames()] == [
        ["BUY", "10", "MKT", "", "", "OPG", "0"],
        ["BUY", "3", "LMT", "190.5", "", "OPG", "0"],
        ["BUY", "10", "LMT", "189.0", "", "OPG", "0"],
    ]
    told = [(order["status"], order["filled"]) for order in await booked(here)]
    assert told == [("PreSubmitted", "0")] * 3
    to_go = (opening - datetime.now(UTC)).total_seconds()
    await here.ibkr.send("PATCH", "/v1/clock", {"offset_seconds": to_go + 1})
    filled = await here.reaches(market["id"], "Filled")
    assert (filled["filledQuantity"], filled["averagePrice"]) == ("10", "190")
    assert (await here.reaches(within["id"], "Filled"))["filledQuantity"] == "3"
    ended = await here.reaches(beyond["id"], "Cancelled")
    assert ended["reason"] == "CancelledByBroker"
    assert (await here.verdict()).violations == []


async def test_an_order_for_the_opening_auction_waits_until_two_hours_before_it(
    here: ExecutorWorld,
) -> None:
    opening = await opens(here, 180)
    _, order = await here.place("k1", timeInForce="OPG")
    waiting = await here.waits_for(order["id"], "MarketClosed")
    leaves = (opening - timedelta(hours=2)).isoformat()
    assert waiting["message"] == f"the market opens at {leaves}"
    assert await here.placed_frames() == []


async def test_an_order_for_the_opening_auction_leaves_at_its_own_moment(
    here: ExecutorWorld,
) -> None:
    await opens(here, 20)
    moment = datetime.now(UTC) + timedelta(seconds=6)
    _, order = await here.place("k1", timeInForce="OPG", notBefore=moment.isoformat())
    await here.waits_for(order["id"], "NotBefore")
    sent = await here.reaches(order["id"], "Working")
    assert datetime.fromisoformat(sent["sentAt"]) >= moment - timedelta(seconds=0.5)


@pytest.mark.parametrize("minutes", [2, 0, -60])
async def test_too_late_for_the_opening_auction_nothing_leaves(
    here: ExecutorWorld, minutes: int
) -> None:
    await opens(here, minutes)
    _, waits = await here.place("k1", timeInForce="OPG")
    waiting = await here.waits_for(waits["id"], "CutOffPassed")
    assert "the auction took orders until" in waiting["message"]
    _, order = await here.place(
        *("k2",), orderType="LMT", limitPrice="190", timeInForce="OPG", marketClosed="reject"
    )
    refused = await here.reaches(order["id"], "Rejected")
    assert refused["reason"] == "CutOffPassed"
    assert await here.placed_frames() == []


async def test_the_broker_may_take_no_more_orders_for_the_auction(here: ExecutorWorld) -> None:
    await opens(here, 20)
    await here.ibkr.send("PATCH", "/v1/market", {"cutoff_seconds": 3600})
    _, order = await here.place("k1", timeInForce="OPG")
    refused = await here.reaches(order["id"], "Rejected")
    assert refused["reason"] == "RejectedByBroker"
    assert "no more orders for this auction" in refused["brokerMessage"]
    assert len(await here.placed_frames()) == 1
    assert (await here.verdict()).violations == []


async def test_two_names_of_one_contract_keep_the_order_of_their_orders(
    here: ExecutorWorld,
) -> None:
    """The broker knows the one name's contract already, and tells the other's later."""
    by_number = {"conId": 265598}
    _, known = await here.place("k0", contract=by_number)
    await here.reaches(known["id"], "Filled")
    await here.ibkr.send("PATCH", "/v1/faults", {"mute_symbols": ["AAPL"]})
    _, first = await here.place("k1", contract={"symbol": "AAPL", "exchange": "NASDAQ"})
    _, second = await here.place("k2", contract=by_number)
    _, other = await here.place("k3", contract={"symbol": "MSFT"})
    await here.reaches(other["id"], "Filled")
    waiting = await here.waits_for(second["id"], "BehindEarlierOrder")
    assert "may be for this contract" in waiting["message"]
    await here.ibkr.send("PATCH", "/v1/faults", {"mute_symbols": []})
    await here.ibkr.send("POST", "/v1/connections/drop", {})
    await here.reaches(second["id"], "Filled")
    arrived = [frame[26] for frame in await here.placed_frames()]
    assert arrived == [order["orderRef"] for order in (known, other, first, second)]
    assert (await here.verdict()).violations == []
