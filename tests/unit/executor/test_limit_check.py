"""Limits on single orders: symbols, a collar around the price of now, and no sale of what is not there."""

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from executor_fakes import AAPL, TERMS, DispatchWorld, IntakeWorld, entry
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.limits import TradingLimits, breach, short_sale
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    cancel,
)
from ibgateway_executor.orders.portfolio import PositionReport

LIMIT = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal("190"))
SELL = replace(TERMS, side=Side.SELL)
FIVE_PERCENT = TradingLimits(collar=Decimal(5))


def holding(shares: int, account: str = "DU1234567") -> tuple[PositionReport, ...]:
    return (PositionReport(account, AAPL, Decimal(shares), Decimal(1)),)


def setting(world: DispatchWorld | IntakeWorld, **settings: object) -> None:
    world.settings = world.settings.model_copy(update=settings)


@pytest.mark.parametrize(
    ("side", "limit", "reason"),
    [
        (Side.BUY, "210.00", ""),
        (Side.BUY, "210.01", "PriceCollar"),
        (Side.BUY, "1", ""),
        (Side.SELL, "190.00", ""),
        (Side.SELL, "189.99", "PriceCollar"),
        (Side.SELL, "900", ""),
    ],
)
@pytest.mark.parametrize(
    ("order_type", "stop", "market"),
    [
        (OrderType.LIMIT, None, Decimal(200)),
        (OrderType.LIMIT_ON_CLOSE, None, Decimal(200)),
        (OrderType.STOP_LIMIT, Decimal(200), Decimal(900)),
        (OrderType.STOP_LIMIT, Decimal(200), None),
    ],
)
def test_the_collar_is_on_the_expensive_side(
    side: Side,
    limit: str,
    reason: str,
    order_type: OrderType,
    stop: Decimal | None,
    market: Decimal | None,
) -> None:
    terms = replace(
        TERMS, side=side, order_type=order_type, limit_price=Decimal(limit), stop_price=stop
    )
    found = breach(terms, FIVE_PERCENT, market)
    assert (found.reason if found else "") == reason


@pytest.mark.parametrize(
    ("contract", "reason"),
    [
        (Contract(1, "AAPL"), ""),
        (Contract(0, "aapl"), ""),
        (Contract(265598), ""),
        (Contract(0, "AAPLX"), "SymbolNotAllowed"),
    ],
)
def test_only_the_allowed_symbols_are_traded(contract: Contract, reason: str) -> None:
    limits = TradingLimits(symbols=frozenset({"AAPL", "MSFT"}))
    found = breach(replace(TERMS, contract=contract), limits, None)
    assert (found.reason if found else "") == reason


def test_a_future_is_worth_its_multiplier_too() -> None:
    future = replace(LIMIT, contract=Contract(1, "ES", "FUT", multiplier="50"))
    assert breach(future, TradingLimits(value=Decimal(95_000)), None) is None
    assert breach(future, TradingLimits(value=Decimal(94_999)), None) is not None


STOP = replace(TERMS, order_type=OrderType.STOP, stop_price=Decimal(200))
STOP_LIMIT = replace(LIMIT, order_type=OrderType.STOP_LIMIT, stop_price=Decimal(200))


@pytest.mark.parametrize(
    ("terms", "market", "worth"),
    [
        (TERMS, 150, 1500),
        (LIMIT, 900, 1900),
        (STOP_LIMIT, 900, 1900),
        (STOP, 150, 2000),
        (STOP, 250, 2500),
        (replace(LIMIT, side=Side.SELL), 150, 1900),
        (replace(LIMIT, side=Side.SELL), 250, 2500),
        (replace(STOP, side=Side.SELL), 250, 2500),
        (replace(STOP_LIMIT, side=Side.SELL), 250, 2500),
        (replace(LIMIT, side=Side.SELL, limit_price=Decimal("0.01")), 250, 2500),
        (SELL, 150, 1500),
    ],
)
def test_an_order_is_worth_what_it_may_be_executed_at(
    terms: OrderTerms, market: int, worth: int
) -> None:
    """A limit price bounds what a buy costs. A sale is executed at the price of now, however low its limit is."""
    limits = TradingLimits(value=Decimal(worth))
    assert breach(terms, limits, Decimal(market)) is None
    assert breach(terms, replace(limits, value=Decimal(worth) - 1), Decimal(market)) is not None
    bounded = terms in (LIMIT, STOP_LIMIT)
    assert limits.needs_price(terms) == (not bounded)


