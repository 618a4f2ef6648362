"""Rebalances by the executor process against the simulator: what IBKR has in the end."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from executor_world import CLIENT_TOKEN, ExecutorWorld, open_world, until
from ibgateway.client import AsyncExecutorClient
from ibgateway_api.executor_documents import RebalanceChange
from ibgateway_executor.broker import ib
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderTerms,
    OrderType,
    Side,
    TimeInForce,
)

ACCOUNT = "DU1234567"
PRICES = {"AAPL": 190, "MSFT": 420, "IBM": 225, "NVDA": 130, "SPY": 580, "BND": 73, "GLD": 245}


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[ExecutorWorld]:
    async with open_world(tmp_path) as made:
        yield made


def targets(**weights: str) -> list[dict[str, Any]]:
    return [{"contract": {"symbol": name}, "weight": weight} for name, weight in weights.items()]


async def rebalance(here: ExecutorWorld, key: str, **body: Any) -> tuple[int, Any]:
    return await here.orders.ask("POST", "/v1/rebalances", body, headers={"Idempotency-Key": key})


async def ended(here: ExecutorWorld, run: Any, *states: str) -> Any:
    """The rebalance once it is in one of the states."""

    wanted = states or ("Completed", "Stopped")
    found: Any = None

    async def look() -> Any:
        nonlocal found
        found = await here.orders.get(f"/v1/rebalances/{run['id']}")
        return found if found["state"] in wanted else None

    try:
        return await until(f"rebalance {run['id']} in {wanted}", look)
    except AssertionError as error:
        raise AssertionError(f"{error}: {found}") from error


async def held(here: ExecutorWorld) -> dict[str, int]:
    """What IBKR has in the account."""
    (account,) = await here.ibkr.get("/v1/accounts")
    return {symbol: int(p["quantity"]) for symbol, p in account["positions"].items()}


async def give(here: ExecutorWorld, cash: str, **quantities: int) -> None:
    positions = {
        symbol: {"quantity": quantity, "average_cost": PRICES[symbol]}
        for symbol, quantity in quantities.items()
    }
    body = {"cash": {"USD": cash}, "positions": positions}
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", body)


async def test_a_dry_run_says_what_would_be_done_and_does_nothing(here: ExecutorWorld) -> None:
    await give(here, "100000", MSFT=100)
    body = {"targets": targets(AAPL="0.6", BND="0.3"), "cashReservePercent": "10"}
    plan = await here.orders.send("POST", "/v1/rebalances?dryRun=true", body)
    assert [
        (o["side"], o["symbol"], o["quantity"], o["decisionPrice"]) for o in plan["orders"]
    ] == [
        ("SELL", "MSFT", 100, "420"),
        ("BUY", "AAPL", 404, "190"),
        ("BUY", "BND", 525, "73"),
    ]
    assert (plan["accountValue"], plan["cashReserve"]) == ("142000.0000", "14200.0000")
    assert {w["symbol"]: w["after"] for w in plan["weights"]} == {
        "MSFT": "0.000000",
        "AAPL": "0.540563",
        "BND": "0.269894",
    }
    assert plan["marketsOpen"] is True
    assert await here.placed_frames() == []
    assert (await here.orders.get("/v1/rebalances"))["rebalances"] == []


async def test_an_account_gets_its_weights_and_a_second_rebalance_does_nothing(
    here: ExecutorWorld,
) -> None:
    await give(here, "300000", MSFT=100)
    body = {"targets": targets(AAPL="0.5", BND="0.2"), "cashReservePercent": "10"}
    status, run = await rebalance(here, "k1", **body, unsettled="skip")
    assert (status, run["state"]) == (202, "Accepted")
    done = await ended(here, run)
    assert (done["state"], done["reason"], done["message"]) == ("Completed", "", "")
    assert await held(here) == {"AAPL": 810, "BND": 843}
    report = done["report"]
    assert [(o["side"], o["symbol"], o["state"]) for o in report["orders"]] == [
        ("SELL", "MSFT", "Filled"),
        ("BUY", "AAPL", "Filled"),
        ("BUY", "BND", "Filled"),
    ]
    assert [o["slippage"] for o in report["orders"]] == ["1.0000", "8.1000", "8.4300"]
    assert Decimal(report["commission"]) > 0
    assert Decimal(report["driftAfter"]) < Decimal("0.002") < Decimal(report["driftBefore"])
    frames = [frame[16:18] for frame in await here.placed_frames()]
    assert frames == [["SELL", "100"], ["BUY", "810"], ["BUY", "843"]]
    assert (await rebalance(here, "k1", **body, unsettled="skip"))[0] == 200
    _, again = await rebalance(here, "k2", **body)
    done = await ended(here, again)
    assert (done["state"], done["reason"]) == ("Completed", "NothingToDo")
    assert len(await here.placed_frames()) == 3


async def test_the_account_has_one_rebalance_at_a_time(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    _, first = await rebalance(here, "k1", targets=targets(AAPL="0.5"))
    await ended(here, first, "Buying")
    status, second = await rebalance(here, "k2", targets=targets(MSFT="0.5"))
    assert (status, second["code"], second["rebalance"]) == (409, "RebalanceActive", first["id"])
    await here.ibkr.send("POST", "/v1/fills/release")
    await ended(here, first)
    status, third = await rebalance(here, "k2", targets=targets(MSFT="0.5"))
    assert (status, third["id"] != first["id"]) == (202, True)


async def test_one_closed_market_holds_everything_until_it_opens(here: ExecutorWorld) -> None:
    await here.ibkr.send("PATCH", "/v1/clock", {"hours": "closed"})
    _, run = await rebalance(here, "k1", targets=targets(AAPL="0.5"))
    waiting = await ended(here, run, "Waiting")
    assert waiting["reason"] == "MarketClosed"
    assert await here.placed_frames() == []
    for _ in range(2):
        status, cancelled = await here.orders.ask("DELETE", f"/v1/rebalances/{run['id']}")
        assert (status, cancelled["state"]) == (200, "Cancelled")


async def test_the_accounts_own_orders_are_cancelled_first(here: ExecutorWorld) -> None:
    _, order = await here.place("o1", orderType="LMT", limitPrice="100")
    await here.reaches(order["id"], "Working")
    _, run = await rebalance(here, "k1", targets=targets(BND="0.1"))
    await ended(here, run, "Completed")
    assert (await here.orders.get(f"/v1/orders/{order['id']}"))["state"] == "Cancelled"
    assert list(await held(here)) == ["BND"]


async def test_a_stop_that_somebody_else_has_working_stops_it_before_it_trades(
    here: ExecutorWorld,
) -> None:
    """It would sell once more what the rebalance has sold, and short."""
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", {"type": "margin"})
    await give(here, "0", MSFT=100)
    theirs = await ib.connect(
        ib.GatewayAddress("127.0.0.1", here.gateway.port, 5),
        lambda _: None,
        MessagePacer(time.monotonic),
    )
    (found,) = await theirs.candidates(Contract(symbol="MSFT"))
    terms = OrderTerms(
        *(ACCOUNT, found.contract, Side.SELL, 100, OrderType.STOP),
        stop_price=Decimal(300),
        time_in_force=TimeInForce.GTC,
    )
    now = datetime.now(UTC)
    stop = Order("theirs", 1, terms, now, now, order_id=theirs.next_valid_id, client_id=5)
    theirs.place(stop)
    await until("IBKR has the stop", theirs.open_order_reports)
    _, run = await rebalance(here, "k1", targets=targets(BND="1"))
    stopped = await ended(here, run)
    assert (stopped["state"], stopped["reason"]) == ("Stopped", "OtherOrders")
    assert "SELL 100 MSFT STP" in stopped["message"]
    assert len(await here.placed_frames()) == 1
    theirs.cancel(stop.order_id)

    async def gone() -> bool:
        return not await theirs.open_order_reports()

    await until("the stop is gone", gone)
    _, again = await rebalance(here, "k2", targets=targets(BND="1"))
    assert (await ended(here, again))["state"] == "Completed"
    assert list(await held(here)) == ["BND"]
    theirs.close()


async def test_a_rejected_sell_costs_its_share_of_the_buys_and_is_in_the_report(
    here: ExecutorWorld,
) -> None:
    await give(here, "0", MSFT=100, IBM=100)
    await here.ibkr.send("PATCH", "/v1/faults", {"reject_next": "no permission"})
    _, run = await rebalance(here, "k1", targets=targets(BND="1"), unsettled="skip")
    done = await ended(here, run)
    assert (done["state"], done["reason"]) == ("Completed", "NotAllFilled")
    sells = {o["symbol"]: o["state"] for o in done["report"]["orders"] if o["side"] == "SELL"}
    assert sorted(sells.values()) == ["Filled", "Rejected"]
    (account,) = await here.ibkr.get("/v1/accounts")
    assert Decimal(account["cash"]["USD"]) >= 0


async def test_a_cash_account_waits_for_what_it_sold(here: ExecutorWorld) -> None:
    await give(here, "0", MSFT=100)
    _, run = await rebalance(here, "k1", targets=targets(BND="1"))
    waiting = await ended(here, run, "AwaitingSettlement")
    assert waiting["reason"] == "AwaitingSettlement"
    assert await held(here) == {}
    status, cancelled = await here.orders.ask("DELETE", f"/v1/rebalances/{run['id']}")
    assert (status, cancelled["cancelRequested"]) == (202, True)
    done = await ended(here, run, "Cancelled")
    assert [o["symbol"] for o in done["report"]["orders"]] == ["MSFT"]


async def test_a_rebalance_goes_on_after_a_kill_and_places_nothing_twice(
    here: ExecutorWorld,
) -> None:
    await give(here, "500000", MSFT=100, IBM=50)
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    _, run = await rebalance(
        here, "k1", targets=targets(AAPL="0.2", BND="0.2", SPY="0.2"), unsettled="skip"
    )
    await ended(here, run, "Selling")

    async def sent() -> bool:
        return len(await here.placed_frames()) == 2

    await until("both sells are sent", sent)
    await here.executor.kill()
    await here.executor.start()
    await here.ready()
    await here.ibkr.send("POST", "/v1/fills/release")
    done = await ended(here, run)
    assert done["state"] == "Completed"
    quantities = [(f[16], f[17]) for f in await here.placed_frames()]
    assert len(quantities) == 5
    assert set(await held(here)) == {"AAPL", "BND", "SPY"}
    assert Decimal(done["report"]["driftAfter"]) < Decimal("0.005")


async def test_what_a_rebalance_does_is_heard_once_over_a_kill(here: ExecutorWorld) -> None:
    await give(here, "100000", MSFT=100)
    await here.ibkr.send("PATCH", "/v1/faults", {"hold_fills": True})
    body = {"targets": targets(AAPL="0.5"), "unsettled": "skip"}
    changes: list[RebalanceChange] = []
    client = AsyncExecutorClient(here.orders.url, token=CLIENT_TOKEN)
    async with client, asyncio.timeout(120), aclosing(client.events(after=0)) as events:
        run = await client.rebalance(body, key="k1")
        async for event in events:
            if not isinstance(event.data, RebalanceChange):
                continue
            changes.append(event.data)
            if event.data.after == "Selling" != event.data.before:
                # Before its bytes have left nobody would know what became of it, and a person would be asked.
                await until("the sell is sent", lambda: sold(here))
                await here.executor.kill()
                await here.executor.start()
                await here.ready()
                await here.ibkr.send("POST", "/v1/fills/release")
            if event.data.after in {"Completed", "Stopped"}:
                break
        assert {change.rebalance for change in changes} == {run.id}
        history = [entry async for entry in client.rebalance_history(run.id)]
    assert [change.number for change in changes] == [entry.number for entry in history]
    assert [entry.number for entry in history] == list(range(1, len(history) + 1))
    states = [entry.after for entry in history if entry.after != entry.before]
    assert states == ["Accepted", "Clearing", "Selling", "Buying", "Completed"]
    assert (history[0].cause, history[-1].cause) == ("client", "executor")
    assert set(history[-1].evidence) == {"driftAfter"}


async def sold(here: ExecutorWorld) -> bool:
    return len(await here.placed_frames()) == 1


async def test_an_order_of_unknown_fate_stops_everything_behind_it(here: ExecutorWorld) -> None:
    await give(here, "0", MSFT=100)
    await here.ibkr.send("PATCH", "/v1/faults", {"lose_next": "silently"})
    _, run = await rebalance(here, "k1", targets=targets(BND="1"), unsettled="skip")

    async def doubtful() -> Any:
        found = await here.orders.get(f"/v1/rebalances/{run['id']}")
        return found if found["reason"] == "UnknownOrder" else None

    doubted = await until("the order is doubted", doubtful)
    assert doubted["state"] == "Selling"
    (order,) = (await here.orders.get("/v1/orders"))["orders"]
    assert order["state"] == "Unknown"
    body = {"outcome": "notAtBroker", "note": "not in TWS"}
    await until("it is parked", lambda: parked(here, order["id"]))
    await here.orders.send("POST", f"/v1/orders/{order['id']}/resolve", body)
    done = await ended(here, run)
    assert (done["state"], done["reason"]) == ("Completed", "NotAllFilled")
    assert await held(here) == {"MSFT": 100}


async def parked(here: ExecutorWorld, order_id: str) -> bool:
    found = await here.orders.get(f"/v1/orders/{order_id}")
    return bool(found["reason"] == "NotFoundAtBroker")


async def test_what_can_not_be_done_is_refused_with_what_to_do(here: ExecutorWorld) -> None:
    for body, code, words in (
        ({"targets": targets(NOPE="0.1")}, "UnknownContract", "NOPE: the broker knows no such"),
        (
            {"targets": targets(AAPL="0.1"), "prices": "given"},
            "NoPrice",
            "there is no price of AAPL",
        ),
        ({"targets": [*targets(AAPL="0.1"), *targets(AAPL="0.2")]}, "InvalidRequest", "twice"),
    ):
        status, problem = await here.orders.ask("POST", "/v1/rebalances?dryRun=true", body)
        assert (status, problem["code"]) == (422, code)
        assert words in problem["detail"]
    _, run = await rebalance(here, "k1", targets=targets(NOPE="0.1"))
    stopped = await ended(here, run)
    assert (stopped["state"], stopped["reason"]) == ("Stopped", "Refused")
    assert "NOPE" in stopped["message"]


async def test_a_pause_holds_a_rebalance_before_its_buys(here: ExecutorWorld) -> None:
    await here.orders.send("POST", "/v1/pause", {"by": "R.", "reason": "earnings"})
    _, run = await rebalance(here, "k1", targets=targets(BND="0.1"))
    waiting = await ended(here, run, "Waiting")
    assert waiting["reason"] == "Paused"
    await here.orders.send("POST", "/v1/resume", {"by": "R."})
    assert (await ended(here, run))["state"] == "Completed"


TWENTY = (
    *("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "GOOGL", "META", "JPM", "JNJ", "KO"),
    *("PG", "XOM", "WMT", "CAT", "SPY", "QQQ", "VOO", "BND", "GLD"),
)


async def test_twenty_positions_over_a_gateway_restart_and_a_kill(here: ExecutorWorld) -> None:
    """Half of them are held too much of and pay for the others; the gateway goes during the sells, the executor during the buys.

    Both go once IBKR has all of these orders: one that is on its way just then is a person's to look for (test_rebalance_crashes).
    """
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", {"type": "margin"})
    await give(here, "20000")
    rich = {name: {"quantity": 1000, "average_cost": 1} for name in TWENTY[:10]}
    await here.ibkr.send("PATCH", f"/v1/accounts/{ACCOUNT}", {"positions": rich})
    await here.ibkr.send("PATCH", "/v1/faults", {"fill_delay": 5})
    weights = dict.fromkeys(TWENTY, "0.049")
    _, run = await rebalance(here, "k1", targets=targets(**weights), cashReservePercent="1")
    sells = sides(await ended(here, run, "Selling"), "SELL")
    await until("IBKR has the sells", lambda: known(here, sells))
    await here.gateway.logout()
    await here.gateway.login()
    buys = sides(await ended(here, run, "Buying"), "BUY")
    await until("IBKR has the buys", lambda: known(here, sells + buys))
    await here.executor.kill()
    await here.executor.start()
    await here.up()
    done = await ended(here, run)
    assert (done["state"], done["reason"]) == ("Completed", "")
    report = done["report"]
    assert {w["symbol"] for w in report["weights"]} == set(TWENTY)
    for weight in report["weights"]:
        off = abs(Decimal(weight["after"]) - Decimal(weight["target"]))
        assert off < Decimal("0.0006"), weight
    assert Decimal(report["driftAfter"]) < Decimal("0.002")
    (account,) = await here.ibkr.get("/v1/accounts")
    assert Decimal(account["cash"]["USD"]) > 0
    verdict = await here.verdict()
    assert verdict.violations == []
    assert verdict.booked == len(report["orders"])


def sides(run: Any, side: str) -> int:
    """How many orders of a side the plan has."""
    return sum(order["side"] == side for order in run["plan"]["orders"])


async def known(here: ExecutorWorld, count: int) -> bool:
    """Whether so many orders are acknowledged."""
    orders = await here.all_orders()
    return sum(order["state"] in ("Working", "Filled") for order in orders) >= count
