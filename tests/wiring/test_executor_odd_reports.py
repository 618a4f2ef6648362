"""The executor where IBKR's reports come twice, in another order, late, or with less of the orderRef."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, open_world, until


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with open_world(tmp_path) as made:
        yield made


@pytest.mark.parametrize(
    "changes",
    [
        {"repeat_reports": True},
        {"reverse_reports": True},
        {"repeat_reports": True, "reverse_reports": True},
    ],
)
async def test_reports_that_come_twice_and_in_another_order_end_in_the_same_state(
    here: ExecutorWorld, changes: dict[str, bool]
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", changes | {"partial_next": ["3", "7"]})
    _, order = await here.place("k1")
    filled = await here.reaches(order["id"], "Filled")
    assert filled["filledQuantity"] == "10"
    assert (await here.verdict()).violations == []


async def filled(here: ExecutorWorld) -> bool:
    """Whether IBKR's books show the one order as filled."""
    (booked,) = (await here.ibkr.get("/v1/audit"))["orders"]
    return bool(booked["status"] == "Filled")


async def test_an_order_whose_reports_are_known_only_later_is_found_then_and_not_sent_again(
    here: ExecutorWorld,
) -> None:
    away = {"lose_next": "after-booking", "reports_empty_seconds": 3600, "close_at_once": True}
    await here.ibkr.send("PATCH", "/v1/faults", away)
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Unknown")
    await until("IBKR has filled it", lambda: filled(here))
    await here.ibkr.send("PATCH", "/v1/faults", {"close_at_once": False})
    await here.ready()
    assert (await here.reaches(order["id"], "Unknown"))["state"] == "Unknown"
    assert (await here.verdict()).lost == []
    await here.ibkr.send("PATCH", "/v1/faults", {"reports_empty_seconds": 0})
    await here.ibkr.send("POST", "/v1/connections/drop", {})
    await here.reaches(order["id"], "Filled")
    assert (await here.verdict()).violations == []


async def test_ids_that_begin_again_at_one_are_used_by_no_second_order(here: ExecutorWorld) -> None:
    _, first = await here.place("k1")
    await here.reaches(first["id"], "Filled")
    back = {"account": "DU1234567", "client_id": 17, "value": 1}
    await here.ibkr.send("PATCH", "/v1/next-ids", back)
    await here.ibkr.send("POST", "/v1/connections/drop", {})
    await until("it has connected anew", lambda: here.introduced(2))
    _, second = await here.place("k2")
    assert (await here.reaches(second["id"], "Filled"))["orderId"] == 2
    assert (await here.verdict()).violations == []


async def test_an_order_ref_that_ibkr_cuts_is_still_this_orders(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"order_ref_limit": 12})
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Filled")
    assert (await here.verdict()).violations == []


async def test_an_order_booked_unheard_under_a_cut_order_ref_is_never_sent_again(
    here: ExecutorWorld,
) -> None:
    cut = {"order_ref_limit": 12, "lose_next": "after-booking"}
    await here.ibkr.send("PATCH", "/v1/faults", cut)
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Unknown", "Filled")
    await here.ready()
    verdict = await here.verdict()
    assert (verdict.twice, verdict.lost, verdict.arrived) == ([], [], 1)
