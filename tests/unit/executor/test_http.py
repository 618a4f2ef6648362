"""The HTTP API in process."""

import json
import logging
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from executor_fakes import NOON, ORDER, IntakeWorld, entry
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.sqlite import open_sqlite
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import OrderError
from ibgateway_executor.rebalance.progress import RebalanceRun, RebalanceState, move
from ibgateway_executor.wakeup import Wakeup

KEY = {"Idempotency-Key": "k1"}


async def test_an_order_is_answered_with_what_was_stored(intake: IntakeWorld) -> None:
    answer = await intake.place(orderType="LMT", limitPrice="190.250")
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "id0",
        "state": "Accepted",
        "reason": "",
        "message": "",
        "brokerMessage": "",
        "resolution": None,
        "note": None,
        "account": "",
        "contract": {
            "conId": None,
            "symbol": "AAPL",
            "secType": "STK",
            "exchange": "SMART",
            "currency": "USD",
            "primaryExchange": "",
            "multiplier": None,
        },
        "side": "BUY",
        "quantity": 10,
        "orderType": "LMT",
        "limitPrice": "190.250",
        "stopPrice": None,
        "timeInForce": "DAY",
        "outsideRegularHours": False,
        "notBefore": None,
        "marketClosed": None,
        "priority": "normal",
        "clientReference": None,
        "replaces": None,
        "replacedBy": None,
        "rebalance": None,
        "validUntil": "2026-11-24T17:00:00+00:00",
        "orderRef": "ibg-id0",
        "orderId": None,
        "permId": None,
        "filledQuantity": "0",
        "averagePrice": None,
        "cancelRequested": False,
        "acceptedAt": "2026-11-23T17:00:00+00:00",
        "sentAt": None,
        "resentAt": None,
        "updatedAt": "2026-11-23T17:00:00+00:00",
    }
    assert intake.changed.count == 1


@pytest.mark.parametrize(
    ("path", "token", "status"),
    [
        ("/v1/orders", "client-secret", 200),
        ("/v1/orders", "agent-secret", 401),
        ("/v1/orders", "", 401),
        ("/v1/gate", "agent-secret", 200),
        ("/v1/gate", "client-secret", 401),
        ("/v1/orders/nope", "client-secret", 404),
        ("/v1/nothing", "client-secret", 404),
        ("/v1/nothing", "", 401),
        ("/openapi.json", "", 200),
        ("/docs", "", 200),
        ("/redoc", "", 404),
    ],
)
async def test_each_path_has_its_token(
    intake: IntakeWorld, path: str, token: str, status: int
) -> None:
    answer = await intake.http.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status


async def test_a_foreign_host_is_turned_away_even_with_the_token(intake: IntakeWorld) -> None:
    answer = await intake.http.get("/v1/orders", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["code"]) == (421, "UnknownHost")


async def test_two_hosts_are_turned_away(intake: IntakeWorld) -> None:
    hosts = [("Host", "paper-executor"), ("Host", "paper-executor")]
    request = intake.http.build_request("GET", "/v1/orders")
    request.headers = httpx.Headers([*hosts, ("Authorization", "Bearer client-secret")])
    assert (await intake.http.send(request)).status_code == 421


async def test_an_order_says_that_it_is_json(intake: IntakeWorld) -> None:
    body = json.dumps(ORDER).encode()
    for kind, status in (
        ("application/json", 202),
        ("Application/JSON; charset=utf-8", 200),
        ("application/problem+json", 200),
        ("text/plain", 415),
        ("application/jsonp", 415),
    ):
        headers = KEY | {"Content-Type": kind}
        answer = await intake.http.post("/v1/orders", content=body, headers=headers)
        assert answer.status_code == status, kind
    answer = await intake.http.post("/v1/orders", content=body, headers=KEY)
    assert answer.json()["detail"] == "send it with Content-Type: application/json"


