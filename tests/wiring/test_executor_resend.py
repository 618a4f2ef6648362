"""Lost orders are sent once more where everything proves that they never arrived: what IBKR would have seen."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from executor_world import ExecutorWorld, until, world
from ibgateway_api.login import LoginState
from ibgateway_api.week import Calendar

SOON = """
from ibgateway_executor.broker import connection, reconciliation
from ibgateway_executor.broker.ib import IbBroker
from ibgateway_executor.dispatch import resends
from ibgateway_executor.orders import resend
from ibgateway_executor.__main__ import main
connection.SETTLED_SECONDS = resend.SETTLED_SECONDS = 0.5
connection.ASK_AGAIN_SECONDS = connection.PING_SECONDS = 0.2
reconciliation.APART_SECONDS = 0.1
"""
"""The executor with shorter times between two looks, and nothing else changed."""
MAIN = "raise SystemExit(main())\n"
DIES_BEFORE_THE_SECOND_WRITE = """
import os, signal
write = IbBroker.place
def place(self, order):
    if order.resent_at is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    write(self, order)
IbBroker.place = place
"""
TAKES_EVERYTHING_FOR_PROVEN = """
resends.may_resend = lambda results: True
resends.failing = lambda results: ()
"""
PROVEN = {"resend": "proven", "calendar": Calendar(outages=(), resets=())}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


async def _begin(
    here: ExecutorWorld, *more: str, resubmits: bool | None = False, **settings: Any
) -> None:
    here.configure(**(PROVEN | settings))
    await here.executor.start("-c", "".join((SOON, *more, MAIN)))
    here.sentinel.tell(LoginState.AWAITING_APPROVAL, resubmits_orders=resubmits)
    await here.log_in()
    await here.ready()


async def _lose(here: ExecutorWorld, how: str, **order: Any) -> Any:
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": how})
    return (await here.place("lost", **order))[1]


async def _history(here: ExecutorWorld, order: Any) -> list[Any]:
    found = await here.orders.get(f"/v1/orders/{order['id']}/history")
    lines: list[Any] = found["history"]
    return lines


async def _not_proven(here: ExecutorWorld, order: Any, *missing: str) -> None:
    """Wait until it was decided that the order is not sent again, for want of exactly these proofs."""

    async def look() -> bool:
        lines = [line for line in await _history(here, order) if "resend" in line["evidence"]]
        if not lines:
            return False
        assert (lines[-1]["from"], lines[-1]["to"]) == ("Unknown", "Unknown")
        proofs = lines[-1]["evidence"]["resend"]
        return [name for name, proof in proofs.items() if not proof["holds"]] == list(missing)

    await until(f"it is not proven: {missing}", look)


async def _held_back(here: ExecutorWorld, how: str = "before-booking") -> Any:
    """An order that was lost, and everything is proven but that the setting is off."""
    await _begin(here, resubmits=None)
    lost = await _lose(here, how)
    await _not_proven(here, lost, "resubmitOff")
    return lost


def _setting_is_off(here: ExecutorWorld) -> None:
    here.sentinel.tell(LoginState.LOGGED_IN, resubmits_orders=False)


async def _asked(here: ExecutorWorld, times: int) -> None:
    """The broker has been asked so many times more."""

    async def rounds() -> float:
        text = str((await here.probes.ask("GET", "/metrics"))[1])
        name = "ibgateway_executor_reconciliations_total "
        return next(float(line.split()[1]) for line in text.splitlines() if line.startswith(name))

    before = await rounds()

    async def more() -> bool:
        return await rounds() >= before + times

    await until("the broker was asked again", more)


async def test_an_order_lost_before_it_was_booked_is_sent_once_more_and_booked_once(
    here: ExecutorWorld,
) -> None:
    await _begin(here)
    lost = await _lose(here, "before-booking")
    filled = await here.reaches(lost["id"], "Filled")
    frames = await here.placed_frames()
    assert [frame[1] for frame in frames] == ["1", "1"]
    assert frames[0] == frames[1]
    assert (filled["orderId"], filled["filledQuantity"]) == (1, "10")
    assert filled["resentAt"] > filled["sentAt"]
    verdict = await here.verdict(lost["orderRef"])
    assert (verdict.violations, verdict.booked) == ([], 1)
    (again,) = [line for line in await _history(here, lost) if "resend" in line["evidence"]]
    assert (again["from"], again["to"], again["cause"]) == ("Unknown", "Sending", "executor")
    proofs = again["evidence"]["resend"]
    assert [name for name, proof in proofs.items() if not proof["holds"]] == []
    assert len(proofs) == 22
    assert proofs["nextValidId"] == {"holds": True, "value": "1 for 1"}
    assert proofs["samePosition"] == {"holds": True, "value": "0 then, 0 now"}
    metrics = str((await here.probes.ask("GET", "/metrics"))[1])
    assert "ibgateway_executor_orders_resent_total 1.0" in metrics
    _, following = await here.place("k2")
    await here.reaches(following["id"], "Filled")


async def test_by_default_a_lost_order_is_parked_and_stays_so(here: ExecutorWorld) -> None:
    await _begin(here, resend="never")
    lost = await _lose(here, "before-booking")
    await here.reaches(lost["id"], "Unknown")
    await _asked(here, 8)
    parked = await here.orders.get(f"/v1/orders/{lost['id']}")
    assert (parked["state"], parked["reason"]) == ("Unknown", "NotFoundAtBroker")
    assert parked["resentAt"] is None
    assert all("resend" not in line["evidence"] for line in await _history(here, lost))
    assert len(await here.placed_frames()) == 1
    assert (await here.verdict()).violations == []
    assert await here.ibkr.get("/v1/frames?direction=in&message=61") == []


async def test_an_order_that_was_booked_and_not_acknowledged_is_found_and_not_sent_again(
    here: ExecutorWorld,
) -> None:
    await _begin(here)
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    booked = await _lose(here, "after-booking")
    await here.reaches(booked["id"], "Working")
    await here.ibkr.send("POST", "/v1/fills/release")
    await here.reaches(booked["id"], "Filled")
    assert len(await here.placed_frames()) == 1
    assert (await here.verdict()).violations == []


async def test_lists_that_stay_empty_after_a_booking_do_not_make_a_proof(
    here: ExecutorWorld,
) -> None:
    await _begin(here)
    empty = {"reports_empty_seconds": 3600, "fill_delay": 0, "unacknowledged": True}
    await here.ibkr.send("PATCH", "/v1/faults", empty)
    booked = await _lose(here, "after-booking")
    await _not_proven(here, booked, "samePosition", "nextValidId")
    await _asked(here, 3)
    assert len(await here.placed_frames()) == 1


@pytest.mark.parametrize("resubmits", [True, None])
async def test_an_order_that_arrives_an_hour_later_was_not_sent_again(
    here: ExecutorWorld, resubmits: bool | None
) -> None:
    await _begin(here, resubmits=resubmits)
    late = await _lose(here, "late")
    await _not_proven(here, late, "resubmitOff")
    assert len(await here.placed_frames()) == 1
    await here.ibkr.send("POST", "/v1/late-orders")
    await here.reaches(late["id"], "Filled")
    verdict = await here.verdict()
    assert (verdict.violations, verdict.booked, verdict.arrived) == ([], 1, 1)


async def test_the_simulator_shows_a_proof_that_was_wrong(here: ExecutorWorld) -> None:
    """Somebody says that the setting is off, and it is on: then there are two of the order, and the audit has both."""
    await _begin(here, resubmits=False)
    late = await _lose(here, "late")
    await here.reaches(late["id"], "Filled")
    await here.ibkr.send("POST", "/v1/late-orders")

    async def told() -> bool:
        order = await here.orders.get(f"/v1/orders/{late['id']}")
        return "a second order with this orderRef" in order["brokerMessage"]

    await until("the second one is told", told)
    verdict = await here.verdict(late["orderRef"])
    assert verdict.twice == [f"{late['orderRef']} came 2 times and was booked 2 times"]


@pytest.mark.parametrize(
    ("offered", "missing"), [(1, "acknowledgedId"), (3, "nextValidId"), (4, "nextValidId")]
)
async def test_ids_that_went_back_or_were_given_to_others_forbid_it(
    here: ExecutorWorld, offered: int, missing: str
) -> None:
    await _begin(here)
    _, first = await here.place("k1", contract={"symbol": "MSFT"})
    await here.reaches(first["id"], "Filled")
    ids = {"account": "DU1234567", "client_id": 17, "value": offered}
    await here.ibkr.send("PATCH", "/v1/next-ids", ids)
    lost = await _lose(here, "before-booking")
    await _not_proven(here, lost, missing)
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "2"]
    assert (await here.verdict()).violations == []


async def test_ids_that_went_back_to_the_lost_one_are_what_a_lost_order_looks_like(
    here: ExecutorWorld,
) -> None:
    """LEAN 242: the gateway offers the ids of the orders that never arrived."""
    await _begin(here)
    _, first = await here.place("k1", contract={"symbol": "MSFT"})
    await here.reaches(first["id"], "Filled")
    lost = await _lose(here, "before-booking")
    await here.reaches(lost["id"], "Filled")
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "2", "2"]
    assert (await here.verdict(lost["orderRef"])).violations == []


async def test_ibkrs_own_check_of_ids_is_the_second_barrier(here: ExecutorWorld) -> None:
    """With every proof broken a filled order is written again: 103, and it is parked for good."""
    await _begin(here, TAKES_EVERYTHING_FOR_PROVEN)
    empty = {"reports_empty_seconds": 3600, "fill_delay": 0, "unacknowledged": True}
    await here.ibkr.send("PATCH", "/v1/faults", empty)
    booked = await _lose(here, "after-booking")

    async def filled() -> bool:
        return [order["status"] for order in await here.ibkr.get("/v1/orders")] == ["Filled"]

    await until("it is filled, and nobody was told", filled)
    await here.ibkr.send("PATCH", "/v1/faults", {"unacknowledged": False})

    async def refused() -> bool:
        order = await here.orders.get(f"/v1/orders/{booked['id']}")
        return bool(order["brokerMessage"].startswith("103: "))

    await until("IBKR has refused it", refused)
    await _asked(here, 3)
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "1"]
    verdict = await here.verdict(booked["orderRef"])
    assert (verdict.twice, verdict.booked) == ([], 1)


async def test_a_position_that_has_moved_forbids_it(here: ExecutorWorld) -> None:
    lost = await _held_back(here)
    bought = {"positions": {"AAPL": {"quantity": 10, "average_cost": "190.01"}}}
    await here.ibkr.send("PATCH", "/v1/accounts/DU1234567", bought)
    await _asked(here, 3)
    _setting_is_off(here)
    await _not_proven(here, lost, "samePosition")
    assert len(await here.placed_frames()) == 1


async def test_a_pause_parks_it_and_a_resume_lets_it_go(here: ExecutorWorld) -> None:
    lost = await _held_back(here)
    pause = {"by": "R.", "reason": "lunch"}
    assert (await here.orders.ask("POST", "/v1/pause", pause))[0] == 200
    _setting_is_off(here)
    await _not_proven(here, lost, "gate", "marketRules")
    assert len(await here.placed_frames()) == 1
    assert (await here.orders.ask("POST", "/v1/resume", {"by": "R."}))[0] == 200
    await here.reaches(lost["id"], "Filled")
    assert (await here.verdict(lost["orderRef"])).violations == []


async def test_killed_between_the_mark_and_the_bytes_it_is_parked_and_never_sent_again(
    here: ExecutorWorld,
) -> None:
    await _begin(here, DIES_BEFORE_THE_SECOND_WRITE)
    lost = await _lose(here, "before-booking")
    assert await here.executor.ended() == -9
    await here.executor.start("-c", SOON + MAIN)
    await here.ready()
    await _asked(here, 8)
    parked = await here.orders.get(f"/v1/orders/{lost['id']}")
    assert (parked["state"], parked["reason"]) == ("Unknown", "NotFoundAtBroker")
    assert parked["resentAt"] is not None
    assert len(await here.placed_frames()) == 1
    assert (await here.verdict()).violations == []


async def test_an_order_that_is_lost_a_second_time_is_parked(here: ExecutorWorld) -> None:
    lost = await _held_back(here)
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": "before-booking"})
    _setting_is_off(here)

    async def lost_again() -> bool:
        order = await here.orders.get(f"/v1/orders/{lost['id']}")
        return order["resentAt"] is not None and order["reason"] == "NotFoundAtBroker"

    await until("it is lost again", lost_again)
    await _asked(here, 8)
    assert await lost_again()
    assert len(await here.placed_frames()) == 2
    verdict = await here.verdict(lost["orderRef"])
    assert (verdict.violations, verdict.booked) == ([], 0)


async def test_an_executor_that_was_killed_in_between_sends_it_again_under_the_same_proofs(
    here: ExecutorWorld,
) -> None:
    lost = await _held_back(here)
    await here.executor.kill()
    _setting_is_off(here)
    await here.executor.start("-c", SOON + MAIN)
    await here.reaches(lost["id"], "Filled")
    verdict = await here.verdict(lost["orderRef"])
    assert (verdict.violations, verdict.booked, verdict.arrived) == ([], 1, 2)