def test_what_is_worth_too_much_at_its_own_price_is_told_without_another() -> None:
    limits = TradingLimits(value=Decimal(1899))
    for terms in (LIMIT, replace(LIMIT, side=Side.SELL), STOP):
        assert breach(terms, limits, None) is not None


ORDERS = st.lists(st.tuples(st.sampled_from(Side), st.integers(1, 20), st.integers(0, 20)))


@given(ORDERS, st.integers(-10, 60), st.integers(1, 30))
def test_sales_that_are_let_through_never_add_up_to_more_than_is_held(
    working: list[tuple[Side, int, int]], held: int, quantity: int
) -> None:
    others = [
        replace(
            entry(f"o{n}", replace(TERMS, side=side, quantity=size)).order,
            state=OrderState.WORKING,
            filled=Decimal(min(filled, size)),
        )
        for n, (side, size, filled) in enumerate(working)
    ]
    order = entry("a", replace(SELL, quantity=quantity)).order
    found = short_sale(order, Decimal(held), [*others, order])
    sold = sum(o.terms.quantity - o.filled for o in others if o.terms.side is Side.SELL)
    bought = sum(o.terms.quantity - o.filled for o in others if o.terms.side is Side.BUY)
    assert (found is None) == (quantity + sold <= held)
    if found is not None:
        may_fit = quantity <= held + bought
        assert found.reason == ("PositionTooSmall" if may_fit else "ShortSale")
        of_rebalance = short_sale(replace(order, rebalance="r"), Decimal(held), others)
        assert of_rebalance is not None
        assert of_rebalance.reason == "ShortSale"
    assert short_sale(replace(order, terms=TERMS), Decimal(held), others) is None


@pytest.mark.parametrize(
    ("change", "settings", "code", "words"),
    [
        ({}, {"allowed_symbols": ("MSFT",)}, "SymbolNotAllowed", "AAPL is not among"),
        (
            {"orderType": "STP LMT", "limitPrice": "106", "stopPrice": "100"},
            {"price_collar_percent": "5"},
            "PriceCollar",
            "beyond the stop price, 100",
        ),
        (
            {"orderType": "STP", "stopPrice": "100"},
            {"max_order_value": "999"},
            "OrderValueLimit",
            "worth 1000 at 100",
        ),
    ],
)
async def test_what_can_be_told_at_once_is_refused_at_once(
    intake: IntakeWorld,
    change: Mapping[str, str],
    settings: Mapping[str, object],
    code: str,
    words: str,
) -> None:
    setting(intake, **settings)
    answer = await intake.place(**change)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    assert words in answer.json()["detail"]


@pytest.mark.parametrize(
    ("quote", "state"),
    [
        (None, ("Waiting", "NoPrice")),
        ("181", ("Sending", "")),
        ("180", ("Rejected", "PriceCollar")),
    ],
)
async def test_a_limit_price_is_held_against_the_price_of_now(
    dispatch: DispatchWorld, quote: str | None, state: tuple[str, str]
) -> None:
    setting(dispatch, price_collar_percent="5")
    dispatch.broker.last = None if quote is None else Decimal(quote)
    await dispatch.order("a", LIMIT)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]
    assert (dispatch.placed == ["a"]) == (state[0] == "Sending")


async def test_a_symbol_that_the_broker_tells_must_be_allowed_too(dispatch: DispatchWorld) -> None:
    setting(dispatch, allowed_symbols=("MSFT",))
    await dispatch.order("a", replace(TERMS, contract=Contract(265598, sec_type="", currency="")))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Rejected", "SymbolNotAllowed")]


