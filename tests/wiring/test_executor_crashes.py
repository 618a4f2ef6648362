"""kill -9 at the worst moments, and orders lost on the way: nothing is ever sent twice."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from executor_world import ExecutorWorld, until, world

DIES_BEFORE_THE_WRITE = """
import os, signal
from ibgateway_executor.broker.ib import IbBroker
from ibgateway_executor.__main__ import main
IbBroker.place = lambda self, order: os.kill(os.getpid(), signal.SIGKILL)
raise SystemExit(main())
"""
DIES_AFTER_THE_WRITE = """
import os, signal
from ibgateway_executor.broker.ib import IbBroker
from ibgateway_executor.__main__ import main
write = IbBroker.place
def place(self, order):
    write(self, order)
    os.kill(os.getpid(), signal.SIGKILL)
IbBroker.place = place
raise SystemExit(main())
"""
DIES_AT_THE_FIRST_WORD = """
import os, signal
from ibgateway_executor.broker.recorder import ReportRecorder
from ibgateway_executor.__main__ import main
ReportRecorder.put = lambda self, event: os.kill(os.getpid(), signal.SIGKILL)
raise SystemExit(main())
"""

DIES_BEFORE_THE_ANSWERS = """
import os, signal
from ibgateway_executor.ledger.shared_commit import SharedCommit
from ibgateway_executor.__main__ import main
deliver = SharedCommit._deliver
def deliver_few(self, taken, answers):
    if len(taken) > 1:
        os.kill(os.getpid(), signal.SIGKILL)
    deliver(self, taken, answers)
SharedCommit._deliver = deliver_few
raise SystemExit(main())
"""


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


async def _dies(here: ExecutorWorld, program: str) -> str:
    """Start an executor that dies in the middle of the first order; the order's id."""
    await here.executor.start("-c", program)
    await here.up()
    _, order = await here.place("k1")
    await here.log_in()
    assert await here.executor.ended() == -9
    return str(order["id"])


async def test_killed_between_a_shared_commit_and_its_answers_each_order_is_there_once(
    here: ExecutorWorld,
) -> None:
    await here.executor.start("-c", DIES_BEFORE_THE_ANSWERS)
    await here.up()
    keys = [f"k{number}" for number in range(16)]
    placed = await asyncio.gather(*map(here.place, keys), return_exceptions=True)
    assert await here.executor.ended() == -9
    assert any(isinstance(answer, Exception) for answer in placed)
    await here.executor.start()
    await here.up()
    stored = {order["id"] for order in (await here.orders.get("/v1/orders"))["orders"]}
    answered = {answer[1]["id"] for answer in placed if not isinstance(answer, BaseException)}
    assert answered < stored
    again = [await here.place(key) for key in keys]
    assert {body["id"] for status, body in again if status == 200} == stored
    assert len({body["id"] for _, body in again}) == 16
    assert len((await here.orders.get("/v1/orders"))["orders"]) == 16


async def test_killed_between_the_commit_and_the_write_the_order_is_parked_not_resent(
    here: ExecutorWorld,
) -> None:
    order_id = await _dies(here, DIES_BEFORE_THE_WRITE)
    await here.executor.start()
    await here.ready()
    parked = await here.reaches(order_id, "Unknown")
    assert (parked["reason"], parked["orderId"]) == ("NotFoundAtBroker", 1)
    assert await here.placed_frames() == []
    _, same_contract = await here.place("k2")
    await here.waits_for(same_contract["id"], "BehindUnknownOrder")
    _, other = await here.place("k3", contract={"symbol": "MSFT"})
    await here.reaches(other["id"], "Filled")
    assert (await here.verdict()).violations == []
    assert [(frame[1], frame[3]) for frame in await here.placed_frames()] == [("2", "MSFT")]


@pytest.mark.parametrize("program", [DIES_AFTER_THE_WRITE, DIES_AT_THE_FIRST_WORD])
async def test_killed_after_the_write_the_order_is_found_and_adopted(
    here: ExecutorWorld, program: str
) -> None:
    order_id = await _dies(here, program)
    await here.executor.start()
    filled = await here.reaches(order_id, "Filled")
    assert (filled["filledQuantity"], filled["orderId"]) == ("10", 1)
    await here.ready()
    assert (await here.verdict()).violations == []