async def test_the_api_documents_what_an_order_is(intake: IntakeWorld) -> None:
    document = (await intake.http.get("/openapi.json")).json()
    placing = document["paths"]["/v1/orders"]["post"]
    body = placing["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/OrderBody"}
    assert [(p["name"], p["in"], p["required"]) for p in placing["parameters"]] == [
        ("Idempotency-Key", "header", True)
    ]
    assert "limitPrice" in document["components"]["schemas"]["OrderBody"]["properties"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": "ten"}, "quantity: write whole shares"),
        ({"limitprice": "1"}, "limitprice: is not a field of this document"),
        ({"contract": {}}, "contract: name the contract by conId or by symbol"),
        ({"orderType": "LMT"}, "orderType LMT needs limitPrice"),
        ({"validUntil": "2026-11-23T16:59:59Z"}, "validUntil is past"),
    ],
)
async def test_a_bad_request_says_where_and_what(
    intake: IntakeWorld, changes: dict[str, Any], words: str
) -> None:
    answer = await intake.place(**changes)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert intake.changed.count == 0


async def test_a_body_that_is_no_json_or_too_large_is_refused(intake: IntakeWorld) -> None:
    answer = await intake.http.post("/v1/orders", content=b"{", headers=KEY)
    assert answer.status_code == 415
    answer = await intake.http.post("/v1/orders", content=b" " * 70_000, headers=KEY)
    assert answer.status_code == 413


async def test_limits_are_told_at_once(intake: IntakeWorld) -> None:
    limits = {"max_order_value": "1000", "max_orders_per_day": 1}
    intake.settings = intake.settings.model_copy(update=limits)
    answer = await intake.place(orderType="LMT", limitPrice="100.01")
    assert (answer.status_code, answer.json()["code"]) == (422, "OrderValueLimit")
    assert (await intake.place(orderType="LMT", limitPrice="100.00")).status_code == 202
    answer = await intake.place("k2")
    assert (answer.status_code, answer.json()["code"]) == (429, "DailyOrderLimit")


@pytest.mark.parametrize(
    ("known", "named", "status", "account"),
    [
        ((), "", 202, ""),
        ((), "DU1234567", 202, "DU1234567"),
        (("DU1234567",), "", 202, "DU1234567"),
        (("DU1", "DU2"), "", 422, None),
        (("DU1234567",), "DU7654321", 422, None),
    ],
)
async def test_the_account_may_be_left_out_where_there_is_one(
    intake: IntakeWorld, known: tuple[str, ...], named: str, status: int, account: str | None
) -> None:
    intake.accounts = known
    answer = await intake.place(account=named)
    assert (answer.status_code, answer.json().get("account")) == (status, account)


async def test_the_gate_report_counts_what_is_open(intake: IntakeWorld) -> None:
    await intake.place()
    answer = await intake.http.get("/v1/gate", headers={"Authorization": "Bearer agent-secret"})
    assert answer.json() == {
        "open": False,
        "reason": "AwaitingApproval",
        "message": "a push waits",
        "unacknowledged": 0,
        "openOrders": 1,
        "inDoubt": 0,
        "rebalances": [],
        "backupProblem": "",
    }


async def test_the_gate_report_has_what_needs_a_person(intake: IntakeWorld) -> None:
    made = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    stop = partial(move, state=RebalanceState.STOPPED, reason="Refused", message="no such contract")
    await intake.ledger.rebalances.accept("k1", "h", made)
    await intake.ledger.rebalances.advance("r1", stop)
    intake.backup_problem = "no room"
    answer = await intake.http.get("/v1/gate", headers={"Authorization": "Bearer agent-secret"})
    found = {"id": "r1", "state": "Stopped", "reason": "Refused", "message": "no such contract"}
    assert answer.json()["rebalances"] == [found]
    assert answer.json()["backupProblem"] == "no room"
    assert intake.counted("rebalances_accepted_total") == 1
    assert intake.counted("rebalances_ended_total", state="Stopped", reason="Refused") == 1


