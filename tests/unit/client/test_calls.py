"""The client against the executor's own routes, in process, and against answers of this test's."""

import json
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from executor_fakes import IntakeWorld, open_hooked
from ibgateway.client import (
    AsyncExecutorClient,
    ClientError,
    ConflictError,
    ExecutorClient,
    LimitError,
    NotFoundError,
    OrderRequest,
    ProblemError,
    RefusedError,
    RetryLimit,
    TokenError,
    UnansweredError,
    UnavailableError,
    UnreadableError,
    http_calls,
)
from ibgateway.client.calls import key_field
from ibgateway_api.executor_documents import RebalanceChange
from ibgateway_executor.intake.rebalance_examples import REBALANCE
from ibgateway_executor.intake.schema import OrderBody

URL = "http://paper-executor-intake.trading.svc:8080"
AAPL = OrderRequest.market("AAPL", "BUY", 10)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[IntakeWorld]:
    world = IntakeWorld(open_hooked(tmp_path / "ledger.db"))
    async with world.http:
        yield world
    world.ledger.close()


@pytest.fixture
async def client(intake: IntakeWorld) -> AsyncIterator[AsyncExecutorClient]:
    transport = httpx.ASGITransport(intake.app)
    async with AsyncExecutorClient(URL, token="client-secret", transport=transport) as made:
        yield made


async def test_an_order_is_placed_once_and_a_repeat_is_told(client: AsyncExecutorClient) -> None:
    order = OrderRequest.limit("AAPL", "BUY", 10, "190.25", client_reference="basket 7")
    placed = await client.place(order, key='a "key"')
    again = await client.place(order, key='a "key"')
    assert (placed.new, again.new) == (True, False)
    assert placed.order.id == again.order.id
    assert placed.order.limit_price == Decimal("190.25")
    assert placed.order.client_reference == "basket 7"
    assert (await client.order(placed.order.id)).valid_until == placed.order.valid_until


async def test_orders_come_page_by_page(client: AsyncExecutorClient) -> None:
    ids = [(await client.place(AAPL, key=f"k{number}")).order.id for number in range(5)]
    await client.cancel(ids[3])
    assert [order.id async for order in client.orders(page_size=2)] == ids
    assert [order.id async for order in client.orders(state="Cancelled")] == [ids[3]]
    since = datetime(2026, 11, 24, tzinfo=UTC)
    assert [order.id async for order in client.orders(since=since)] == []
    assert [entry.after async for entry in client.history(ids[3])] == ["Accepted", "Cancelled"]


async def test_a_pause_is_begun_and_ended(client: AsyncExecutorClient) -> None:
    assert (await client.pause(by="R.", reason="news")).paused
    assert (await client.paused()).by == "R."
    assert not (await client.resume(by="R.")).paused


async def test_an_order_is_replaced_and_everything_is_cancelled(
    client: AsyncExecutorClient,
) -> None:
    order = OrderRequest.limit("AAPL", "BUY", 10, "190.25")
    old = (await client.place(order, key="k1")).order
    new = await client.replace(old.id, {"limitPrice": "191"}, key="k2")
    again = await client.replace(old.id, {"limitPrice": "191"}, key="k2")
    assert (new.new, again.new) == (True, False)
    assert again.order.id == new.order.id != old.id
    assert new.order.limit_price == 191
    assert (await client.cancel_all(by="R.")).cancelled > 0


def test_a_rebalance_is_asked_for_by_its_key_and_a_preview_without() -> None:
    answers = Answers(*(problem(404, "NoSuchRebalance") for _ in range(4)))
    body: dict[str, Any] = {"targets": []}
    with answers.client() as client:
        for call in (
            lambda: client.rebalance(body, key="k1"),
            lambda: client.preview(body),
            lambda: client.rebalance_run("a/b"),
            lambda: client.cancel_rebalance("id0"),
        ):
            with pytest.raises(NotFoundError):
                call()
    assert [(r.method, r.url.raw_path.decode()) for r in answers.asked] == [
        ("POST", "/v1/rebalances"),
        ("POST", "/v1/rebalances?dryRun=true"),
        ("GET", "/v1/rebalances/a%2Fb"),
        ("DELETE", "/v1/rebalances/id0"),
    ]
    keys = [request.headers.get("Idempotency-Key") for request in answers.asked]
    assert keys == ['"k1"', None, None, None]


