"""The executor process against the simulator over real sockets: what IBKR would have seen."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from executor_world import AGENT_TOKEN, CLIENT_TOKEN, ExecutorWorld, until, world
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with world(tmp_path) as made:
        yield made


async def test_an_order_before_the_login_waits_and_fills_once_afterwards(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    status, order = await here.place("k1")
    assert (status, order["state"]) == (202, "Accepted")
    waiting = await here.waits_for(order["id"], "AwaitingApproval")
    assert "not logged in" in waiting["message"]
    assert await here.placed_frames() == []
    await here.log_in()
    filled = await here.reaches(order["id"], "Filled")
    assert (filled["account"], filled["filledQuantity"], filled["averagePrice"]) == (
        "DU1234567",
        "10",
        "190.01",
    )
    (frame,) = await here.placed_frames()
    assert (frame[16:19], frame[21], frame[23], frame[26]) == (
        ["BUY", "10", "MKT"],
        "DAY",
        "DU1234567",
        filled["orderRef"],
    )
    await here.ready()


async def test_a_restart_loses_nothing_and_repeats_nothing(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.up()
    _, first = await here.place("k1")
    await here.waits_for(first["id"], "AwaitingApproval")
    await here.executor.kill()
    await here.executor.start()
    await here.up()
    await here.log_in()
    await here.reaches(first["id"], "Filled")
    await here.executor.kill()
    await here.executor.start()
    await here.ready()
    assert await here.place("k1") == (200, await here.orders.get(f"/v1/orders/{first['id']}"))
    _, second = await here.place("k2")
    await here.reaches(second["id"], "Filled")
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "2"]


async def test_one_key_is_one_order_and_a_changed_request_is_refused(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    status, order = await here.place("k1")
    again = [await here.place("k1") for _ in range(3)]
    assert status == 202
    assert [(s, o["id"]) for s, o in again] == [(200, order["id"])] * 3
    status, refused = await here.place("k1", quantity=11)
    assert (status, refused["code"]) == (422, "IdempotencyKeyReused")
    assert "use a new key" in refused["detail"]
    await here.reaches(order["id"], "Filled")
    assert len(await here.placed_frames()) == 1


async def test_a_kicked_session_holds_an_order_until_it_is_free_and_fills_it_once(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("POST", "/v1/users/paperuser/kick", {"style": "silent"})
    here.sentinel.tell(LoginState.SESSION_CONFLICT)
    await here.not_ready()
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "SessionConflict")
    await here.ibkr.send("POST", "/v1/users/paperuser/free")
    here.sentinel.tell(LoginState.LOGGED_IN)
    await here.reaches(order["id"], "Filled")
    await here.ready()
    assert len(await here.placed_frames()) == 1


async def test_a_lost_link_closes_the_gate_before_the_sentinel_has_said_so(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("POST", "/v1/connectivity", {"state": "lost"})
    await here.not_ready("1100")
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "NotReconciled")
    await here.ibkr.send("POST", "/v1/connectivity", {"state": "restored", "code": 1101})
    await here.reaches(order["id"], "Filled")
    assert len(await here.placed_frames()) == 1


async def test_silence_of_the_sentinel_closes_the_gate(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    here.sentinel.mute = True
    await here.not_ready("NoNews: ")
    _, order = await here.place("k1")
    await here.waits_for(order["id"], "NoNews")
    here.sentinel.mute = False
    await here.reaches(order["id"], "Filled")


async def test_partial_fills_are_cumulative(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    await here.ibkr.send("PATCH", "/v1/faults", {"partial_next": ["3", "2"]})
    _, order = await here.place("k1")

    async def five() -> bool:
        seen = await here.orders.get(f"/v1/orders/{order['id']}")
        return (seen["state"], seen["filledQuantity"]) == ("Working", "5")

    await until("five of ten are filled", five)
    await here.executor.kill()
    await here.executor.start()
    await here.ready()
    assert await five()
    await here.ibkr.send("POST", "/v1/fills/release")
    filled = await here.reaches(order["id"], "Filled")
    assert filled["filledQuantity"] == "10"


@pytest.mark.parametrize("first", ["error-first", "status-first"])
async def test_a_rejected_order_tells_the_brokers_reason(here: ExecutorWorld, first: str) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    faults = {"reject_next": "not enough money", "reject_order": first}
    await here.ibkr.send("PATCH", "/v1/faults", faults)
    _, order = await here.place("k1")
    rejected = await here.reaches(order["id"], "Rejected")
    assert rejected["message"] == "201: Order rejected - reason:not enough money"
    _, next_one = await here.place("k2")
    await here.reaches(next_one["id"], "Filled")


async def test_an_order_waits_for_its_market(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/clock", _market_opens_in(minutes=60))
    await here.executor.start()
    await here.log_in()
    _, order = await here.place_when_up("k1")
    waiting = await here.waits_for(order["id"], "MarketClosed")
    assert "the market opens at" in waiting["message"]
    assert await here.placed_frames() == []
    await here.ibkr.send("PATCH", "/v1/clock", {"hours": "always"})
    await here.executor.kill()
    await here.executor.start()  # hours are asked once an hour; a new process asks at once
    await here.reaches(order["id"], "Filled")


async def test_a_closed_market_refuses_where_the_settings_say_so(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/clock", _market_opens_in(minutes=60))
    here.configure(market_closed="reject")
    await here.executor.start()
    await here.log_in()
    _, order = await here.place_when_up("k1")
    rejected = await here.reaches(order["id"], "Rejected")
    assert rejected["reason"] == "MarketClosed"


async def test_a_waiting_order_is_cancelled_at_once_and_a_working_one_by_the_broker(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    _, waiting = await here.place("k1")
    status, cancelled = await here.orders.ask("DELETE", f"/v1/orders/{waiting['id']}")
    assert (status, cancelled["state"]) == (200, "Cancelled")
    await here.log_in()
    await here.ready()
    _, working = await here.place("k2", orderType="LMT", limitPrice="100.00", timeInForce="GTC")
    await here.reaches(working["id"], "Working")
    status, asked = await here.orders.ask("DELETE", f"/v1/orders/{working['id']}")
    assert (status, asked["cancelWritten"]) == (202, True)
    ended = await here.reaches(working["id"], "Cancelled")
    assert ended["reason"] == "CancelledByClient"
    status, refused = await here.orders.ask("DELETE", f"/v1/orders/{waiting['id']}")
    assert (status, refused["state"]) == (200, "Cancelled")
    assert len(await here.placed_frames()) == 1


async def test_an_order_that_lives_past_its_validity_expires_behind_a_closed_gate(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    here.sentinel.tell(LoginState.SESSION_CONFLICT)
    await here.not_ready()
    soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
    _, order = await here.place("k1", validUntil=soon)
    expired = await here.reaches(order["id"], "Expired")
    assert expired["reason"] == "ValidityEnded"


async def test_a_read_only_gateway_keeps_the_gate_closed_and_says_why(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"read_only": True})
    await here.executor.start()
    await here.log_in()
    await here.up()
    await here.not_ready("Read-Only")
    await here.ibkr.send("PATCH", "/v1/faults", {"read_only": False})
    await here.ready()


async def test_a_clock_that_differs_from_ibkrs_closes_the_gate(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/clock", {"offset_seconds": 60})
    await here.executor.start()
    await here.log_in()
    await here.not_ready("ClockSkew: ")
    await here.ibkr.send("PATCH", "/v1/clock", {"offset_seconds": 0})
    await here.ready()


async def test_ids_are_never_reused_when_the_gateway_rolls_them_back(here: ExecutorWorld) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    _, first = await here.place("k1")
    await here.reaches(first["id"], "Filled")
    back = {"account": "DU1234567", "client_id": 17, "value": 1}
    await here.ibkr.send("PATCH", "/v1/next-ids", back)
    await here.ibkr.send("POST", "/v1/connections/drop", {})
    await until("it has connected anew", lambda: here.introduced(2))
    _, second = await here.place("k2")
    await here.reaches(second["id"], "Filled")
    assert [frame[1] for frame in await here.placed_frames()] == ["1", "2"]


async def test_the_agent_reads_the_gate_and_no_token_ever_reaches_the_log(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.up()
    closed = await here.agent.get("/v1/gate")
    assert (closed["open"], closed["reason"]) == (False, "AwaitingApproval")
    await here.log_in()
    await here.ready()
    _, order = await here.place("k1")
    await here.reaches(order["id"], "Filled")
    assert await here.agent.get("/v1/gate") == {
        "open": True,
        "reason": "",
        "message": "",
        "unacknowledged": 0,
        "openOrders": 0,
        "inDoubt": 0,
        "rebalances": [],
        "backupProblem": "",
    }
    assert (await here.agent.ask("GET", "/v1/orders"))[0] == 401
    assert (await here.orders.ask("GET", "/v1/gate"))[0] == 401
    assert "canary" in CLIENT_TOKEN
    assert "canary" in AGENT_TOKEN
    assert "canary" not in here.executor.log.read_text()


@pytest.mark.parametrize(
    ("narrower", "seen", "sent"),
    [
        ({"max_orders_per_day": 1}, ("Waiting", "DailyOrderLimit"), 1),
        ({"max_order_value": "1000"}, ("Rejected", "OrderValueLimit"), 0),
        ({"accounts": ("DU7654321",)}, ("Waiting", "UnexpectedAccount"), 0),
        ({"holds": (HoldReport(reason=GateReason.READ_ONLY_API),)}, ("Waiting", "ReadOnlyApi"), 0),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
async def test_a_setting_that_narrows_holds_what_was_accepted_before(
    here: ExecutorWorld, narrower: dict[str, Any], seen: tuple[str, str], sent: int
) -> None:
    await here.executor.start()
    await here.up()
    orders = [
        (
            await here.place(
                f"k{n}", contract={"symbol": symbol}, orderType="LMT", limitPrice="200.00"
            )
        )[1]
        for n, symbol in enumerate(("AAPL", "MSFT", "IBM"))
    ]
    here.configure(**narrower)
    await here.log_in()
    last = orders[-1]["id"]

    async def held() -> bool:
        order = await here.orders.get(f"/v1/orders/{last}")
        return (order["state"], order["reason"]) == seen

    await until(f"the last order is {seen}", held)
    if sent:
        await here.reaches(orders[0]["id"], "Filled")
    assert len(await here.placed_frames()) == sent


def _market_opens_in(minutes: int) -> dict[str, object]:
    start = datetime.now(UTC) + timedelta(minutes=minutes)
    end = start + timedelta(hours=6)
    return {"hours": "custom", "sessions": [[start.isoformat(), end.isoformat()]]}


async def test_a_pause_sends_nothing_and_cancels_go_on_also_after_a_restart(
    here: ExecutorWorld,
) -> None:
    await here.executor.start()
    await here.log_in()
    await here.ready()
    _, working = await here.place("k1", orderType="LMT", limitPrice="1.25")
    await here.reaches(working["id"], "Working")
    paused = await here.orders.send("POST", "/v1/pause", {"by": "R.", "reason": "earnings"})
    await here.not_ready("Paused: R. has paused trading since")
    _, waiting = await here.place("k2")
    await here.waits_for(waiting["id"], "Paused")
    await here.executor.kill()
    await here.executor.start()
    await here.up()
    assert await here.orders.get("/v1/pause") == paused | {"unacknowledged": 0}

    async def closed_by_the_pause_alone() -> bool:
        return bool((await here.agent.get("/v1/gate"))["reason"] == "Paused")

    await until("the pause is what holds trading", closed_by_the_pause_alone)
    await here.orders.ask("DELETE", f"/v1/orders/{working['id']}")
    await here.reaches(working["id"], "Cancelled")
    await here.waits_for(waiting["id"], "Paused")
    assert len(await here.placed_frames()) == 1
    await here.orders.send("POST", "/v1/resume", {"by": "R."})
    await here.reaches(waiting["id"], "Filled")
    await here.ready()
    assert len(await here.placed_frames()) == 2
