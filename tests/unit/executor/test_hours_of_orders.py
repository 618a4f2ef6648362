"""When an order is sent, from its acceptance on: not before, on close, outside hours, and never on Monday by surprise."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from executor_fakes import TERMS, DispatchWorld, entry
from ibgateway_api.clock_skew import HALF_A_SECOND
from ibgateway_api.executor_spec import MarketClosedAction
from ibgateway_api.gate import Closed, GateReason, Open
from ibgateway_executor.orders.market_hours import default_validity
from ibgateway_executor.orders.order import OrderTerms, OrderType, TimeInForce

WEEKEND = (
    "20261120:0930-20261120:1600;20261121:CLOSED;20261122:CLOSED;20261123:0930-20261123:1600;"
    "20261124:0930-20261124:1600"
)
THANKSGIVING = (
    "20261125:0930-20261125:1600;20261126:CLOSED;20261127:0930-20261127:1300;20261128:CLOSED;"
    "20261129:CLOSED;20261130:0930-20261130:1600"
)
ON_CLOSE = replace(TERMS, order_type=OrderType.MARKET_ON_CLOSE)
ON_OPEN = replace(TERMS, time_in_force=TimeInForce.OPG)
LIMIT = replace(TERMS, order_type=OrderType.LIMIT, limit_price=Decimal(190))
AWAY = Closed(GateReason.SUSPENDED, "the gateway is away")
OUTSIDE = replace(LIMIT, outside_regular_hours=True)


def new_york(day: int, hour: int, minute: int = 0) -> datetime:
    """November 2026, standard time."""
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC) + timedelta(hours=5)


async def at(world: DispatchWorld, moment: datetime) -> None:
    """It is that time now by all clocks, and what has become old has been asked for again."""
    world.time.set(moment)
    world.connection.clock_compared(HALF_A_SECOND)
    await world.dispatch()
    world.time.advance(1)
    await world.dispatch()


async def accepted(
    world: DispatchWorld,
    name: str,
    moment: datetime,
    terms: OrderTerms = TERMS,
    *,
    valid_until: datetime | None = None,
    not_before: datetime | None = None,
    market_closed: str = "",
) -> None:
    """An order of that time."""
    await at(world, moment)
    made = entry(name, terms, at=moment, valid_by_default=valid_until is None)
    order = replace(
        made.order,
        valid_until=valid_until or default_validity(not_before or moment),
        not_before=not_before,
        market_closed=market_closed,
    )
    await world.ledger.accept(replace(made, order=order))
    await world.dispatch()


@pytest.fixture
async def friday(dispatch: DispatchWorld) -> DispatchWorld:
    dispatch.broker.hours = dispatch.broker.trading_hours = WEEKEND
    dispatch.time.now = new_york(20, 8)
    return dispatch


@pytest.mark.parametrize(
    ("terms", "accepted_at"),
    [
        (TERMS, new_york(20, 12)),
        (replace(TERMS, time_in_force=TimeInForce.GTC), new_york(20, 12)),
        (LIMIT, new_york(20, 9)),
        (OUTSIDE, new_york(20, 12)),
        (ON_CLOSE, new_york(20, 12)),
        (ON_CLOSE, new_york(20, 15, 57)),
        (ON_OPEN, new_york(20, 9, 20)),
        (ON_OPEN, new_york(20, 9, 29)),
        (ON_OPEN, new_york(20, 12)),
    ],
)
async def test_what_was_meant_for_friday_is_not_sent_on_monday(
    friday: DispatchWorld, terms: OrderTerms, accepted_at: datetime
) -> None:
    friday.gate = AWAY
    await accepted(friday, "a", accepted_at, terms)
    for moment in (new_york(20, 16), new_york(22, 12)):
        await at(friday, moment)
    friday.gate = Open()
    for moment in (new_york(23, 9), new_york(23, 9, 25), new_york(23, 12)):
        await at(friday, moment)
    assert friday.placed == []
    assert await friday.states("a") == [("Expired", "ValidityEnded")]


@pytest.mark.parametrize(
    ("terms", "sent_at"),
    [
        (TERMS, new_york(23, 9, 30)),
        (OUTSIDE, new_york(23, 9, 30)),
        (ON_CLOSE, new_york(23, 9, 30)),
        (ON_OPEN, new_york(23, 7, 30)),
    ],
)
async def test_it_is_where_valid_until_says_so(
    friday: DispatchWorld, terms: OrderTerms, sent_at: datetime
) -> None:
    friday.gate = AWAY
    await accepted(friday, "a", new_york(20, 15, 57), terms, valid_until=new_york(23, 12))
    friday.gate = Open()
    for moment in (new_york(20, 16), new_york(22, 12), sent_at - timedelta(seconds=2)):
        await at(friday, moment)
    assert friday.placed == []
    await at(friday, sent_at)
    assert friday.placed == ["a"]


async def test_an_order_of_the_weekend_is_for_monday(friday: DispatchWorld) -> None:
    await accepted(friday, "a", new_york(21, 12), ON_CLOSE)
    await at(friday, new_york(23, 12))
    assert friday.placed == ["a"]


async def test_a_holiday_is_no_session_and_a_half_days_close_comes_sooner(
    dispatch: DispatchWorld,
) -> None:
    dispatch.broker.hours = THANKSGIVING
    await accepted(dispatch, "a", new_york(25, 17), ON_CLOSE)
    await at(dispatch, new_york(26, 12))
    assert await dispatch.states("a") == [("Waiting", "MarketClosed")]
    await at(dispatch, new_york(27, 12, 54) + timedelta(seconds=30))
    assert await dispatch.states("a") == [("Waiting", "CutOffPassed")]
    await at(dispatch, new_york(27, 13))
    assert await dispatch.states("a") == [("Expired", "ValidityEnded")]
    await accepted(dispatch, "b", new_york(27, 13, 30), ON_CLOSE)
    await at(dispatch, new_york(30, 12))
    assert dispatch.placed == ["b"]


async def test_after_the_cut_off_an_order_says_what_it_waits_for(friday: DispatchWorld) -> None:
    await accepted(friday, "a", new_york(20, 15, 56), ON_CLOSE, valid_until=new_york(23, 16))
    assert await friday.states("a") == [("Waiting", "CutOffPassed")]
    message = (await friday.stored("a")).message
    assert "the auction took orders until 2026-11-20T20:55:00+00:00" in message
    assert "the next one does from 2026-11-23T14:30:00+00:00 on" in message


@pytest.mark.parametrize(
    ("setting", "own", "state"),
    [
        ("wait", "reject", "Rejected"),
        ("reject", "", "Rejected"),
        ("reject", "wait", "Waiting"),
        ("wait", "", "Waiting"),
    ],
)
@pytest.mark.parametrize(
    ("moment", "terms", "reason"),
    [
        (new_york(20, 17), TERMS, "MarketClosed"),
        (new_york(20, 15, 56), ON_CLOSE, "CutOffPassed"),
        (new_york(20, 9, 29), ON_OPEN, "CutOffPassed"),
    ],
)
async def test_an_order_says_itself_whether_it_waits_for_its_market(
    friday: DispatchWorld,
    setting: str,
    own: str,
    state: str,
    moment: datetime,
    terms: OrderTerms,
    reason: str,
) -> None:
    closed = MarketClosedAction(setting)
    friday.settings = friday.settings.model_copy(update={"market_closed": closed})
    await accepted(friday, "a", moment, terms, market_closed=own)
    assert await friday.states("a") == [(state, reason)]


async def test_not_before_holds_an_order_and_nobody_else(friday: DispatchWorld) -> None:
    await accepted(friday, "a", new_york(20, 10), not_before=new_york(20, 15))
    await accepted(friday, "b", new_york(20, 10, 1))
    assert await friday.states("a", "b") == [("Waiting", "NotBefore"), ("Sending", "")]
    await friday.fill("b")
    await at(friday, new_york(20, 14, 59))
    assert friday.placed == ["b"]
    await at(friday, new_york(20, 15))
    assert friday.placed == ["b", "a"]


async def test_not_before_is_ibkrs_time(friday: DispatchWorld) -> None:
    await accepted(friday, "a", new_york(20, 10), not_before=new_york(20, 15))
    friday.time.set(new_york(20, 15))
    friday.connection.clock_compared(HALF_A_SECOND + timedelta(seconds=4))
    await friday.dispatch()
    assert friday.placed == []
    friday.time.advance(4)
    await friday.dispatch()
    assert friday.placed == ["a"]


async def test_not_before_is_what_a_default_validity_counts_from(friday: DispatchWorld) -> None:
    reject = MarketClosedAction.REJECT
    friday.settings = friday.settings.model_copy(update={"market_closed": reject})
    await accepted(friday, "a", new_york(20, 12), not_before=new_york(23, 10))
    await at(friday, new_york(21, 12))
    assert await friday.states("a") == [("Waiting", "NotBefore")]
    await at(friday, new_york(23, 9, 45))
    assert await friday.states("a") == [("Waiting", "NotBefore")]
    await at(friday, new_york(23, 10))
    assert friday.placed == ["a"]
    assert (await friday.stored("a")).valid_until == new_york(23, 16)


async def test_not_before_within_the_time_of_its_auction_is_when_an_order_on_open_leaves(
    friday: DispatchWorld,
) -> None:
    await accepted(friday, "a", new_york(20, 8), ON_OPEN, not_before=new_york(20, 9))
    await at(friday, new_york(20, 8, 59))
    assert await friday.states("a") == [("Waiting", "NotBefore")]
    await at(friday, new_york(20, 9))
    assert friday.placed == ["a"]


@pytest.mark.parametrize(("hour", "minute"), [(9, 28), (9, 30), (12, 0)])
async def test_not_before_beyond_the_cut_off_is_too_late_for_the_auction_of_that_day(
    friday: DispatchWorld, hour: int, minute: int
) -> None:
    begins = new_york(20, hour, minute)
    await accepted(friday, "a", new_york(20, 8), ON_OPEN, not_before=begins)
    await at(friday, begins)
    assert await friday.states("a") == [("Waiting", "CutOffPassed")]
    await at(friday, new_york(20, 16))
    assert await friday.states("a") == [("Expired", "ValidityEnded")]
    await at(friday, new_york(23, 9))
    assert friday.placed == []


async def test_outside_regular_hours_an_order_leaves_before_the_open(
    friday: DispatchWorld,
) -> None:
    friday.broker.trading_hours = "20261120:0400-20261120:2000;20261123:0400-20261123:2000"
    await accepted(friday, "a", new_york(20, 8), LIMIT)
    await accepted(friday, "b", new_york(20, 8, 1), OUTSIDE)
    assert await friday.states("a", "b") == [("Waiting", "MarketClosed"), ("Sending", "")]
    assert (await friday.stored("b")).valid_until == new_york(20, 20)


async def test_outside_regular_hours_unknown_hours_send_nothing(friday: DispatchWorld) -> None:
    friday.broker.trading_hours = ""
    await accepted(friday, "a", new_york(20, 12), OUTSIDE)
    await accepted(friday, "b", new_york(20, 12), LIMIT)
    assert await friday.states("a", "b") == [("Waiting", "HoursUnknown"), ("Sending", "")]


async def test_an_order_is_looked_at_once_more_when_its_id_is_on_disk(
    friday: DispatchWorld,
) -> None:
    """The cut-off passes during the commit."""
    moment = new_york(20, 15, 54) + timedelta(seconds=29)
    friday.store.after_reserve = lambda: friday.time.advance(2)
    await accepted(friday, "a", moment - timedelta(seconds=2), ON_CLOSE)
    assert friday.placed == []
    assert await friday.states("a") == [("Waiting", "CutOffPassed")]