@pytest.mark.parametrize(("status", "new"), [(202, True), (200, False)])
async def test_a_rebalance_that_stands_already_is_told_apart(status: int, new: bool) -> None:
    answers = Answers(*(httpx.Response(status, json=REBALANCE) for _ in range(3)))
    with answers.client() as client:
        placed = client.place_rebalance({"targets": []}, key="k1")
        assert (placed.run.id, placed.new) == (REBALANCE["id"], new)
        assert client.rebalance({"targets": []}, key="k1") == placed.run
    transport = httpx.MockTransport(answers._answer)
    async with AsyncExecutorClient(URL, token="t", transport=transport) as there:
        assert await there.place_rebalance({"targets": []}, key="k1") == placed


async def test_what_ibkr_told_is_read(client: AsyncExecutorClient, intake: IntakeWorld) -> None:
    assert (await client.positions()).positions == ()
    assert (await client.executions("DU1234567")).executions == ()
    with pytest.raises(RefusedError, match="name one of these"):
        await client.account()


async def test_a_problem_is_an_error_that_says_what_to_do(client: AsyncExecutorClient) -> None:
    with pytest.raises(NotFoundError, match="404 NoSuchOrder: there is no order nope"):
        await client.order("nope")
    with pytest.raises(RefusedError) as refused:
        await client.place({"side": "BUY"}, key="k")
    assert [part.pointer for part in refused.value.problem.errors][:1] == ["#/contract"]
    placed = await client.place(AAPL, key="k")
    with pytest.raises(RefusedError) as reused:
        await client.place(OrderRequest.market("AAPL", "SELL", 10), key="k")
    assert (reused.value.status, reused.value.code) == (422, "IdempotencyKeyReused")
    with pytest.raises(ConflictError):
        await client.resolve(placed.order.id, outcome="giveUp", note="n")


def test_a_request_has_the_fields_that_the_executor_takes() -> None:
    assert set(OrderRequest.model_fields) == set(OrderBody.model_fields)
    with pytest.raises(ValidationError):
        OrderRequest.market("AAPL", "BUY", 10, limitprice="1")
    assert OrderRequest.market("AAPL", "BUY", 10).document() == {
        "contract": {"symbol": "AAPL"},
        "side": "BUY",
        "quantity": 10,
        "orderType": "MKT",
    }


@pytest.mark.parametrize(("key", "field"), [("k-1", '"k-1"'), ('a"b\\c', '"a\\"b\\\\c"')])
def test_a_key_is_sent_as_a_string(key: str, field: str) -> None:
    assert key_field(key) == field


