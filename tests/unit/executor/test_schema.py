"""Order documents, and the Host a request may name."""

from typing import Any

import pytest
from pydantic import ValidationError

from ibgateway_executor.intake.access import cluster_domain, host_allowed
from ibgateway_executor.intake.schema import OrderBody

MARKET = {
    "contract": {"symbol": "AAPL"},
    "side": "BUY",
    "quantity": 10,
    "orderType": "MKT",
}
LIMIT = MARKET | {"orderType": "LMT", "limitPrice": "190.25"}
V1 = "a2b3dc0ee81cc2c0aa463c6c867f6405cf0a3c5e540e3b00d130d12690319afb"
V2 = "2:58b8b94e9bccaa5e3a48d840035e27a59f2439236f62d683fa0a84df48c2c912"


@pytest.mark.parametrize(
    "body",
    [
        MARKET,
        LIMIT,
        MARKET | {"quantity": "10"},
        MARKET | {"contract": {"conId": 265598}},
        MARKET | {"contract": {"conId": "265598"}},
        MARKET | {"contract": {"symbol": "BRK B"}},
        MARKET | {"contract": {"symbol": "A"}},
        MARKET | {"account": "DU1234567", "timeInForce": "GTC"},
        MARKET | {"validUntil": "2026-11-23T16:00:00-05:00"},
        MARKET | {"timeInForce": "OPG"},
        LIMIT | {"timeInForce": "OPG"},
        LIMIT | {"timeInForce": "IOC", "outsideRegularHours": True},
        LIMIT | {"orderType": "LOC"},
        LIMIT | {"orderType": "STP LMT", "stopPrice": "189", "outsideRegularHours": True},
        MARKET | {"orderType": "STP", "stopPrice": "189.5", "timeInForce": "GTC"},
        MARKET | {"orderType": "MOC", "marketClosed": "reject", "priority": "high"},
        MARKET | {"notBefore": "2026-11-23T16:00:00Z", "clientReference": "rebalance 7, §3"},
        MARKET | {"contract": {"conId": 495512557, "secType": "FUT"}},
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
        ({"orderType": "TRAIL"}, "'MKT', 'LMT', 'STP', 'STP LMT', 'MOC' or 'LOC'"),
        ({"timeInForce": "GTD"}, "'DAY', 'GTC', 'IOC' or 'OPG'"),
        ({"orderType": "STP"}, "orderType STP needs stopPrice"),
        ({"orderType": "STP LMT", "stopPrice": "1"}, "orderType STP LMT needs limitPrice"),
        ({"orderType": "STP", "stopPrice": "1", "limitPrice": "1"}, "use STP LMT, or leave it out"),
        ({"orderType": "MOC", "limitPrice": "1"}, "use LOC, or leave it out"),
        ({"stopPrice": "1"}, "takes no stopPrice: use STP or STP LMT"),
        ({"orderType": "MOC", "timeInForce": "OPG"}, "OPG is for orderType MKT (market-on-open)"),
        ({"orderType": "LOC", "limitPrice": "1", "timeInForce": "IOC"}, "IOC is for orderType MKT"),
        ({"orderType": "MOC", "timeInForce": "GTC"}, "is for one close: use timeInForce DAY"),
        ({"outsideRegularHours": True}, "or name a limit price"),
        (
            {"orderType": "LMT", "limitPrice": "1", "timeInForce": "OPG"}
            | {"outsideRegularHours": True},
            "outsideRegularHours is for orderType LMT and STP LMT without OPG",
        ),
        ({"outsideRegularHours": 1}, "a valid boolean"),
        (
            {"notBefore": "2026-11-23T16:00:00Z", "validUntil": "2026-11-23T16:00:00Z"},
            "could never be sent",
        ),
        ({"notBefore": "tomorrow"}, "a time with its zone"),
        ({"marketClosed": "hold"}, "'wait' or 'reject'"),
        ({"priority": "urgent"}, "'high' or 'normal'"),
        ({"clientReference": "a\nb"}, "should match pattern"),
        ({"contract": {}}, "by conId or by symbol"),
        ({"contract": {"symbol": "ES", "secType": "BAG"}}, "'STK', 'CASH'"),
        ({"limit_price": "1"}, "Extra inputs are not permitted"),
        ({"limitprice": "1"}, "Extra inputs are not permitted"),
        ({"account": "du1"}, "should match pattern"),
        ({"validUntil": "2026-11-23T16:00:00"}, "a time with its zone"),
        ({"validUntil": 1763900000}, "a time with its zone"),
        ({"validUntil": "1763900000"}, "a time with its zone"),
        ({"validUntil": "9999-12-31T23:59:59-12:00"}, "between the years 1 and 9999"),
        ({"validUntil": "0001-01-01T00:00:00+12:00"}, "between the years 1 and 9999"),
        ({"validUntil": "2026-11-23T16:00:00Z\n"}, "a time with its zone"),
        ({"quantity": "10\n"}, "write whole shares"),
        ({"orderType": "LMT", "limitPrice": "190.25\n"}, "a price above 0"),
        ({"contract": {"conId": True}}, "contract number"),
        ({"contract": {"conId": 1.0}}, "contract number"),
        ({"contract": {"conId": 2**31}}, "less than or equal to"),
        ({"contract": {"conId": 2**63}}, "less than or equal to"),
        ({"contract": {"conId": -1}}, "greater than or equal to"),
        ({"contract": {"symbol": "AAPL\0003"}}, "should match pattern"),
        ({"contract": {"symbol": "AAPL\n"}}, "should match pattern"),
        ({"contract": {"symbol": " "}}, "should match pattern"),
        ({"contract": {"symbol": "\ud800"}}, "contract.symbol"),
        ({"contract": {"symbol": "A" * 33}}, "should match pattern"),
        ({"contract": {"symbol": "A", "exchange": "SMART\0"}}, "should match pattern"),
        ({"contract": {"symbol": "A", "currency": "USD\0"}}, "should match pattern"),
        ({"contract": {"symbol": "A", "primaryExchange": "N\0"}}, "should match pattern"),
        ({"account": "DU1234567\0"}, "should match pattern"),
        ({"account": "DU1234567\n"}, "should match pattern"),
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


def test_a_conid_comes_with_no_sec_type_that_nobody_named() -> None:
    terms = OrderBody.model_validate(MARKET | {"contract": {"conId": 495512557}}).terms("")
    assert terms.contract.sec_type == ""


def test_a_request_has_the_fingerprint_that_it_had_before_there_were_more_fields() -> None:
    told = "2:b46afa5ead401fed47d8232778ddc6660a322fe8f5a91d6b3382d2119262caab"
    body = MARKET | {"timeInForce": "GTC", "validUntil": "2026-11-23T16:00:00-05:00"}
    assert OrderBody.model_validate(body).fingerprint() == told


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
    ("one", "other"),
    [
        ({"limitPrice": "190.25"}, {"limitPrice": "190.250"}),
        ({"limitPrice": "190"}, {"limitPrice": "190.00"}),
        (
            {"validUntil": "2026-11-23T16:00:00-05:00"},
            {"validUntil": "2026-11-23T21:00:00.000Z"},
        ),
        ({"quantity": 10}, {"quantity": "10"}),
        ({"contract": {"conId": 1}}, {"contract": {"conId": "1", "currency": "USD"}}),
    ],
)
def test_one_price_and_one_instant_have_one_fingerprint(
    one: dict[str, Any], other: dict[str, Any]
) -> None:
    assert _fingerprint(LIMIT | one) == _fingerprint(LIMIT | other)


@pytest.mark.parametrize(
    "change",
    [
        {"limitPrice": "190.26"},
        {"side": "SELL"},
        {"timeInForce": "GTC"},
        {"account": "DU1234567"},
        {"validUntil": "2026-11-23T16:00:00Z"},
        {"contract": {"conId": 265598}},
        {"contract": {"symbol": "AAPL", "primaryExchange": "NASDAQ"}},
    ],
)
def test_another_order_has_another_fingerprint(change: dict[str, Any]) -> None:
    assert _fingerprint(LIMIT | change) != _fingerprint(LIMIT)


def test_fingerprints_are_what_is_in_stored_ledgers() -> None:
    body = OrderBody.model_validate(LIMIT)
    assert body.earlier_fingerprints() == (V1,)
    assert body.fingerprint() == V2


def test_a_field_that_a_later_version_adds_changes_no_stored_fingerprint() -> None:
    class LaterBody(OrderBody):
        good_after: str = ""

    later = LaterBody.model_validate(LIMIT)
    assert (later.fingerprint(), later.earlier_fingerprints()) == (V2, (V1,))
    with_it = LaterBody.model_validate(LIMIT | {"goodAfter": "09:31"})
    assert with_it.fingerprint() != V2


def _fingerprint(body: dict[str, Any]) -> str:
    return OrderBody.model_validate(body).fingerprint()


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
        ("paper-executor.trading.svc.evil.com", False),
        ("paper-executor.trading.svc.cluster.local.evil.com", False),
        ("paper-executor.trading.svc.cluster.local.", True),
        ("paper-executor:evil.com", False),
        ("[::1].evil.com", False),
        ("127.0.0.1.evil.com", False),
        ("paper-executor:8080:8080", False),
    ],
)
def test_only_our_own_names_are_hosts(host: str, allowed: bool) -> None:
    assert host_allowed(host, gateway="paper", namespace="trading") is allowed


@pytest.mark.parametrize(
    ("text", "domain"),
    [
        (
            "search trading.svc.corp.example svc.corp.example corp.example\nnameserver 10.96.0.10\n",
            "corp.example",
        ),
        ("nameserver 10.96.0.10\nsearch a.svc.k8s svc.k8s. k8s\n", "k8s"),
        ("nameserver 1.1.1.1\n", "cluster.local"),
        ("search\n\n", "cluster.local"),
    ],
)
def test_the_clusters_domain_is_the_one_that_pods_search(text: str, domain: str) -> None:
    assert cluster_domain(text) == domain
    host = f"paper-executor.trading.svc.{domain}"
    assert host_allowed(host, gateway="paper", namespace="trading", domain=domain)
