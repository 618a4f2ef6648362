"""Rebalances on a real ledger and dispatcher, at a broker in memory."""

import asyncio
import contextlib
import json
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from executor_fakes import AAPL, NOON, TERMS, IntakeWorld, RebalanceWorld, open_hooked
from executor_fakes.rebalance import CONTRACTS
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.errors import (
    AccountUnavailableError,
    LedgerUnavailableError,
    NoAnswerError,
    OrderRefusedError,
)
from ibgateway_executor.intake.rebalance_schema import RebalanceBody, rebalance_document
from ibgateway_executor.ledger.store import Entry
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, OrderState
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    MarketQuote,
    PositionReport,
    SettlementKind,
)
from ibgateway_executor.rebalance.progress import RebalanceRun
from ibgateway_executor.rebalance_runs import funding, preview, steps

DU = "DU1234567"
AT_TWO = "20261123:1400-20261123:1600"


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[RebalanceWorld]:
    world = RebalanceWorld(open_hooked(tmp_path / "ledger.db"), DU1234567=1000, DU7654321=2000)
    yield world
    world.ledger.close()


def sent(here: RebalanceWorld) -> list[tuple[str, str, int]]:
    return [
        (o.terms.contract.symbol, o.terms.side.value, o.terms.quantity) for o in here.broker.placed
    ]


def body(**weights: str) -> RebalanceBody:
    targets = [{"contract": {"symbol": name}, "weight": weight} for name, weight in weights.items()]
    return RebalanceBody.model_validate({"account": DU, "targets": targets})


async def test_sells_come_first_and_pay_for_the_buys(here: RebalanceWorld) -> None:
    here.shares[DU, "CCC"] = 40
    here.show()
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    done = await here.go("r1")
    assert (done.state, done.reason) == ("Completed", "")
    assert sent(here) == [("CCC", "SELL", 40), ("AAA", "BUY", 150), ("BBB", "BUY", 75)]
    report = done.report
    assert report is not None
    assert (report.drift_after, report.commission, report.slippage) == (
        Decimal(0),
        Decimal(3),
        Decimal(0),
    )
    ends = {order.valid_until for order in here.broker.placed}
    assert ends == {datetime(2026, 11, 23, 21, 0, tzinfo=UTC)}


async def test_accounts_go_beside_each_other(here: RebalanceWorld) -> None:
    here.held_back = {"AAA"}
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    await here.ask("r2", "DU7654321", weights={"BBB": "0.5"})
    assert (await here.go("r2")).state == "Completed"
    assert (await here.run("r1")).state == "Buying"
    with pytest.raises(OrderRefusedError, match="has the rebalance r1, which is Buying") as refused:
        await here.ask("r3", DU, weights={"BBB": "0.1"})
    told = refused.value
    assert (told.status, told.code, told.rebalance) == (409, "RebalanceActive", "r1")
    assert await here.ledger.rebalances.find("r3") is None


async def test_all_wait_for_the_latest_opening_to_the_second(here: RebalanceWorld) -> None:
    here.broker.hours_of["BBB"] = AT_TWO
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    waiting = await here.go("r1", steps=5)
    opens = datetime(2026, 11, 23, 19, 0, tzinfo=UTC)
    assert (waiting.state, waiting.reason, waiting.until) == ("Waiting", "MarketClosed", opens)
    here.time.set(opens - timedelta(seconds=1))
    await here.step()
    assert sent(here) == []
    here.time.set(opens)
    assert (await here.go("r1")).state == "Completed"


async def test_unknown_hours_send_nothing(here: RebalanceWorld) -> None:
    here.broker.hours_of["BBB"] = "nonsense"
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    waiting = await here.go("r1", steps=5)
    assert (waiting.state, waiting.reason) == ("Waiting", "HoursUnknown")
    assert sent(here) == []


async def test_a_market_that_closes_during_the_day_of_one_that_has_no_target_holds_it_too(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 10
    here.show()
    here.broker.hours_of["CCC"] = AT_TWO
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    assert (await here.go("r1", steps=5)).reason == "MarketClosed"


TEN_MINUTES_BEFORE_CLOSE = datetime(2026, 11, 23, 20, 50, tzinfo=UTC)
NEXT_OPENING = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)