@pytest.mark.parametrize(
    ("market", "state"),
    [
        (None, ("Waiting", "NoPrice")),
        ("199", ("Sending", "")),
        ("201", ("Rejected", "OrderValueLimit")),
    ],
)
async def test_a_sale_is_held_against_the_price_of_now_however_low_its_limit_is(
    dispatch: DispatchWorld, market: str | None, state: tuple[str, str]
) -> None:
    setting(dispatch, max_order_value="2000")
    dispatch.broker.held = holding(10)
    dispatch.broker.last = None if market is None else Decimal(market)
    cheap = replace(LIMIT, side=Side.SELL, limit_price=Decimal("0.01"))
    await dispatch.order("a", cheap)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]
    assert "use a limit order" not in (await dispatch.stored("a")).message


async def test_a_contract_without_a_symbol_is_not_sent_past_the_allowed_ones(
    dispatch: DispatchWorld,
) -> None:
    setting(dispatch, allowed_symbols=("AAPL",))
    nameless = replace(AAPL, symbol="")
    dispatch.broker.known = (nameless,)
    await dispatch.order("a", replace(TERMS, contract=nameless))
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "ContractUnresolved")]
    assert (
        "name its contract by symbol, or remove the limit" in (await dispatch.stored("a")).message
    )
    setting(dispatch, allowed_symbols=())
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def test_an_order_that_ends_while_it_is_held_leaves_nothing_behind(
    dispatch: DispatchWorld,
) -> None:
    setting(dispatch, max_order_value="2000")
    for number in range(3):
        await dispatch.order(f"o{number}")
        await dispatch.dispatch()
        assert await dispatch.states(f"o{number}") == [("Waiting", "NoPrice")]
        assert len(dispatch.limits._held) == 1
        await dispatch.ledger.advance(f"o{number}", cancel)
    await dispatch.dispatch()
    assert dispatch.limits._held == set()


async def test_a_limit_that_comes_during_the_commit_holds_the_write(
    dispatch: DispatchWorld,
) -> None:
    dispatch.store.after_reserve = lambda: setting(dispatch, allowed_symbols=("MSFT",))
    await dispatch.order("a")
    await dispatch.dispatch()
    assert (dispatch.placed, await dispatch.states("a")) == ([], [("Rejected", "SymbolNotAllowed")])


@pytest.mark.parametrize(
    ("held", "state"),
    [
        (holding(10), ("Sending", "")),
        (holding(9), ("Rejected", "ShortSale")),
        ((), ("Rejected", "ShortSale")),
        (holding(-5), ("Rejected", "ShortSale")),
        (holding(10, account="DU7654321"), ("Rejected", "ShortSale")),
    ],
)
async def test_no_more_is_sold_than_the_account_holds(
    dispatch: DispatchWorld, held: tuple[PositionReport, ...], state: tuple[str, str]
) -> None:
    dispatch.broker.held = held
    await dispatch.order("a", SELL)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [state]


async def test_short_selling_is_allowed_by_its_setting(dispatch: DispatchWorld) -> None:
    setting(dispatch, short_selling=True)
    dispatch.broker.held = ()
    await dispatch.order("a", SELL)
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]


async def acknowledged(dispatch: DispatchWorld, name: str) -> Order:
    """The broker has the order that was sent."""
    order = await dispatch.stored(name)
    report = OrderStatusReport(
        order.order_id, 17, 900 + order.order_id, "Submitted", order_ref=f"ibg-{name}"
    )
    await dispatch.ledger.observe(report)
    return order


async def test_a_sale_waits_for_what_is_being_sold_already(dispatch: DispatchWorld) -> None:
    dispatch.broker.held = holding(15)
    await dispatch.order("a", SELL)
    await dispatch.order("b", SELL)
    await dispatch.dispatch()
    order = await acknowledged(dispatch, "a")
    await dispatch.dispatch()
    assert await dispatch.states("b") == [("Waiting", "PositionTooSmall")]
    await dispatch.ledger.observe(
        OrderStatusReport(order.order_id, 17, 901, "Cancelled", order_ref="ibg-a")
    )
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "b"]