async def test_what_needs_a_person_is_known_again_after_a_restart(
    intake: IntakeWorld, tmp_path: Path
) -> None:
    made = RebalanceRun("r1", 0, "DU1234567", "{}", NOON, NOON + timedelta(days=1))
    await intake.ledger.rebalances.accept("k1", "h", made)
    await intake.ledger.rebalances.advance("r1", partial(move, state=RebalanceState.STOPPED))
    store = open_sqlite(tmp_path / "ledger.db")
    again = Ledger(store, clock=intake.time.clock, metrics=ExecutorMetrics(), changed=Wakeup())
    await again.begin("paper")
    assert [each.id for each in again.rebalances.findings()] == ["r1"]
    assert [run.state for run in again.rebalances.last] == ["Stopped"]
    again.close()


async def test_the_gate_report_counts_what_is_in_doubt(intake: IntakeWorld) -> None:
    order_id = (await intake.place()).json()["id"]
    await intake.ledger.reserve(order_id, client_id=17, next_valid_id=1)
    await intake.ledger.observe(OrderError(1, 17, 103, "Duplicate order id"))
    answer = await intake.http.get("/v1/gate", headers={"Authorization": "Bearer agent-secret"})
    assert (answer.json()["inDoubt"], answer.json()["openOrders"]) == (1, 1)


async def test_a_ledger_that_was_not_written_since_the_start_has_only_its_reason_for_the_gate(
    intake: IntakeWorld,
) -> None:
    intake.ledger.begun = False
    answer = await intake.http.get("/v1/gate", headers={"Authorization": "Bearer agent-secret"})
    told = answer.json()
    assert (told["status"], told["code"], told["detail"]) == (503, "LedgerUnavailable", "")


async def test_a_new_order_and_a_clients_cancel_are_logged_and_counted(
    intake: IntakeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="ibgateway_executor"):
        await intake.place()
        await intake.place()
        await intake.http.delete("/v1/orders/id0")
        again = await intake.http.delete("/v1/orders/id0")
    assert again.status_code == 200
    assert [r.message for r in caplog.records if r.name.startswith("ibgateway_executor")] == [
        "order id0 is Accepted (0 of 10 filled)",
        "order id0 is Cancelled (0 of 10 filled) CancelledByClient",
    ]
    assert intake.changed.count == 2
    assert intake.counted("orders_accepted_total") == 1
    assert intake.counted("order_moves_total", state="Cancelled") == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"side": "BUY", "side": "SELL"}', "side stands in it twice"),
        (b'{"contract": {"symbol": "A", "symbol": "B"}}', "symbol stands in it twice"),
        (b'{"quantity": NaN}', "NaN is no JSON"),
        (b"[" * 60_000, "it is no JSON"),
        (b"9" * 6_000, "it is no JSON"),
        (b'{"side": "\xff"}', "it is not UTF-8"),
        (b'{"\\ud800": 1}', "unicode string"),
        (b"null", "dictionary"),
        (b"", "is required"),
    ],
)
async def test_a_body_with_more_than_one_meaning_is_refused(
    intake: IntakeWorld, body: bytes, words: str
) -> None:
    headers = KEY | {"Content-Type": "application/json"}
    answer = await intake.http.post("/v1/orders", content=body, headers=headers)
    assert answer.status_code == 422
    assert words in answer.json()["detail"]
    assert intake.changed.count == 0


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("POST", {"Transfer-Encoding": "chunked"}, 411),
        ("POST", {"Transfer-Encoding": "chunked", "Content-Length": "2"}, 411),
        ("POST", {"Content-Length": "\xb2"}, 411),
        ("POST", {"Content-Length": "9" * 5000}, 411),
        ("POST", {"Content-Length": "70000"}, 413),
        ("DELETE", {"Transfer-Encoding": "chunked"}, 411),
    ],
)
async def test_a_body_is_as_long_as_it_says(
    intake: IntakeWorld, method: str, headers: dict[str, str], status: int
) -> None:
    coded = [(name.encode(), value.encode("latin-1")) for name, value in (KEY | headers).items()]
    path = "/v1/orders" if method == "POST" else "/v1/orders/id0"
    request = intake.http.build_request(method, path, headers=coded)
    answer = await intake.http.send(request)
    assert answer.status_code == status