@pytest.mark.parametrize("left", [timedelta(seconds=1), timedelta(minutes=9)])
async def test_it_begins_with_time_for_both_its_sides_before_the_close_or_the_next_day(
    here: RebalanceWorld, left: timedelta
) -> None:
    """Else what was sold would stay cash over the night."""
    here.shares[DU, "CCC"] = 40
    here.show()
    here.time.set(TEN_MINUTES_BEFORE_CLOSE + left)
    await here.ask("r1", DU, weights={"AAA": "0.5"}, phaseSeconds=300)
    waiting = await here.go("r1", steps=5)
    assert (waiting.state, waiting.reason) == ("Waiting", "MarketClosed")
    assert (waiting.until, sent(here)) == (NEXT_OPENING, [])
    assert "AAA (at 2026-11-23T21:00:00+00:00)" in waiting.message
    assert "600 s" in waiting.message
    here.time.set(NEXT_OPENING)
    assert (await here.go("r1")).state == "Completed"


async def test_it_begins_where_there_is_just_the_time_for_both_its_sides(
    here: RebalanceWorld,
) -> None:
    here.time.set(TEN_MINUTES_BEFORE_CLOSE - timedelta(seconds=30))
    await here.ask("r1", DU, weights={"AAA": "0.5"}, phaseSeconds=300)
    assert (await here.go("r1")).state == "Completed"


async def test_a_plan_that_is_made_too_late_for_both_its_sides_is_not_frozen(
    here: RebalanceWorld,
) -> None:
    """The market had time enough when it was looked at; the account's own orders took theirs."""
    await here.ask("r1", DU, weights={"AAA": "0.5"}, phaseSeconds=300)
    while (await here.run("r1")).state != "Clearing":
        await here.step()
    here.time.set(TEN_MINUTES_BEFORE_CLOSE + timedelta(seconds=1))
    waiting = await here.go("r1", steps=5)
    assert (waiting.state, waiting.until, sent(here)) == ("Waiting", NEXT_OPENING, [])


async def test_a_dry_run_says_that_a_market_closes_too_soon(here: RebalanceWorld) -> None:
    here.time.set(TEN_MINUTES_BEFORE_CLOSE + timedelta(seconds=1))
    told = await here.intake.preview(body(AAA="0.5"))
    assert (told["marketsOpen"], told["marketsOpenAt"]) == (False, NEXT_OPENING.isoformat())
    assert told["closing"] == ["AAA (at 2026-11-23T21:00:00+00:00)"]