async def test_a_sale_that_can_not_fit_any_more_is_refused_and_holds_nobody_up(
    dispatch: DispatchWorld,
) -> None:
    """Whatever becomes of the order that works: it waited until its validity ended, and all later ones with it."""
    dispatch.broker.held = holding(15)
    await dispatch.order("works", SELL)
    await dispatch.dispatch()
    await acknowledged(dispatch, "works")
    await dispatch.order("too large", replace(SELL, quantity=16))
    await dispatch.order("fits", replace(SELL, quantity=5))
    await dispatch.dispatch()
    assert await dispatch.states("too large") == [("Rejected", "ShortSale")]
    message = (await dispatch.stored("too large")).message
    assert "holds 15 of AAPL, and 10 are being sold: sell no more than that" in message
    assert dispatch.placed == ["works", "fits"]


async def test_a_sale_waits_for_a_purchase_that_may_make_room_for_it(
    dispatch: DispatchWorld,
) -> None:
    await dispatch.order("buy")
    await dispatch.dispatch()
    order = await acknowledged(dispatch, "buy")
    await dispatch.order("sell", SELL)
    await dispatch.dispatch()
    assert await dispatch.states("sell") == [("Waiting", "PositionTooSmall")]
    fill = FillReport(order.order_id, 17, 901, "ibg-buy", "e", Decimal(10), Decimal(190))
    await dispatch.ledger.observe(fill)
    dispatch.broker.held = holding(10)
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert dispatch.placed == ["buy", "sell"]


async def test_after_a_fill_the_position_is_asked_for_anew(dispatch: DispatchWorld) -> None:
    """The old answer has the shares that were just sold."""
    dispatch.broker.held = holding(10)
    await dispatch.order("a", SELL)
    await dispatch.order("b", SELL)
    await dispatch.dispatch()
    await dispatch.ledger.observe(
        FillReport(1, 17, 901, "ibg-a", "e", Decimal(10), Decimal("190.01"))
    )
    await dispatch.dispatch()
    assert dispatch.placed == ["a"]
    dispatch.broker.held = ()
    dispatch.time.advance(1)
    await dispatch.dispatch()
    assert (dispatch.placed, await dispatch.states("b")) == (["a"], [("Rejected", "ShortSale")])


async def test_an_unknown_position_sells_nothing(dispatch: DispatchWorld) -> None:
    dispatch.broker.held = holding(10)
    await dispatch.order("first")
    await dispatch.dispatch()
    await dispatch.fill("first")
    dispatch.broker.error = NoAnswerError("silence")
    dispatch.time.advance(2)
    await dispatch.order("a", SELL)
    await dispatch.dispatch()
    assert await dispatch.states("a") == [("Waiting", "PositionUnknown")]
    assert "silence" in (await dispatch.stored("a")).message
    dispatch.broker.error = None
    dispatch.time.advance(6)
    await dispatch.dispatch()
    assert dispatch.placed == ["first", "a"]


async def test_a_fill_of_another_contract_holds_up_no_sale(dispatch: DispatchWorld) -> None:
    """Else the sales of a rebalance would leave one a second."""
    other = replace(AAPL, con_id=7, symbol="OTHER")
    dispatch.broker.known = (AAPL, other)
    dispatch.broker.held = (
        *holding(10),
        PositionReport("DU1234567", other, Decimal(10), Decimal(1)),
    )
    await dispatch.order("a", SELL)
    await dispatch.order("b", replace(SELL, contract=other))
    await dispatch.dispatch()
    await dispatch.ledger.observe(
        FillReport(1, 17, 901, "ibg-a", "e", Decimal(10), Decimal("190.01"))
    )
    await dispatch.dispatch()
    assert dispatch.placed == ["a", "b"]