async def test_killed_after_the_write_a_working_order_is_adopted_and_followed(
    here: ExecutorWorld,
) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    order_id = await _dies(here, DIES_AFTER_THE_WRITE)
    await here.executor.start()
    await here.reaches(order_id, "Working")
    await here.ibkr.send("POST", "/v1/fills/release")
    await here.reaches(order_id, "Filled")
    assert (await here.verdict()).violations == []


async def test_an_order_lost_on_the_way_is_parked_and_the_gate_opens_again(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": "before-booking"})
    _, order = await here.place("k1")
    parked = await here.reaches(order["id"], "Unknown")
    await here.ready()

    async def concluded() -> bool:
        seen = await here.orders.get(f"/v1/orders/{order['id']}")
        return bool(seen["reason"] == "NotFoundAtBroker")

    await until("the broker was asked", concluded)
    assert parked["orderRef"].startswith("ibg-")
    assert (await here.verdict()).violations == []
    status, refused = await here.orders.ask("DELETE", f"/v1/orders/{order['id']}")
    assert (status, refused["code"]) == (409, "CannotCancel")


async def test_an_order_booked_before_the_connection_broke_is_adopted(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": "after-booking"})
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Filled")
    await here.ready()
    assert (await here.verdict()).violations == []


async def test_a_gateway_that_falls_silent_is_given_up_and_the_order_found_later(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"mute": True})
    await here.not_ready("NotReconciled: ")
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "NotReconciled")
    await here.ibkr.send("PATCH", "/v1/faults", {"mute": False})
    await here.reaches(order["id"], "Filled")
    assert (await here.verdict()).violations == []


async def test_a_live_executor_never_adopts_a_paper_ledger(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.up()
    await here.executor.kill()
    here.configure(trading_mode="live", accounts=("U7654321",))
    await here.executor.start()
    assert await here.executor.ended() == 1
    assert "this ledger belongs to a paper gateway" in here.executor.log.read_text()


async def test_a_live_executor_closes_its_gate_on_a_paper_login(here: ExecutorWorld) -> None:
    here.configure(trading_mode="live", accounts=("DU1234567",))
    await here.executor.start()
    await here.log_in()
    await here.not_ready("UnexpectedAccount: ")
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "UnexpectedAccount")
    assert await here.placed_frames() == []


async def test_a_damaged_ledger_is_refused_with_a_way_out(here: ExecutorWorld) -> None:
    here.executor.data.mkdir()
    (here.executor.data / "ledger.db").write_bytes(b"this is no database at all" * 100)
    await here.executor.start()
    assert await here.executor.ended() == 1
    assert "restore the volume from a copy" in here.executor.log.read_text()


async def test_an_order_of_a_lost_ledger_that_still_works_is_never_changed_by_a_new_one(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    limit = {"orderType": "LMT", "limitPrice": "100.00", "timeInForce": "GTC"}
    _, first = await here.place("k1", **limit)
    await here.reaches(first["id"], "Working")
    await here.executor.kill()
    for file in here.executor.data.glob("ledger.db*"):
        file.unlink()
    back = {"account": "DU1234567", "client_id": 17, "value": 1}
    await here.ibkr.send("PATCH", "/v1/next-ids", back)
    await here.executor.start()
    await here.ready()
    _, second = await here.place("k2", quantity=11, **limit)
    await here.reaches(second["id"], "Working")
    booked = await here.ibkr.get("/v1/orders")
    assert {order["order_ref"] for order in booked} == {first["orderRef"], second["orderRef"]}
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "2"]


async def test_a_refusal_is_heard_where_order_ids_are_as_high_as_times(here: ExecutorWorld) -> None:
    high = {"account": "DU1234567", "client_id": 17, "value": 1_700_000_000}
    await here.ibkr.send("PATCH", "/v1/next-ids", high)
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"refuse_next": 383})
    _, order = await here.place("k1")
    rejected = await here.reaches(order["id"], "Rejected")
    assert rejected["orderId"] == 1_700_000_000
    _, order = await here.place("k2")
    await here.reaches(order["id"], "Filled")