class Answers:
    """Answers one after the other, and what was asked; an exception is a connection that fails."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[httpx.Request] = []
        self.slept: list[float] = []

    def client(self, **more: Any) -> ExecutorClient:
        return ExecutorClient(
            URL,
            token=more.pop("token", "t"),
            transport=httpx.MockTransport(self._answer),
            sleep=self.slept.append,
            **more,
        )

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def problem(status: int, code: str, **headers: str) -> httpx.Response:
    told = {"type": "about:blank", "status": status, "code": code, "detail": "d"}
    return httpx.Response(status, json=told, headers=headers)


PAUSED = {"paused": False, "by": None, "reason": None, "since": None, "unacknowledged": 0}


def paused() -> httpx.Response:
    return httpx.Response(200, json=PAUSED)


@pytest.mark.parametrize(
    "failure",
    [
        lambda: httpx.ConnectError("refused"),
        lambda: httpx.ReadTimeout("late"),
        lambda: problem(503, "LedgerUnavailable"),
        lambda: problem(429, "TooManyRequests"),
        lambda: problem(409, "RequestInFlight"),
        lambda: httpx.Response(502, text="bad gateway"),
        lambda: httpx.Response(200, text="half a docu"),
    ],
)
def test_what_passes_is_tried_again(failure: Callable[[], httpx.Response | Exception]) -> None:
    answers = Answers(failure(), failure(), paused())
    with answers.client() as client:
        assert not client.paused().paused
    assert answers.slept == [0.25, 0.5]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (problem(429, "DailyOrderLimit"), LimitError),
        (problem(409, "CannotCancel"), ConflictError),
        (problem(401, "Unauthorized"), TokenError),
        (problem(422, "InvalidRequest"), RefusedError),
        (problem(500, "InternalError"), ProblemError),
        (problem(503, "LedgerUnavailable", **{"Retry-After": "3600"}), UnavailableError),
        (httpx.Response(418, text="a teapot"), ProblemError),
    ],
)
def test_what_does_not_pass_is_told_at_once(
    answer: httpx.Response, error: type[ClientError]
) -> None:
    answers = Answers(answer)
    with answers.client() as client, pytest.raises(error) as raised:
        client.cancel("a/b")
    assert type(raised.value) is error
    assert answers.slept == []
    assert answers.asked[0].url.raw_path == b"/v1/orders/a%2Fb"


def test_an_order_is_repeated_with_the_same_key_and_body() -> None:
    answers = Answers(*(httpx.ReadError("gone") for _ in range(4)))
    with answers.client() as client, pytest.raises(UnansweredError, match="gone"):
        client.place(AAPL, key="k1")
    assert len(answers.asked) == 4
    assert {request.headers["Idempotency-Key"] for request in answers.asked} == {'"k1"'}
    assert len({request.content for request in answers.asked}) == 1
    assert answers.slept == [0.25, 0.5, 1.0]


def test_the_executors_own_pause_is_kept_to() -> None:
    answers = Answers(problem(503, "LedgerUnavailable", **{"Retry-After": "5"}), paused())
    with answers.client(retries=RetryLimit(pause=0.1)) as client:
        client.paused()
    assert answers.slept == [5.0]


def test_a_token_that_is_rotated_is_taken() -> None:
    tokens = iter(["old", "new"])
    answers = Answers(paused(), paused())
    with answers.client(token=lambda: next(tokens)) as client:
        client.paused()
        client.paused()
    assert [a.headers["Authorization"] for a in answers.asked] == ["Bearer old", "Bearer new"]


def stream(*events: tuple[int, str, Any]) -> httpx.Response:
    text = "id: 7\nretry: 2000\n\n" + "".join(
        f": beat\n\nevent: {name}\ndata: {json.dumps(data)}\nid: {number}\n\n"
        for number, name, data in events
    )
    return httpx.Response(200, text=text, headers={"Content-Type": "text/event-stream"})


def history(*numbers: int, follows: str | None = None) -> httpx.Response:
    line: dict[str, Any] = {"at": "2026-11-23T17:00:00Z", "from": None, "to": "Accepted"}
    line |= {"reason": "", "message": "", "cause": "client", "evidence": {}}
    lines = [{"number": number, **line} for number in numbers]
    return httpx.Response(200, json={"history": lines, "next": follows})


def pages_of_histories() -> Answers:
    return Answers(*(page for _ in range(2) for page in (history(1, 2, follows="c"), history(3))))


ASKED = [
    f"/v1/{path}/history?{query}"
    for path in ("orders/o1", "rebalances/a%2Fb")
    for query in ("limit=500", "limit=500&cursor=c")
]


def test_histories_go_on_by_the_cursor() -> None:
    answers = pages_of_histories()
    with answers.client() as client:
        assert [line.number for line in client.history("o1")] == [1, 2, 3]
        assert [line.number for line in client.rebalance_history("a/b")] == [1, 2, 3]
    assert [request.url.raw_path.decode() for request in answers.asked] == ASKED


async def test_histories_go_on_by_the_cursor_with_asyncio_too() -> None:
    answers = pages_of_histories()
    transport = httpx.MockTransport(answers._answer)
    async with AsyncExecutorClient(URL, token="t", transport=transport) as client:
        assert [line.number async for line in client.history("o1")] == [1, 2, 3]
        assert [line.number async for line in client.rebalance_history("a/b")] == [1, 2, 3]
    assert [request.url.raw_path.decode() for request in answers.asked] == ASKED


def test_a_change_of_a_rebalance_is_read() -> None:
    line = {"rebalance": "r1", "number": 2, "at": "2026-11-23T17:00:00Z", "from": "Buying"}
    line |= {"to": "Completed", "reason": "", "message": "", "cause": "executor"}
    answers = Answers(stream((8, "rebalance", {**line, "evidence": {"driftAfter": "0.1"}})))
    with answers.client() as client:
        event = next(client.events())
    assert isinstance(event.data, RebalanceChange)
    assert (event.data.rebalance, event.data.after) == ("r1", "Completed")


GATE = {"open": True, "reason": "", "message": ""}


def test_events_go_on_from_the_last_one_when_a_connection_ends() -> None:
    answers = Answers(
        stream((8, "gate", GATE)),
        httpx.ConnectError("refused"),
        problem(503, "TooManyStreams"),
        stream(
            (8, "gate", GATE),
            (9, "news", {"x": 1}),
            (9, "closed", {"reason": "ends", "message": ""}),
        ),
        problem(422, "UnknownEvent"),
    )
    with answers.client() as client:
        events = client.events()
        heard = [(event.id, event.name) for event in islice(events, 4)]
        with pytest.raises(RefusedError, match="UnknownEvent"):
            next(events)
    assert heard == [(8, "gate"), (8, "gate"), (9, "news"), (9, "closed")]
    places = [request.headers.get("Last-Event-ID") for request in answers.asked]
    assert places == [None, "8", "8", "8", "9"]
    assert answers.slept == [0.25, 0.5, 1.0, 0.25]


def listening() -> Answers:
    """An event, a connection that fails, another event, and then none any more."""
    gate = (8, "gate", GATE)
    failures = (httpx.ConnectError("refused") for _ in range(3))
    return Answers(stream(gate), next(failures), stream(gate), *failures)


async def test_a_stream_that_stays_away_ends_after_so_many_attempts() -> None:
    answers = listening()
    with answers.client() as client:
        events = client.events(attempts=2)
        assert [next(events).id, next(events).id] == [8, 8]
        with pytest.raises(UnansweredError, match="refused"):
            next(events)
    assert len(answers.asked) == 5
    again = listening()
    transport = httpx.MockTransport(again._answer)

    async def sleep(seconds: float) -> None:
        again.slept.append(seconds)

    async with AsyncExecutorClient(URL, token="t", transport=transport, sleep=sleep) as there:
        with pytest.raises(UnansweredError, match="refused"):
            [event async for event in there.events(attempts=2)]
    assert again.slept == answers.slept == [0.25, 0.5, 0.25, 0.5]


def test_the_pause_before_another_attempt_has_a_longest() -> None:
    limit = RetryLimit(pause=0.25, longest=10.0)
    paused = [http_calls.reconnect_pause(failures, limit) for failures in (0, 1, 5, 6, 100_000)]
    assert paused == [0.25, 0.5, 8.0, 10.0, 10.0]


async def test_the_asynchronous_client_does_the_same_with_events() -> None:
    answers = Answers(stream((8, "pause", PAUSED)), problem(422, "UnknownEvent"))
    transport = httpx.MockTransport(answers._answer)

    async def sleep(seconds: float) -> None:
        answers.slept.append(seconds)

    async with AsyncExecutorClient(URL, token="t", transport=transport, sleep=sleep) as client:
        events = client.events(after=7)
        assert (await anext(events)).id == 8
        with pytest.raises(RefusedError):
            await anext(events)
    assert [r.headers["Last-Event-ID"] for r in answers.asked] == ["7", "8"]


UNREADABLE = [
    ("gate", {"open": "perhaps"}, 9),
    ("order", {"order": 1}, 9),
]


@pytest.mark.parametrize(("name", "data", "number"), UNREADABLE)
async def test_an_event_of_another_release_is_an_error_of_the_client(
    name: str, data: Any, number: int
) -> None:
    answers = Answers(stream((8, "gate", GATE), (number, name, data)))
    with answers.client() as client:
        events = client.events()
        assert next(events).id == 8
        with pytest.raises(UnreadableError, match=f"event 9, '{name}', is none") as caught:
            next(events)
    assert isinstance(caught.value, ClientError)
    assert (caught.value.event, len(answers.asked)) == (9, 1)
    again = Answers(stream((8, "gate", GATE), (number, name, data)))
    transport = httpx.MockTransport(again._answer)
    async with AsyncExecutorClient(URL, token="t", transport=transport) as there:
        with pytest.raises(UnreadableError):
            [event async for event in there.events()]
    assert len(again.asked) == 1


@pytest.mark.parametrize("data", ["{", "\x00", '{"a": 1e'])
def test_an_event_that_is_no_json_is_an_error_of_the_client(data: str) -> None:
    text = f"event: news\ndata: {data}\nid: 9\n\n"
    client = Answers(httpx.Response(200, text=text)).client()
    with client, pytest.raises(UnreadableError):
        next(client.events())


def test_a_number_that_is_longer_than_any_leaves_the_place_as_it_is() -> None:
    text = f"id: 7\nevent: gate\ndata: {json.dumps(GATE)}\nid: {'9' * 5000}\n\n"
    with Answers(httpx.Response(200, text=text)).client() as client:
        assert next(client.events()).id == 7


async def test_the_newest_orders_come_first_where_that_is_asked_for(
    client: AsyncExecutorClient,
) -> None:
    placed = [(await client.place(AAPL, key=f"k{number}")).order.id for number in range(3)]
    listed = [order.id async for order in client.orders(newest_first=True, page_size=1)]
    assert listed == placed[::-1]
    answers = Answers(httpx.Response(200, json={"orders": [], "next": None}))
    with answers.client() as there:
        assert list(there.orders(newest_first=True)) == []
    assert answers.asked[0].url.params["newestFirst"] == "true"
