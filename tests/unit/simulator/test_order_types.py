"""Order types and sessions: what triggers, fills and ends by prices, auctions and the clock."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from ibgateway_simulator.errors import SimulatorConflictError
from ibgateway_simulator.model.faults import Faults
from ibgateway_simulator.model.trading.accounts import Account, AccountType, Position
from ibgateway_simulator.model.trading.hours import EASTERN, Hours, HoursMode
from ibgateway_simulator.model.trading.market_rules import MarketRules, changed_market
from ibgateway_simulator.model.trading.order_book import OrderBook
from ibgateway_simulator.model.trading.orders import BookedOrder, OrderAction, OrderTicket

AAPL = 265598
FRIDAY = dt.date(2026, 11, 20)
BUY = OrderTicket("DU1", 17, 1, AAPL, "AAPL", OrderAction.BUY, Decimal(10), "MKT", tif="DAY")


def at(day: dt.date, time: str) -> dt.datetime:
    return dt.datetime.combine(day, dt.time.fromisoformat(time), EASTERN)


def broker(account_type: AccountType = AccountType.CASH, **rules: Any) -> OrderBook:
    made = OrderBook()
    held = {AAPL: Position(Decimal(100), Decimal(150))}
    made.accounts["DU1"] = Account("DU1", {"USD": Decimal(100_000)}, held, type=account_type)
    made.hours = Hours(HoursMode.REGULAR, half_days=frozenset({dt.date(2026, 11, 27)}))
    made.rules = changed_market(MarketRules(), rules)
    made.faults = Faults(fill_delay=0)
    return made


def order(book: OrderBook, order_id: int = 1) -> BookedOrder:
    found = book.known(("DU1", 17, order_id))
    assert found is not None
    return found


def state(book: OrderBook, order_id: int = 1) -> tuple[str, int, str]:
    """Status, filled and average price."""
    found = order(book, order_id)
    return found.status.value, int(found.filled), str(found.average_price)


NOON = at(FRIDAY, "12:00")


@pytest.mark.parametrize(
    ("action", "stop", "short_of_it", "met", "price"),
    [
        (OrderAction.BUY, "195", "194.99", "195", "195.01"),
        (OrderAction.SELL, "185", "185.01", "185", "184.99"),
    ],
)
def test_a_stop_is_held_back_until_its_price_is_met(
    action: OrderAction, stop: str, short_of_it: str, met: str, price: str
) -> None:
    book = broker()
    book.place(replace(BUY, action=action, order_type="STP", aux_price=Decimal(stop)), NOON)
    book.prices[AAPL] = Decimal(short_of_it)
    assert book.tick(NOON) == []
    assert state(book) == ("PreSubmitted", 0, "0")
    book.prices[AAPL] = Decimal(met)
    book.tick(NOON)
    assert state(book) == ("Submitted", 0, "0")
    book.tick(NOON)
    assert state(book) == ("Filled", 10, price)


def test_a_stop_limit_becomes_a_limit_order() -> None:
    book = broker()
    stop = replace(
        BUY, order_type="STP LMT", aux_price=Decimal(195), limit_price=Decimal("195.50"), tif="GTC"
    )
    book.place(stop, NOON)
    book.prices[AAPL] = Decimal(196)
    book.tick(NOON)
    book.tick(NOON)
    assert state(book) == ("Submitted", 0, "0")
    book.prices[AAPL] = Decimal("195.49")
    book.tick(NOON)
    assert state(book) == ("Filled", 10, "195.50")


@pytest.mark.parametrize(
    ("changes", "price", "expected"),
    [
        ({"order_type": "MOC"}, "200", ("Filled", 10, "200")),
        ({"order_type": "LOC", "limit_price": Decimal(200)}, "200", ("Filled", 10, "200")),
        ({"order_type": "LOC", "limit_price": Decimal(199)}, "200", ("Cancelled", 0, "0")),
    ],
)
def test_an_order_on_close_is_executed_when_the_session_ends(
    changes: dict[str, Any], price: str, expected: tuple[str, int, str]
) -> None:
    book = broker()
    book.place(replace(BUY, **changes), NOON)
    book.prices[AAPL] = Decimal(price)
    book.tick(at(FRIDAY, "15:59:59"))
    assert state(book) == ("Submitted", 0, "0")
    book.tick(at(FRIDAY, "16:00"))
    assert state(book) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"order_type": "MKT", "tif": "OPG"}, ("Filled", 10, "190.00")),
        ({"order_type": "LMT", "tif": "OPG", "limit_price": Decimal(189)}, ("Cancelled", 0, "0")),
        ({"order_type": "MOO"}, ("Filled", 10, "190.00")),
    ],
)
def test_an_order_on_open_is_executed_when_the_session_begins(
    changes: dict[str, Any], expected: tuple[str, int, str]
) -> None:
    book = broker()
    book.place(replace(BUY, **changes), at(FRIDAY, "18:00"))
    monday = FRIDAY + dt.timedelta(days=3)
    book.tick(at(monday, "09:29:59"))
    assert state(book) == ("PreSubmitted", 0, "0")
    book.tick(at(monday, "09:30"))
    assert state(book) == expected


def test_an_order_for_an_auction_comes_before_the_cutoff() -> None:
    book = broker(cutoff_seconds=600)
    book.place(replace(BUY, order_type="MOC"), at(FRIDAY, "15:50"))
    book.place(replace(BUY, order_type="MOC", order_id=2), at(FRIDAY, "15:49:59"))
    assert (state(book)[0], state(book, 2)[0]) == ("Inactive", "Submitted")


@pytest.mark.parametrize(
    ("changes", "time", "expected"),
    [
        ({"tif": "OPG"}, "09:29:59", "PreSubmitted"),
        ({"tif": "OPG"}, "09:30", "Inactive"),
        ({"tif": "OPG", "order_type": "LMT", "limit_price": Decimal(190)}, "15:59:59", "Inactive"),
        ({"order_type": "MOO"}, "12:00", "Inactive"),
        ({"tif": "OPG"}, "16:00", "PreSubmitted"),
        ({"tif": "DAY"}, "12:00", "Submitted"),
    ],
)
def test_no_order_on_open_is_taken_while_the_session_runs(
    changes: dict[str, Any], time: str, expected: str
) -> None:
    book = broker()
    book.place(replace(BUY, **changes), at(FRIDAY, time))
    assert state(book)[0] == expected
    assert order(book).reason == ("Exchange is closed." if expected == "Inactive" else "")


def test_a_half_day_ends_at_one() -> None:
    book = broker()
    black_friday = dt.date(2026, 11, 27)
    book.place(replace(BUY, order_type="MOC"), at(black_friday, "12:00"))
    book.tick(at(black_friday, "12:59:59"))
    assert state(book)[0] == "Submitted"
    book.tick(at(black_friday, "13:00"))
    assert state(book)[0] == "Filled"


def test_outside_regular_hours_limit_orders_fill_where_that_is_allowed() -> None:
    book, early = broker(), at(FRIDAY, "08:00")
    limit = replace(BUY, order_type="LMT", limit_price=Decimal(200), outside_rth=True)
    book.place(limit, early)
    book.place(replace(limit, order_id=2, outside_rth=False), early)
    book.place(replace(BUY, order_id=3, outside_rth=True), early)
    book.tick(early)
    assert [state(book, n)[0] for n in (1, 2, 3)] == ["Filled", "PreSubmitted", "PreSubmitted"]


def test_a_day_order_outside_regular_hours_ends_with_the_extended_ones() -> None:
    book = broker()
    limit = replace(BUY, order_type="LMT", limit_price=Decimal(100), outside_rth=True)
    book.place(limit, NOON)
    book.tick(at(FRIDAY, "19:59:59"))
    assert state(book)[0] == "Submitted"
    book.tick(at(FRIDAY, "20:00"))
    assert state(book)[0] == "Cancelled"


def test_the_overnight_session_goes_past_midnight() -> None:
    hours = Hours(HoursMode.REGULAR, overnight=True)
    thursday = FRIDAY - dt.timedelta(days=1)
    assert hours.is_trading(at(thursday, "23:00"))
    assert hours.is_trading(at(FRIDAY, "03:49"))
    assert not hours.is_trading(at(FRIDAY, "03:50"))
    assert not hours.is_trading(at(FRIDAY, "21:00"))
    told = hours.trading_text(NOON).split(";")
    assert told[:2] == ["20261119:2000-20261120:0350", "20261120:0400-20261120:2000"]


def test_a_holiday_is_closed_and_settles_nothing() -> None:
    monday = dt.date(2026, 11, 23)
    hours = Hours(HoursMode.REGULAR, holidays=frozenset({monday}))
    assert not hours.is_open(at(monday, "12:00"))
    assert hours.text(at(monday, "12:00")).startswith("20261123:CLOSED;20261124:0930")
    assert hours.settles(at(FRIDAY, "12:00")) == dt.date(2026, 11, 24)


def test_a_gtc_order_lives_over_the_weekend() -> None:
    book = broker()
    book.place(replace(BUY, order_type="LMT", limit_price=Decimal(180), tif="GTC"), NOON)
    monday = at(FRIDAY + dt.timedelta(days=3), "10:00")
    book.tick(at(FRIDAY, "17:00"))
    book.prices[AAPL] = Decimal(179)
    book.tick(monday)
    assert state(book)[0] == "Filled"


def test_an_immediate_order_fills_in_part_and_ends() -> None:
    book = broker()
    book.faults = replace(book.faults, partial_next=(Decimal(4),))
    book.place(replace(BUY, tif="IOC"), NOON)
    for _ in range(2):
        book.tick(NOON)
    assert state(book) == ("Cancelled", 4, "190.01")


def test_lots_slippage_and_commissions_follow_the_rules() -> None:
    book = broker(lot=4, lot_seconds=1, slippage="0.05", least_commission="0.35")
    book.place(BUY, NOON)
    filled = []
    for second in range(4):
        book.tick(NOON + dt.timedelta(seconds=second))
        filled.append(int(order(book).filled))
    assert filled == [4, 8, 10, 10]
    assert state(book) == ("Filled", 10, "190.06")
    assert [str(fill.commission) for fill in book.executions] == ["0.35", "0.35", "0.35"]


def test_rules_of_the_market_are_numbers_with_known_names() -> None:
    with pytest.raises(SimulatorConflictError, match="market rules are active_orders"):
        changed_market(MarketRules(), {"typo": 1})
    with pytest.raises(SimulatorConflictError, match="'much' is no number"):
        changed_market(MarketRules(), {"slippage": "much"})


def test_the_twenty_first_active_order_of_a_side_is_refused() -> None:
    book = broker()
    book.faults = replace(book.faults, hold_fills=True)
    one = replace(BUY, quantity=Decimal(1))
    for order_id in range(1, 22):
        book.place(replace(one, order_id=order_id), NOON)
    book.place(replace(one, order_id=22, action=OrderAction.SELL), NOON)
    states = [state(book, n)[0] for n in (20, 21, 22)]
    assert states == ["Submitted", "Inactive", "Submitted"]


def test_a_margin_account_borrows_and_sells_short() -> None:
    book = broker(AccountType.MARGIN)
    book.place(replace(BUY, action=OrderAction.SELL, quantity=Decimal(150)), NOON)
    book.tick(NOON)
    assert state(book)[0] == "Filled"
    assert book.accounts["DU1"].position(AAPL).quantity == -50
    # 100,000 in cash and the proceeds of the sale carry four times as much.
    book.place(replace(BUY, order_id=2, quantity=Decimal(2100)), NOON)
    book.place(replace(BUY, order_id=3, quantity=Decimal(500)), NOON)
    assert (state(book, 2)[0], state(book, 3)[0]) == ("Submitted", "Inactive")


def test_proceeds_settle_on_the_next_market_day() -> None:
    book = broker(unsettled_buys=False)
    book.accounts["DU1"] = replace(book.accounts["DU1"], cash={"USD": Decimal(0)})
    book.place(replace(BUY, action=OrderAction.SELL), NOON)
    book.tick(NOON)
    book.place(replace(BUY, order_id=2, quantity=Decimal(5)), NOON)
    assert state(book, 2)[0] == "Inactive"
    assert not book.pass_time(at(FRIDAY + dt.timedelta(days=2), "23:59"))
    monday = at(FRIDAY + dt.timedelta(days=3), "10:00")
    assert book.pass_time(monday)
    assert book.accounts["DU1"].unsettled == 0
    book.place(replace(BUY, order_id=3, quantity=Decimal(5)), monday)
    assert state(book, 3)[0] == "Submitted"


def walked(seed: int) -> list[str]:
    book = broker(walk_step="0.01", walk_seconds=1, walk_seed=seed)
    prices = []
    for second in range(5):
        book.pass_time(NOON + dt.timedelta(seconds=second))
        prices.append(str(book.prices[AAPL]))
    return prices


def test_prices_walk_the_same_way_for_the_same_seed() -> None:
    assert walked(1) == walked(1)
    assert walked(1)[0] == "190.00"
    assert len(set(walked(1))) == 5
    assert walked(1)[1:] != walked(2)[1:]


def test_prices_stand_still_by_default() -> None:
    book = broker()
    assert not book.pass_time(NOON + dt.timedelta(days=1))
    assert book.prices[AAPL] == Decimal("190.00")


def test_ids_that_begin_again_forget_no_order() -> None:
    book = broker()
    book.place(BUY, NOON)
    book.tick(NOON)
    book.next_ids["DU1", 17] = 1
    book.place(replace(BUY, quantity=Decimal(3)), NOON)
    assert [int(found.ticket.quantity) for found in book.orders.values()] == [10, 3]
    assert order(book).ticket.quantity == 3
