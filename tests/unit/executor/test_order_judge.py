"""The judge of the books: each thing that must not be is seen, and nothing else is."""

from typing import Any

import pytest

from order_judge import judge


def order(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"o{number}",
        "orderRef": f"ibg-o{number}",
        "state": "Filled",
        "reason": "",
        "message": "",
        "resolution": None,
        "account": "DU1",
        "contract": {"symbol": "AAPL", "conId": 265598},
        "side": "BUY",
        "quantity": 10,
        "orderType": "MKT",
        "limitPrice": None,
        "timeInForce": "DAY",
        "permId": 100 + number,
        "filledQuantity": "10",
    } | changes


def arrival(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {
        "order_ref": f"ibg-o{number}",
        "account": "DU1",
        "symbol": "AAPL",
        "action": "BUY",
        "quantity": "10",
        "order_type": "MKT",
        "limit": "0",
        "tif": "DAY",
        "fate": "booked",
        "perm_id": 100 + number,
    } | changes


def book(number: int = 1, **changes: Any) -> dict[str, Any]:
    return {"perm_id": 100 + number, "status": "Filled", "filled": "10"} | changes


def found(
    orders: list[dict[str, Any]],
    arrivals: list[dict[str, Any]],
    books: list[dict[str, Any]],
    **more: Any,
) -> list[str]:
    """The kinds of the violations."""
    more = {"acknowledged": [one["id"] for one in orders]} | more
    verdict = judge({"arrivals": arrivals, "orders": books}, orders, **more)
    return [line.split(":")[0] for line in verdict.violations]


PARKED: dict[str, Any] = {
    "state": "Unknown",
    "reason": "NotFoundAtBroker",
    "permId": None,
    "filledQuantity": "0",
}
LOST: dict[str, Any] = {"fate": "lost", "perm_id": 0}


@pytest.mark.parametrize(
    ("orders", "arrivals", "books"),
    [
        ([order(1), order(2)], [arrival(1), arrival(2)], [book(1), book(2)]),
        ([order(**PARKED)], [], []),
        ([order(**PARKED)], [arrival(**LOST)], []),
        ([order(state="Cancelled", permId=None, filledQuantity="0")], [], []),
        (
            [order(state="Rejected", reason="RejectedByBroker", permId=None, filledQuantity="0")],
            [arrival(fate="refused", perm_id=0)],
            [],
        ),
        (
            [order(state="Rejected", reason="RejectedByBroker", filledQuantity="0")],
            [arrival()],
            [book(status="Inactive", filled="0")],
        ),
        (
            [order(orderType="LMT", limitPrice="190.50")],
            [arrival(order_type="LMT", limit="190.5")],
            [book()],
        ),
        (
            [order(state="Working", filledQuantity="4")],
            [arrival()],
            [book(status="Submitted", filled="4")],
        ),
        (
            [order(1), order(2, account="DU2")],
            [arrival(2, account="DU2"), arrival(1)],
            [book(1), book(2)],
        ),
    ],
)
def test_what_may_be_is_no_violation(
    orders: list[dict[str, Any]], arrivals: list[dict[str, Any]], books: list[dict[str, Any]]
) -> None:
    assert found(orders, arrivals, books) == []


@pytest.mark.parametrize(
    ("orders", "arrivals", "books", "expected"),
    [
        ([], [arrival()], [book()], ["lost"]),
        (
            [order(state="Cancelled", reason="CancelledByBroker", permId=None, filledQuantity="0")],
            [],
            [],
            ["told_otherwise"],
        ),
        (
            [order()],
            [arrival(), arrival(perm_id=102)],
            [book(), book(2)],
            ["twice", "told_otherwise"],
        ),
        ([order()], [arrival(**LOST), arrival()], [book()], ["twice"]),
        ([order(1), order(2)], [arrival(2), arrival(1)], [book(1), book(2)], ["out_of_order"]),
        ([order()], [arrival(quantity="11")], [book()], ["other_terms"]),
        ([order()], [arrival(action="SELL")], [book()], ["other_terms"]),
        (
            [order(orderType="LMT", limitPrice="1")],
            [arrival(order_type="LMT", limit="2")],
            [book()],
            ["other_terms"],
        ),
        ([order()], [], [], ["told_otherwise"]),
        ([order()], [arrival()], [book(status="Cancelled")], ["told_otherwise"]),
        ([order(filledQuantity="4")], [arrival()], [book()], ["told_otherwise"]),
        ([order(permId=7)], [arrival()], [book()], ["told_otherwise"]),
        ([order(state="Waiting")], [arrival()], [book()], ["told_otherwise"]),
        ([order(state="Waiting")], [arrival(**LOST)], [], ["told_otherwise"]),
        (
            [order(state="Rejected", reason="RejectedByBroker", permId=None)],
            [arrival(**LOST)],
            [],
            ["told_otherwise"],
        ),
        (
            [order(state="Cancelled", resolution="notAtBroker", permId=None)],
            [arrival()],
            [book()],
            ["told_otherwise", "told_otherwise"],
        ),
        ([order(**PARKED)], [arrival()], [book()], ["unexplained"]),
        ([order(**PARKED | {"reason": "ConnectionLost"})], [], [], ["unexplained"]),
        ([order(state="Sending")], [], [], ["unexplained"]),
        ([order(state="Unverified")], [], [], ["unexplained"]),
    ],
)
def test_what_must_not_be_is_seen(
    orders: list[dict[str, Any]],
    arrivals: list[dict[str, Any]],
    books: list[dict[str, Any]],
    expected: list[str],
) -> None:
    assert found(orders, arrivals, books) == expected


def test_an_order_that_was_acknowledged_and_is_gone_is_lost() -> None:
    assert found([order()], [arrival()], [book()], acknowledged=["o1", "o9"]) == ["lost"]


def test_a_proven_resend_is_not_sent_twice() -> None:
    resent = [arrival(**LOST), arrival()]
    assert found([order()], resent, [book()], proven_resends=["ibg-o1"]) == []


def test_a_what_if_is_no_order() -> None:
    quote = arrival(9, fate="what-if", perm_id=0)
    assert found([order()], [quote, arrival()], [book()]) == []


def test_an_order_ref_that_ibkr_cut_is_known_by_its_arrival() -> None:
    assert found([order()], [arrival()], [book(order_ref="ibg")]) == []