async def test_buys_that_waited_for_settlement_do_not_begin_right_before_the_close(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.settlement = SettlementKind.CASH
    here.show()
    here.settled[DU] = here.cash[DU]
    await here.ask("r1", DU, weights={"AAA": "1"}, phaseSeconds=300)
    assert (await here.go("r1")).state == "AwaitingSettlement"
    here.settled.clear()
    here.show()
    here.time.set(TEN_MINUTES_BEFORE_CLOSE + timedelta(minutes=5, seconds=1))
    waiting = await here.go("r1", steps=5)
    assert (waiting.state, waiting.reason, len(sent(here))) == (
        "AwaitingSettlement",
        "MarketClosed",
        1,
    )
    here.time.set(NEXT_OPENING)
    assert (await here.go("r1")).state == "Completed"


async def test_the_arithmetic_holds_up_no_event_loop(
    here: RebalanceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five hundred lines take a second: orders, probes and the gateway's heartbeat wait for nobody's arithmetic."""
    threads: set[int] = set()

    def watched(call: Callable[..., Any]) -> Callable[..., Any]:
        def told(*args: Any, **kwargs: Any) -> Any:
            threads.add(threading.get_ident())
            return call(*args, **kwargs)

        return told

    for module, name in ((steps, "plan"), (preview, "plan"), (funding, "funded")):
        monkeypatch.setattr(module, name, watched(getattr(module, name)))
    await here.intake.preview(body(AAA="0.5"))
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    assert (await here.go("r1")).state == "Completed"
    assert threads
    assert threading.get_ident() not in threads


async def test_a_contract_is_asked_about_once_for_the_rebalance_and_its_orders(
    here: RebalanceWorld,
) -> None:
    """A question is a message of fifteen in a second: asked anew at each step, a hundred lines would take half a minute longer."""
    here.shares[DU, "CCC"] = 40
    here.show()
    await here.intake.preview(body(AAA="0.5", BBB="0.5"))
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    assert (await here.go("r1")).state == "Completed"
    assert sorted(here.broker.questions) == ["AAA", "BBB", "conId 3"]


async def test_its_orders_are_looked_for_with_one_question(
    here: RebalanceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four times in a second, and over the network where the ledger is in PostgreSQL: never one by one."""
    found: list[int] = []
    ask = here.store.find_all

    def asked(names: Sequence[str]) -> list[Order]:
        found.append(len(names))
        return ask(names)

    monkeypatch.setattr(here.store, "find_all", asked)
    monkeypatch.setattr(here.ledger, "find", None)
    here.held_back = {"BBB"}
    await here.ask("r1", DU, weights={"AAA": "0.3", "BBB": "0.3", "CCC": "0.3"})
    while len(sent(here)) < 3:
        await here.step()
        here.time.advance(1)
    found.clear()
    await here.step()
    assert (found, (await here.run("r1")).state) == ([2], "Buying")


async def test_what_does_not_fill_in_time_is_cancelled_and_nothing_more_is_sent_for_it(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 40
    here.cash[DU] = here.cash[DU] * 0
    here.show()
    here.held_back = {"CCC"}
    await here.ask("r1", DU, weights={"AAA": "1"}, phaseSeconds=20)
    await here.go("r1", steps=15)
    assert (await here.run("r1")).state == "Selling"
    await here.go("r1", steps=10)
    (order,) = here.broker.placed
    assert here.broker.cancelled[:1] == [order.order_id]
    ended = OrderStatusReport(
        order.order_id, 17, 900 + order.order_id, "Cancelled", order_ref=order.order_ref
    )
    await here.ledger.observe(ended)
    done = await here.go("r1")
    assert (done.state, done.reason) == ("Completed", "NotAllFilled")
    assert done.message == "filled: SELL CCC 0 of 40"
    assert len(sent(here)) == 1


async def test_a_missing_price_stops_it_with_the_symbols(here: RebalanceWorld) -> None:
    here.broker.quotes["BBB"] = MarketQuote()
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason) == ("Stopped", "Refused")
    assert "there is no price of BBB" in stopped.message
    assert sent(here) == []


async def test_the_close_of_the_day_before_is_no_price(here: RebalanceWorld) -> None:
    here.broker.quotes["AAA"] = MarketQuote(close=Decimal(10))
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    assert (await here.go("r1")).reason == "Refused"
    here.broker.quotes["AAA"] = MarketQuote(ask=Decimal(10), close=Decimal(9))
    await here.ask("r2", DU, weights={"AAA": "0.5"})
    assert (await here.go("r2")).state == "Completed"


async def test_a_ledger_that_can_not_be_read_for_a_while_ends_nothing(
    here: RebalanceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    asked: list[int] = []

    def away() -> list[RebalanceRun]:
        asked.append(1)
        raise LedgerUnavailableError("the volume is gone")

    monkeypatch.setattr(here.store, "active_rebalances", away)
    running = asyncio.create_task(here.runner.run())
    async with asyncio.timeout(60):
        while len(asked) < 2:
            await asyncio.sleep(0)
            here.ledger.rebalances.changed.set()
    assert not running.done()
    monkeypatch.undo()
    async with asyncio.timeout(60):
        while (await here.run("r1")).state == "Accepted":
            await asyncio.sleep(0)
            here.ledger.rebalances.changed.set()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_a_late_price_will_do_by_request_alone(here: RebalanceWorld) -> None:
    here.broker.quotes["BBB"] = MarketQuote(last=here.broker.quotes["BBB"].last, delayed=True)
    await here.ask("r1", DU, weights={"BBB": "0.5"})
    assert (await here.go("r1")).reason == "Refused"
    await here.ask("r2", DU, weights={"BBB": "0.5"}, prices="delayed")
    assert (await here.go("r2")).state == "Completed"


async def test_prices_that_were_given_are_the_ones_it_decides_by(here: RebalanceWorld) -> None:
    given = [{"contract": {"symbol": "AAA"}, "price": "20"}]
    await here.ask("r1", DU, weights={"AAA": "1"}, prices="given", givenPrices=given)
    await here.go("r1")
    assert sent(here) == [("AAA", "BUY", 50)]


async def test_a_broker_that_does_not_answer_is_asked_again(here: RebalanceWorld) -> None:
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    here.broker.error = NoAnswerError("silence")
    assert (await here.go("r1", steps=3)).reason == "BrokerSilent"
    here.broker.error = None
    assert (await here.go("r1")).state == "Completed"


async def test_a_closed_gate_holds_it_before_its_buys(here: RebalanceWorld) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    here.gate = Closed(GateReason.PAUSED, "by R.")
    held = await here.go("r1", steps=20)
    assert (held.state, held.reason) == ("Buying", "Paused")
    assert len(sent(here)) == 1
    here.gate = Open()
    assert (await here.go("r1")).state == "Completed"


async def test_the_time_for_its_orders_does_not_run_while_the_gate_is_closed(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    here.held_back = {"CCC"}
    await here.ask("r1", DU, weights={"AAA": "1"}, phaseSeconds=20)
    while not sent(here):
        await here.step()
    here.gate = Closed(GateReason.NOT_RECONCILED, "the gateway restarts")
    await here.go("r1", steps=60)
    here.gate = Open()
    await here.go("r1", steps=15)
    assert here.broker.cancelled == []
    await here.go("r1", steps=10)
    assert here.broker.cancelled != []


async def test_a_cancel_that_comes_while_the_broker_is_asked_is_not_passed_over(
    here: RebalanceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    ask = here.broker.account

    async def cancelled_meanwhile(account: str) -> AccountReport:
        await here.intake.cancel("r1")
        return await ask(account)

    monkeypatch.setattr(here.broker, "account", cancelled_meanwhile)
    done = await here.go("r1")
    assert (done.state, done.buys) == ("Cancelled", None)
    assert sent(here) == [("CCC", "SELL", 20)]


async def test_a_session_that_ends_before_the_sells_are_done_buys_nothing(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    here.gate = Open()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while (await here.run("r1")).state != "Selling":
        await here.runner.look()
        await here.runner.settle()
    here.gate = Closed(GateReason.PAUSED, "by R.")
    here.time.set(datetime(2026, 11, 23, 21, 0, tzinfo=UTC))
    here.gate = Open()
    done = await here.go("r1")
    assert (done.state, done.reason) == ("Stopped", "SessionEnded")
    assert sent(here) == []


async def test_a_cash_account_buys_when_its_sells_are_settled(here: RebalanceWorld) -> None:
    here.shares[DU, "CCC"] = 20
    here.settlement = SettlementKind.CASH
    here.show()
    here.settled[DU] = here.cash[DU]
    await here.ask("r1", DU, weights={"AAA": "1"})
    waiting = await here.go("r1")
    assert (waiting.state, sent(here)) == ("AwaitingSettlement", [("CCC", "SELL", 20)])
    here.settled.clear()
    here.show()
    here.time.set(NOON + timedelta(hours=22, minutes=30))
    assert (await here.go("r1")).state == "Completed"
    assert sent(here)[1:] == [("AAA", "BUY", 200)]


async def test_memory_that_is_lost_at_every_step_places_nothing_twice(here: RebalanceWorld) -> None:
    here.shares[DU, "CCC"] = 40
    here.show()
    await here.ask("r1", DU, weights={"AAA": "0.5", "BBB": "0.5"})
    for _ in range(40):
        here.restart()
        await here.step()
        here.time.advance(1)
    assert (await here.run("r1")).state == "Completed"
    assert sent(here) == [("CCC", "SELL", 40), ("AAA", "BUY", 150), ("BBB", "BUY", 75)]


async def test_a_key_of_another_request_and_a_foreign_account_are_refused(
    here: RebalanceWorld,
) -> None:
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    with pytest.raises(OrderRefusedError, match="belongs to another rebalance"):
        await here.ask("r1", DU, weights={"AAA": "0.6"})
    with pytest.raises(OrderRefusedError, match="may not be traded here"):
        await here.ask("r2", "DU999", weights={"AAA": "0.6"})
    with pytest.raises(OrderRefusedError, match="several accounts"):
        await here.ask("r3", weights={"AAA": "0.6"})


async def test_what_did_not_begin_in_time_expires(here: RebalanceWorld) -> None:
    here.gate = Closed(GateReason.PAUSED, "by R.")
    await here.ask("r1", DU, weights={"AAA": "0.5"}, validUntil="2026-11-23T13:00:00-05:00")
    await here.step()
    here.time.set(NOON + timedelta(hours=1))
    expired = await here.go("r1")
    assert (expired.state, expired.reason) == ("Expired", "ValidityEnded")
    assert expired.message.endswith("by R.")


async def test_orders_of_the_account_that_do_not_end_stop_it(here: RebalanceWorld) -> None:
    here.broker.known = (*here.broker.known, AAPL)
    here.held_back = {"AAPL"}
    await here.order("o1")
    await here.step()
    assert (await here.stored("o1")).state is OrderState.WORKING
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    stopped = await here.go("r1", steps=50)
    assert (stopped.state, (await here.stored("o1")).cancel_requested) == ("Clearing", True)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason) == ("Stopped", "OrdersNotCancelled")
    assert "o1 (Working)" in stopped.message
    assert sent(here) == [("AAPL", "BUY", 10)]


async def test_a_market_that_nothing_is_traded_at_holds_nothing(here: RebalanceWorld) -> None:
    """An option, and a stock in another currency: both are left alone, whatever their hours are."""
    option = Contract(8, "OOO", sec_type="OPT", primary_exchange="CBOE")
    abroad = Contract(9, "EEE", currency="EUR", primary_exchange="IBIS")
    here.broker.known = (*here.broker.known, option, abroad)
    here.broker.hours_of |= {"OOO": "nonsense", "EEE": AT_TWO}
    here.elsewhere = tuple(
        PositionReport(DU, contract, Decimal(3), Decimal(1)) for contract in (option, abroad)
    )
    here.show()
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    done = await here.go("r1")
    assert (done.state, sent(here)) == ("Completed", [("AAA", "BUY", 50)])


async def test_a_target_that_is_no_stock_is_refused(here: RebalanceWorld) -> None:
    """A future's price is that of a part of it: so many would be bought as of a stock, for fifty times the money."""
    future = Contract(8, "FFF", sec_type="FUT", primary_exchange="CME", multiplier="50")
    here.broker.known = (*here.broker.known, future)
    here.broker.quotes["FFF"] = MarketQuote(last=Decimal(10))
    await here.ask("r1", DU, weights={"FFF": "0.5"})
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, sent(here)) == ("Stopped", "Refused", [])
    assert "FFF (FUT)" in stopped.message


async def test_what_stands_beside_a_contract_number_must_be_so(here: RebalanceWorld) -> None:
    wrong = RebalanceBody.model_validate(
        {"account": DU, "targets": [{"contract": {"conId": 2, "symbol": "AAA"}, "weight": "0.5"}]}
    )
    await here.intake.accept("r1", wrong)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, sent(here)) == ("Stopped", "Refused", [])
    assert "conId 2 is BBB" in stopped.message


async def test_nothing_is_bought_at_a_price_that_is_not_known_any_more(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    here.broker.quotes["AAA"] = MarketQuote()
    held = await here.go("r1", steps=10)
    assert (held.state, len(sent(here))) == ("Selling", 1)
    assert "no price of AAA" in held.message
    here.broker.quotes["AAA"] = MarketQuote(last=Decimal(20))
    await here.go("r1")
    assert sent(here)[1:] == [("AAA", "BUY", 100)]


async def test_the_plan_is_made_when_the_account_shows_the_last_fill(here: RebalanceWorld) -> None:
    """The account's own order is filled while it is being cancelled; the broker tells the position a moment later."""
    here.held_back = {"AAA"}
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"]))
    await here.step()
    await here.ask("r1", DU, weights={"AAA": "0.1"})
    while (await here.run("r1")).state != "Clearing":
        await here.step()
    fill = FillReport(1, 17, 901, "ibg-o1", "e", Decimal(10), Decimal(10))
    await here.ledger.observe(fill)
    await here.runner.look()
    await here.runner.settle()
    here.shares[DU, "AAA"], here.cash[DU] = 10, Decimal(900)
    here.show()
    done = await here.go("r1")
    assert (done.state, done.reason, len(sent(here))) == ("Completed", "NothingToDo", 1)


async def test_a_request_that_comes_again_late_is_answered_with_its_rebalance(
    here: RebalanceWorld,
) -> None:
    fields = {"weights": {"AAA": "0.5"}, "validUntil": "2026-11-23T13:00:00-05:00"}
    await here.ask("r1", DU, **fields)
    assert (await here.go("r1")).state == "Completed"
    here.time.set(NOON + timedelta(days=1))
    assert (await here.ask("r1", DU, **fields)).state == "Completed"
    here.accounts = ("DU7654321",)
    assert (await here.ask("r1", DU, **fields)).state == "Completed"


async def test_cancel_all_ends_every_rebalance_too(here: RebalanceWorld) -> None:
    """Else what its sells have brought would be bought for afterwards."""
    here.shares[DU, "CCC"] = 40
    here.show()
    here.held_back = {"CCC"}
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    await here.ask("r2", "DU7654321", weights={"BBB": "0.5"})
    intake = IntakeWorld(here.store, here)
    answer = await intake.http.post("/v1/cancel-all", json={"by": "R."})
    assert (answer.status_code, (await here.run("r2")).state) == (200, "Cancelled")
    (order,) = here.broker.placed
    await here.ledger.observe(
        OrderStatusReport(
            order.order_id, 17, 900 + order.order_id, "Cancelled", order_ref=order.order_ref
        )
    )
    ended = await here.go("r1")
    assert (ended.state, ended.reason, len(sent(here))) == ("Cancelled", "CancelledByClient", 1)


async def test_what_is_cancelled_while_it_places_its_orders_has_none_stored_any_more(
    here: RebalanceWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else they could be sent before they are cancelled at the next look: `cancel-all` has not seen them."""
    here.shares |= {(DU, "BBB"): 20, (DU, "CCC"): 40}
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while (await here.run("r1")).state != "Selling":
        await here.step()
    accept = here.ledger.accept

    async def cancelled_meanwhile(entry: Entry) -> tuple[Order, bool]:
        await here.intake.cancel("r1")
        return await accept(entry)

    monkeypatch.setattr(here.ledger, "accept", cancelled_meanwhile)
    await here.runner.look()
    await here.runner.settle()
    assert await here.ledger.page(after=0, limit=9) == []
    ended = await here.go("r1")
    assert (ended.state, ended.refused, sent(here)) == ("Cancelled", {}, [])


async def test_an_order_that_comes_while_the_plan_is_made_is_counted(here: RebalanceWorld) -> None:
    ask = here.broker.quote

    async def order_meanwhile(contract: Contract, *, delayed: bool = False) -> MarketQuote:
        here.broker.quote = ask  # type: ignore[method-assign]
        await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"]))
        return await ask(contract, delayed=delayed)

    here.broker.quote = order_meanwhile  # type: ignore[method-assign]
    await here.ask("r1", DU, weights={"AAA": "1"})
    done = await here.go("r1")
    assert done.state == "Completed"
    assert sent(here) == [("AAA", "BUY", 10), ("AAA", "BUY", 90)]


async def _bought_by_a_client(here: RebalanceWorld) -> None:
    """Accepted, sent and filled with 10 while a price is being asked for; five seconds pass."""
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"]))
    await here.dispatch()
    await here._fill()
    here.time.advance(5)


async def test_an_order_that_comes_and_is_filled_while_the_plan_is_made_is_counted(
    here: RebalanceWorld,
) -> None:
    ask = here.broker.quote

    async def bought_meanwhile(contract: Contract, *, delayed: bool = False) -> MarketQuote:
        here.broker.quote = ask  # type: ignore[method-assign]
        await _bought_by_a_client(here)
        return await ask(contract, delayed=delayed)

    here.broker.quote = bought_meanwhile  # type: ignore[method-assign]
    await here.ask("r1", DU, weights={"AAA": "1"})
    run = await here.go("r1")
    assert run.plan is not None
    assert [(trade.symbol, trade.quantity) for trade in run.plan.trades] == [("AAA", 90)]


async def test_what_a_client_buys_while_the_buys_are_priced_is_not_bought_again(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    while (await here.run("r1")).state != "Selling":
        await here.step()
    ask = here.broker.quote

    async def bought_meanwhile(contract: Contract, *, delayed: bool = False) -> MarketQuote:
        here.broker.quote = ask  # type: ignore[method-assign]
        await _bought_by_a_client(here)
        return await ask(contract, delayed=delayed)

    here.broker.quote = bought_meanwhile  # type: ignore[method-assign]
    await here.go("r1")
    assert [number for symbol, _, number in sent(here) if symbol == "AAA"] == [10, 90]


async def test_a_cancelled_one_ends_although_the_account_is_not_told_any_more(
    here: RebalanceWorld,
) -> None:
    """Else no other one could begin. Without a report, as there is nothing to make it of."""
    here.shares[DU, "CCC"] = 20
    here.show()
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    here.broker.error = AccountUnavailableError("not valid yet")
    waiting = await here.go("r1", steps=60)
    assert (waiting.state, waiting.reason) == ("Selling", "BrokerSilent")
    await here.intake.cancel("r1")
    ended = await here.go("r1", steps=60)
    assert (ended.state, ended.report) == ("Cancelled", None)


async def test_what_a_client_buys_meanwhile_is_counted_before_the_buys(
    here: RebalanceWorld,
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    here.held_back = {"AAA", "BBB"}
    await here.ask("r1", DU, weights={"AAA": "1"})
    while (await here.run("r1")).state != "Selling":
        await here.step()
    await here.order("o1", replace(TERMS, account=DU, contract=CONTRACTS["AAA"], quantity=50))
    await here.order("o2", replace(TERMS, account=DU, contract=CONTRACTS["BBB"], quantity=30))
    await here.go("r1", steps=10)
    buys = [(symbol, number) for symbol, side, number in sent(here) if side == "BUY"]
    assert buys == [("AAA", 50), ("BBB", 30), ("AAA", 90)]


def rewritten(folder: Path, name: str, **fields: object) -> None:
    """As another version of the executor has left it in the ledger."""
    with contextlib.closing(sqlite3.connect(folder / "ledger.db")) as ledger, ledger:
        (document,) = ledger.execute(
            "SELECT document FROM rebalances WHERE id = ?", (name,)
        ).fetchone()
        changed = json.dumps({**json.loads(document), **fields})
        ledger.execute("UPDATE rebalances SET document = ? WHERE id = ?", (changed, name))


@pytest.mark.parametrize(
    "fields",
    [{"request": '{"targets": [], "tempo": "slow"}'}, {"plan": {"tempo": "slow"}}],
    ids=["request", "plan"],
)
async def test_one_that_this_version_can_not_read_ends_alone(
    here: RebalanceWorld, tmp_path: Path, fields: dict[str, object]
) -> None:
    await here.ask("r1", DU, weights={"AAA": "0.5"})
    await here.ask("r2", "DU7654321", weights={"BBB": "0.5"})
    rewritten(tmp_path, "r1", **fields)
    assert (await here.go("r2")).state == "Completed"
    ended = await here.run("r1")
    assert (ended.state, ended.reason) == ("Stopped", "UnreadableRequest")
    assert "ask for another rebalance" in ended.message
    assert "tempo" in json.dumps(rebalance_document(ended)["request"])
    assert (await here.ask("r3", DU, weights={"AAA": "0.5"})).id == "r3"


@pytest.mark.parametrize(
    "fields", [{"request": "{}"}, {"plan": {"tempo": "slow"}}], ids=["request", "plan"]
)
async def test_the_open_orders_of_one_that_can_not_be_read_any_more_are_cancelled(
    here: RebalanceWorld, tmp_path: Path, fields: dict[str, object]
) -> None:
    here.shares[DU, "CCC"] = 20
    here.show()
    here.held_back = {"CCC"}
    await here.ask("r1", DU, weights={"AAA": "1"})
    while not sent(here):
        await here.step()
    rewritten(tmp_path, "r1", **fields)
    assert (await here.go("r1")).reason == "UnreadableRequest"
    await here.step()
    assert (here.broker.cancelled, len(sent(here))) == ([here.broker.placed[0].order_id], 1)


async def test_replacements_that_lead_in_a_circle_are_refused(here: RebalanceWorld) -> None:
    pairs = [
        {"contract": {"symbol": one}, "instead": {"symbol": other}}
        for one, other in (("AAA", "BBB"), ("BBB", "AAA"))
    ]
    await here.ask("r1", DU, weights={"AAA": "0.5"}, replacements=pairs)
    stopped = await here.go("r1")
    assert (stopped.state, stopped.reason, sent(here)) == ("Stopped", "Refused", [])
    assert "AAA is bought instead of BBB, and is replaced itself" in stopped.message
