"""The HTTP API in process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from ibgateway_api.gate import Closed, Gate
from ibgateway_api.login import LoginState
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.http import Office, application
from ibgateway_executor.ledger.sqlite import open_ledger
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
ORDER = {"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 10, "orderType": "MKT"}
KEY = {"Idempotency-Key": "k1"}


class Desk:
    """Settings, accounts and a closed gate."""

    known: tuple[str, ...] = ()
    settings = ExecutorSettings(
        namespace="trading", gateway="paper", api_host="h", api_port=1, sentinel_url="u"
    )

    def gate(self) -> Gate:
        return Closed(LoginState.AWAITING_APPROVAL, "a push waits")

    def accounts(self) -> tuple[str, ...]:
        return self.known


class Intake:
    """The application with its desk and a count of wakes."""

    def __init__(self, ledger: LedgerThread) -> None:
        self.desk = Desk()
        self.woken = 0
        ids = iter(f"id{n}" for n in range(1000))
        desk: Any = self.desk
        acceptance = Acceptance(
            ledger, desk, ExecutorMetrics(), clock=lambda: NOON, new_id=lambda: next(ids)
        )
        office = Office(
            ledger=ledger,
            desk=desk,
            acceptance=acceptance,
            client_token=lambda: b"client-secret",
            agent_token=lambda: b"agent-secret",
            wake=self._wake,
            clock=lambda: NOON,
        )
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(application(office)),
            base_url="http://paper-executor-intake.trading.svc:8080",
            headers={"Authorization": "Bearer client-secret"},
        )

    def _wake(self) -> None:
        self.woken += 1

    async def place(self, key: str = "k1", **changes: Any) -> httpx.Response:
        return await self.http.post(
            "/v1/orders", json=ORDER | changes, headers={"Idempotency-Key": key}
        )


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[Intake]:
    ledger = LedgerThread(open_ledger(tmp_path / "ledger.db"))
    ledger.ledger.stamp("paper")
    made = Intake(ledger)
    async with made.http:
        yield made
    ledger.close()


async def test_an_order_is_answered_with_what_was_stored(intake: Intake) -> None:
    answer = await intake.place(orderType="LMT", limitPrice="190.250")
    assert answer.status_code == 202
    assert answer.json() == {
        "id": "id0",
        "state": "Accepted",
        "reason": "",
        "message": "",
        "account": "",
        "contract": {
            "conId": None,
            "symbol": "AAPL",
            "secType": "STK",
            "exchange": "SMART",
            "currency": "USD",
            "primaryExchange": "",
        },
        "side": "BUY",
        "quantity": 10,
        "orderType": "LMT",
        "limitPrice": "190.250",
        "timeInForce": "DAY",
        "validUntil": "2026-11-24T17:00:00+00:00",
        "orderRef": "ibg-id0",
        "orderId": None,
        "permId": None,
        "filledQuantity": "0",
        "averagePrice": None,
        "cancelRequested": False,
        "acceptedAt": "2026-11-23T17:00:00+00:00",
        "sentAt": None,
        "updatedAt": "2026-11-23T17:00:00+00:00",
    }
    assert intake.woken == 1


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
        ("/docs", "", 404),
        ("/redoc", "", 404),
    ],
)
async def test_each_door_has_its_key(intake: Intake, path: str, token: str, status: int) -> None:
    answer = await intake.http.get(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == status


async def test_a_foreign_host_is_turned_away_even_with_the_token(intake: Intake) -> None:
    answer = await intake.http.get("/v1/orders", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (421, "UnknownHost")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"quantity": "ten"}, "quantity: write whole shares"),
        ({"limitprice": "1"}, "limitprice: is not a field of an order"),
        ({"contract": {}}, "contract: name the contract by conId or by symbol"),
        ({"orderType": "LMT"}, "orderType LMT needs limitPrice"),
        ({"validUntil": "2026-11-23T16:59:59Z"}, "validUntil is past"),
    ],
)
async def test_a_bad_request_says_where_and_what(
    intake: Intake, changes: dict[str, Any], words: str
) -> None:
    answer = await intake.place(**changes)
    assert answer.status_code == 422
    assert words in answer.json()["error"]["message"]
    assert intake.woken == 0


async def test_the_idempotency_key_is_required_and_plain(intake: Intake) -> None:
    answer = await intake.http.post("/v1/orders", json=ORDER)
    assert answer.json()["error"]["message"] == "Idempotency-Key: is required"
    answer = await intake.place(key="two words")
    assert answer.status_code == 422
    answer = await intake.place(key="k" * 256)
    assert answer.status_code == 422


async def test_a_body_that_is_no_json_or_too_large_is_refused(intake: Intake) -> None:
    answer = await intake.http.post("/v1/orders", content=b"{", headers=KEY)
    assert answer.status_code == 422
    answer = await intake.http.post("/v1/orders", content=b" " * 70_000, headers=KEY)
    assert answer.status_code == 413


async def test_limits_are_told_at_the_door(intake: Intake) -> None:
    limits = {"max_order_value": "1000", "max_orders_per_day": 1}
    intake.desk.settings = intake.desk.settings.model_copy(update=limits)
    answer = await intake.place(orderType="LMT", limitPrice="100.01")
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "OrderValueLimit")
    assert (await intake.place(orderType="LMT", limitPrice="100.00")).status_code == 202
    answer = await intake.place("k2")
    assert (answer.status_code, answer.json()["error"]["code"]) == (429, "DailyOrderLimit")


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
    intake: Intake, known: tuple[str, ...], named: str, status: int, account: str | None
) -> None:
    intake.desk.known = known
    answer = await intake.place(account=named)
    assert (answer.status_code, answer.json().get("account")) == (status, account)


async def test_orders_are_listed_in_pages_and_by_state(intake: Intake) -> None:
    for number in range(3):
        await intake.place(f"k{number}")
    await intake.http.delete("/v1/orders/id1")
    first = (await intake.http.get("/v1/orders?limit=2")).json()
    assert ([o["id"] for o in first["orders"]], first["next"]) == (["id0", "id1"], 2)
    rest = (await intake.http.get("/v1/orders?limit=2&after=2")).json()
    assert ([o["id"] for o in rest["orders"]], rest["next"]) == (["id2"], None)
    gone = (await intake.http.get("/v1/orders?state=Cancelled")).json()
    assert [o["id"] for o in gone["orders"]] == ["id1"]
    assert (await intake.http.get("/v1/orders?state=Nope")).status_code == 422


async def test_the_gate_report_counts_what_is_open(intake: Intake) -> None:
    await intake.place()
    answer = await intake.http.get("/v1/gate", headers={"Authorization": "Bearer agent-secret"})
    assert answer.json() == {
        "open": False,
        "reason": "AwaitingApproval",
        "message": "a push waits",
        "unacknowledged": 0,
        "openOrders": 1,
    }
