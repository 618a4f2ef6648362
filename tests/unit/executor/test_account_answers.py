"""What IBKR says about accounts and prices, as the executor's values."""

from decimal import Decimal
from types import SimpleNamespace

import pytest

from ibgateway_executor.broker.ib.translation import (
    account_report,
    candidate,
    market_quote,
    position,
)
from ibgateway_executor.errors import AccountUnavailableError
from ibgateway_executor.orders.order import Contract
from ibgateway_executor.orders.portfolio import MarketQuote, PriceKind, SettlementKind

DU = "DU1234567"
WORTH = {"NetLiquidation": "1000.50", "TotalCashValue": "400.25"}


def rows(**values: str) -> list[tuple[str, str, str, str, str]]:
    return [(DU, "", key, value, "EUR") for key, value in (WORTH | values).items()]


def test_an_accounts_values_are_told_in_its_own_currency() -> None:
    report = account_report(DU, rows(SettledCash="300", AccountType="INDIVIDUAL"))
    assert (report.account, report.currency) == (DU, "EUR")
    assert (report.net_liquidation, report.total_cash) == (Decimal("1000.50"), Decimal("400.25"))
    assert (report.settled_cash, report.available_funds) == (Decimal(300), None)
    assert report.account_type == "INDIVIDUAL"


def test_values_that_are_not_ready_are_no_values() -> None:
    with pytest.raises(AccountUnavailableError, match="not valid yet"):
        account_report(DU, rows(AccountReady="false"))
    assert account_report(DU, rows(AccountReady="true")).account == DU


@pytest.mark.parametrize("missing", ["NetLiquidation", "TotalCashValue"])
@pytest.mark.parametrize("told", ["", "1.7976931348623157E308", "NaN", "none"])
def test_a_value_that_counts_and_is_no_number_is_missing(missing: str, told: str) -> None:
    with pytest.raises(AccountUnavailableError, match="did not tell"):
        account_report(DU, rows(**{missing: told}))


def test_the_values_of_another_account_are_not_this_ones() -> None:
    with pytest.raises(AccountUnavailableError):
        account_report("DU7654321", rows())


@pytest.mark.parametrize("prefix", ["", "$LEDGER-"])
def test_cash_is_known_by_currency_and_the_sum_of_all_is_none(prefix: str) -> None:
    key = f"{prefix}CashBalance"
    told = [(DU, "", key, "100", "EUR"), (DU, "", key, "-20.5", "USD"), (DU, "", key, "80", "BASE")]
    report = account_report(DU, rows() + told)
    assert report.cash == {"EUR": Decimal(100), "USD": Decimal("-20.5")}


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({}, SettlementKind.CASH),
        ({"AvailableFunds": "100", "BuyingPower": "100"}, SettlementKind.CASH),
        ({"AvailableFunds": "100", "BuyingPower": "400"}, SettlementKind.MARGIN),
        ({"AvailableFunds": "100", "BuyingPower": "101"}, SettlementKind.CASH),
        ({"AvailableFunds": "0", "BuyingPower": "0"}, SettlementKind.CASH),
        ({"BuyingPower": "400"}, SettlementKind.CASH),
        ({"TradingType-S": "STKMRGN"}, SettlementKind.MARGIN),
        (
            {"TradingType-S": "STKCASH", "AvailableFunds": "1", "BuyingPower": "4"},
            SettlementKind.CASH,
        ),
    ],
)
def test_an_account_that_shows_no_margin_may_spend_settled_cash_alone(
    said: dict[str, str], kind: SettlementKind
) -> None:
    assert account_report(DU, rows(**said)).settlement is kind


def contract(**more: object) -> SimpleNamespace:
    named = {"conId": 1, "symbol": "SPY", "secType": "STK", "currency": "USD", "multiplier": ""}
    return SimpleNamespace(**named, **more)


def test_a_position_can_be_traded_where_it_is_routed_not_where_it_is_listed() -> None:
    held = position(DU, contract(exchange="ARCA", primaryExchange=""), -3.0, 12.5)
    assert held.contract == Contract(1, "SPY", "STK", "SMART", "USD", "ARCA")
    assert (held.quantity, held.average_cost) == (Decimal(-3), Decimal("12.5"))


def test_a_market_rule_belongs_to_the_exchange_at_its_place() -> None:
    details = SimpleNamespace(
        contract=contract(exchange="SMART", primaryExchange="ARCA"),
        liquidHours="20261123:0930-20261123:1600",
        tradingHours="20261123:0400-20261123:2000",
        timeZoneId="US/Eastern",
        minTick=0.01,
        validExchanges="SMART,ARCA,EDGX",
        marketRuleIds="26,557",
    )
    found = candidate(details)
    assert found.market_rules == (("SMART", 26), ("ARCA", 557))
    assert (found.trading_hours, found.min_tick) == ("20261123:0400-20261123:2000", Decimal("0.01"))


@pytest.mark.parametrize(
    ("ticks", "quote"),
    [
        ({4: 10, 2: 11, 1: 9, 9: 8}, MarketQuote(Decimal(10), Decimal(11), Decimal(9), Decimal(8))),
        ({2: 11, 68: 10}, MarketQuote(ask=Decimal(11))),
        ({68: 10, 9: 8}, MarketQuote(last=Decimal(10), delayed=True)),
        ({9: 8}, MarketQuote(close=Decimal(8))),
        ({4: -1, 2: 0}, MarketQuote()),
    ],
)
def test_live_prices_go_before_delayed_ones(ticks: dict[int, int], quote: MarketQuote) -> None:
    assert market_quote({tick: Decimal(price) for tick, price in ticks.items()}) == quote


@pytest.mark.parametrize(
    ("quote", "price"),
    [
        (MarketQuote(bid=Decimal(9), close=Decimal(8)), (Decimal(9), PriceKind.BID)),
        (MarketQuote(close=Decimal(8)), (Decimal(8), PriceKind.CLOSE)),
        (MarketQuote(), None),
    ],
)
def test_the_price_is_the_first_that_there_is(
    quote: MarketQuote, price: tuple[Decimal, PriceKind] | None
) -> None:
    assert quote.price == price
