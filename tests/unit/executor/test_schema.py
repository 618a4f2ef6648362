"""Order documents, and the Host a request may name."""

from typing import Any

import pytest
from pydantic import ValidationError

from ibgateway_executor.intake.access import host_allowed
from ibgateway_executor.intake.schema import OrderBody

MARKET = {
    "contract": {"symbol": "AAPL"},
    "side": "BUY",
    "quantity": 10,
    "orderType": "MKT",
}
LIMIT = MARKET | {"orderType": "LMT", "limitPrice": "190.25"}


@pytest.mark.parametrize(
    "body",
    [
        MARKET,
        LIMIT,
        MARKET | {"quantity": "10"},
        MARKET | {"contract": {"conId": 265598}},
        MARKET | {"account": "DU1234567", "timeInForce": "GTC"},
        MARKET | {"validUntil": "2026-11-23T16:00:00-05:00"},
    ],
)
def test_good_orders_are_taken(body: dict[str, Any]) -> None:
    assert OrderBody.model_validate(body).quantity == 10


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"quantity": 1.5}, "write whole shares"),
        ({"quantity": "1.5"}, "write whole shares"),
        ({"quantity": True}, "write whole shares"),
        ({"quantity": 0}, "greater than or equal to 1"),
        ({"quantity": -1}, "greater than or equal to 1"),
        ({"quantity": 10_000_001}, "less than or equal to"),
        ({"side": "LONG"}, "'BUY' or 'SELL'"),
        ({"orderType": "LMT"}, "orderType LMT needs limitPrice"),
        ({"limitPrice": "1"}, "orderType MKT takes no limitPrice"),
        ({"orderType": "LMT", "limitPrice": 190.25}, 'as text, such as "190.25"'),
        ({"orderType": "LMT", "limitPrice": "0"}, "a price above 0"),
        ({"orderType": "LMT", "limitPrice": "1e3"}, "a price above 0"),
        ({"orderType": "STP"}, "'MKT' or 'LMT'"),
        ({"timeInForce": "IOC"}, "'DAY' or 'GTC'"),
        ({"contract": {}}, "by conId or by symbol"),
        ({"contract": {"symbol": "ES", "secType": "FUT"}}, "'STK'"),
        ({"limit_price": "1"}, "Extra inputs are not permitted"),
        ({"limitprice": "1"}, "Extra inputs are not permitted"),
        ({"account": "du1"}, "should match pattern"),
        ({"validUntil": "2026-11-23T16:00:00"}, "timezone"),
    ],
)
def test_bad_orders_are_refused_with_what_to_do(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError) as refused:
        OrderBody.model_validate(MARKET | change)
    assert words in str(refused.value)


@pytest.mark.parametrize(
    ("contract", "currency"),
    [({"conId": 1}, ""), ({"conId": 1, "currency": "USD"}, "USD"), ({"symbol": "A"}, "USD")],
)
def test_a_conid_comes_with_no_currency_that_nobody_named(
    contract: dict[str, Any], currency: str
) -> None:
    terms = OrderBody.model_validate(MARKET | {"contract": contract}).terms("")
    assert terms.contract.currency == currency


def test_requests_that_mean_the_same_have_one_fingerprint() -> None:
    same = [
        MARKET,
        MARKET | {"quantity": "10"},
        MARKET | {"timeInForce": "DAY", "account": ""},
        MARKET | {"contract": {"symbol": "AAPL", "exchange": "SMART", "currency": "USD"}},
    ]
    assert len({OrderBody.model_validate(body).fingerprint() for body in same}) == 1
    other = OrderBody.model_validate(MARKET | {"quantity": 11}).fingerprint()
    assert other != OrderBody.model_validate(MARKET).fingerprint()


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("paper-executor", True),
        ("paper-executor:8080", True),
        ("PAPER-EXECUTOR-INTAKE.trading:8080", True),
        ("paper-executor-intake.trading.svc", True),
        ("paper-executor.trading.svc.cluster.local:8080", True),
        ("localhost:18080", True),
        ("127.0.0.1:8080", True),
        ("[::1]:8080", True),
        ("10.244.0.7", True),
        ("", False),
        ("evil.example", False),
        ("paper-executor.evil.example", False),
        ("paper-executor.other.svc.cluster.local", False),
        ("live-executor", False),
        ("localhost.evil.example", False),
    ],
)
def test_only_our_own_names_are_hosts(host: str, allowed: bool) -> None:
    assert host_allowed(host, gateway="paper", namespace="trading") is allowed