async def test_the_same_request_written_otherwise_is_the_same_order(intake: IntakeWorld) -> None:
    first = await intake.place(
        orderType="LMT", limitPrice="190.25", validUntil="2026-11-24T16:00:00-05:00"
    )
    again = await intake.place(
        orderType="LMT", limitPrice="190.250", validUntil="2026-11-24T21:00:00Z"
    )
    assert (first.status_code, again.status_code) == (202, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Location"] == first.headers["Location"] == "/v1/orders/id0"
    other = await intake.place(orderType="LMT", limitPrice="190.26")
    assert (other.status_code, other.json()["code"]) == (422, "IdempotencyKeyReused")


async def test_a_request_that_an_earlier_version_stored_is_known_again(intake: IntakeWorld) -> None:
    body = OrderBody.model_validate(ORDER)
    earlier = replace(entry("old"), key="k1", hash=body.earlier_fingerprints()[0])
    await intake.ledger.accept(earlier)
    answer = await intake.place("k1")
    assert (answer.status_code, answer.json()["id"]) == (200, "old")


async def test_an_order_in_doubt_is_resolved_by_a_person(
    intake: IntakeWorld, caplog: pytest.LogCaptureFixture
) -> None:
    order_id = (await intake.place()).json()["id"]
    await intake.ledger.reserve(order_id, client_id=17, next_valid_id=1)
    url = f"/v1/orders/{order_id}/resolve"
    body = {"outcome": "notAtBroker", "note": "not in TWS, 14:05, R."}
    early = await intake.http.post(url, json=body)
    assert (early.status_code, early.json()["code"]) == (409, "CannotResolve")
    await intake.ledger.observe(OrderError(1, 17, 103, "Duplicate order id"))
    told = await intake.http.post(url, json=body)
    again = await intake.http.post(url, json=body)
    assert (told.status_code, again.status_code) == (200, 200)
    assert again.json() == told.json()
    seen = {k: told.json()[k] for k in ("state", "reason", "resolution", "note", "brokerMessage")}
    assert seen == {
        "state": "Cancelled",
        "reason": "ResolvedByPerson",
        "resolution": "notAtBroker",
        "note": "not in TWS, 14:05, R.",
        "brokerMessage": "103: Duplicate order id",
    }
    audit = [line for line in caplog.messages if "a person resolved it" in line]
    assert audit == [f"order {order_id}: a person resolved it as notAtBroker"]
    other = await intake.http.post(url, json={"outcome": "giveUp", "note": "n"})
    assert (other.status_code, other.json()["code"]) == (409, "CannotResolve")
    assert "as notAtBroker" in other.json()["detail"]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"outcome": "giveUp"}, "note: is required"),
        ({"outcome": "giveUp", "note": "  "}, "note: "),
        ({"outcome": "lost", "note": "n"}, "outcome: "),
        ({"outcome": "found", "note": "n"}, "filledQuantity belongs to the outcome found"),
        ({"outcome": "giveUp", "note": "n", "filledQuantity": 1}, "filledQuantity belongs"),
        ({"outcome": "found", "note": "n", "filledQuantity": 11}, "the order has 10 shares"),
        ({"outcome": "found", "note": "n", "filledQuantity": -1}, "filledQuantity: "),
        ({"outcome": "giveUp", "note": "n", "resend": True}, "resend: "),
    ],
)
async def test_a_resolution_says_what_was_found_and_how(
    intake: IntakeWorld, body: dict[str, Any], message: str
) -> None:
    order_id = (await intake.place()).json()["id"]
    refused = await intake.http.post(f"/v1/orders/{order_id}/resolve", json=body)
    assert refused.status_code == 422
    assert message in refused.json()["detail"]


async def test_a_resolution_needs_an_order_and_the_token(intake: IntakeWorld) -> None:
    body = {"outcome": "giveUp", "note": "n"}
    missing = await intake.http.post("/v1/orders/nope/resolve", json=body)
    assert (missing.status_code, missing.json()["code"]) == (404, "NoSuchOrder")
    bare = await intake.http.post(
        "/v1/orders/nope/resolve", json=body, headers={"Authorization": "Bearer wrong"}
    )
    assert bare.status_code == 401
