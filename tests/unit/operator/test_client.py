"""The API server's answers as errors of our own, and what is asked when it is busy."""

import asyncio
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, cast

import aiohttp
import pytest
from kubernetes.aio.client import ApiClient

from ibgateway_api.names import Key
from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    InvalidError,
    LeadershipError,
    NotFoundError,
)
from ibgateway_operator.kube.answers import document_of
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.model.kinds import SERVICE


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, NotFoundError),
        (409, ConflictError),
        (422, InvalidError),
        (403, ApiError),
        (429, ApiUnavailableError),
        (503, ApiUnavailableError),
    ],
)
def test_answers_become_errors(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="the words"):
        document_of(status, json.dumps({"message": "the words"}).encode())


def test_an_apply_onto_an_object_that_was_replaced_is_a_conflict() -> None:
    words = 'Service "a" is invalid: metadata.uid: Invalid value: "uid-1": field is immutable'
    with pytest.raises(ConflictError):
        document_of(422, json.dumps({"message": words}).encode())


def test_a_page_of_a_proxy_is_no_answer() -> None:
    with pytest.raises(ApiUnavailableError, match="not JSON"):
        document_of(502, b"<html>bad gateway</html>")


@pytest.mark.parametrize(
    "words",
    [
        "failed to convert new object (trading/paper-gateway; apps/v1, Kind=StatefulSet) to proper"
        " version: quantities must match the regular expression",
        "failed to create typed patch object (trading/paper-gateway; apps/v1, Kind=StatefulSet):"
        " .spec.template.spec.containers[0].resources.limit: field not declared in schema",
    ],
)
def test_an_apply_that_is_wrong_itself_is_no_outage_although_it_is_answered_500(words: str) -> None:
    with pytest.raises(InvalidError, match="Kind=StatefulSet"):
        document_of(500, json.dumps({"message": words}).encode())


@dataclass
class Answer:
    """One answer of the server: status and Retry-After."""

    status: int
    after: str = ""
    document: dict[str, Any] | Exception = field(default_factory=lambda: {"message": "the words"})

    @property
    def headers(self) -> dict[str, str]:
        return {"Retry-After": self.after} if self.after else {}

    async def read(self) -> bytes:
        if isinstance(self.document, Exception):
            raise self.document
        return json.dumps(self.document).encode()


@dataclass
class FakeConnection:
    """The official client, as far as it is used: gives the answers in turn, the last one for ever."""

    answers: list[Answer]
    asked: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[Any] = field(default_factory=list)
    queries: list[list[tuple[str, str]]] = field(default_factory=list)

    async def param_serialize(self, method: str, path: str, **rest: Any) -> tuple[Any, ...]:
        self.queries.append(rest["query_params"])
        return method, path, rest["header_params"], None, []

    async def call_api(
        self, method: str, path: str, head: dict[str, str], body: Any, form: list[str], **_: Any
    ) -> Answer:
        self.asked.append((method, path))
        self.bodies.append(body)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def api(connection: FakeConnection, paused: list[float], **more: Any) -> KubernetesApi:
    async def pause(seconds: float) -> None:
        paused.append(seconds)

    return KubernetesApi(cast(ApiClient, connection), pause=pause, **more)


KEY = Key("trading", "a")
CHILD = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "trading"}}


async def test_names_are_read_page_by_page() -> None:
    first = {"metadata": {"continue": "more"}, "items": [{"metadata": {"name": "a"}}]}
    last = {"items": [{"metadata": {"name": "b", "namespace": "trading"}}]}
    connection = FakeConnection([Answer(200, document=first), Answer(200, document=last)])
    found = await api(connection, []).names(SERVICE, "", "mine=yes")
    assert found == {Key("", "a"), Key("trading", "b")}
    asked = [("limit", "250"), ("labelSelector", "mine=yes")]
    assert connection.queries == [asked, [*asked, ("continue", "more")]]


async def test_whole_objects_are_read_page_by_page_and_the_next_one_only_when_it_is_wanted() -> (
    None
):
    first = {"metadata": {"continue": "more"}, "items": [{"spec": {"x": 1}}]}
    connection = FakeConnection([Answer(200, document=first), Answer(200, document={"items": []})])
    pages = aiter(api(connection, []).pages(SERVICE, "trading"))
    assert await anext(pages) == [{"spec": {"x": 1}}]
    assert connection.queries == [[("limit", "100")]]
    assert [page async for page in pages] == [[]]
    assert connection.queries[1:] == [[("limit", "100"), ("continue", "more")]]


class TestBusyServer:
    """429: the server has done nothing and says when to ask again."""

    async def test_it_is_asked_again_when_it_says_so(self) -> None:
        connection = FakeConnection([Answer(429, "3"), Answer(429), Answer(200)])
        paused: list[float] = []
        assert await api(connection, paused).get(SERVICE, KEY) == {"message": "the words"}
        assert paused == [3.0, 1.0]

    async def test_it_is_not_asked_for_ever(self) -> None:
        connection = FakeConnection([Answer(429, "1")])
        with pytest.raises(ApiUnavailableError, match="429"):
            await api(connection, []).apply(CHILD)
        assert len(connection.asked) == 4

    async def test_a_long_pause_is_left_to_the_queue(self) -> None:
        connection, paused = FakeConnection([Answer(429, "60")]), list[float]()
        with pytest.raises(ApiUnavailableError):
            await api(connection, paused).apply(CHILD)
        assert (len(connection.asked), paused) == (1, [])

    async def test_no_other_trouble_is_asked_about_again(self) -> None:
        connection = FakeConnection([Answer(503, "1")])
        with pytest.raises(ApiUnavailableError):
            await api(connection, []).apply(CHILD)
        assert len(connection.asked) == 1

    async def test_whoever_has_lost_the_lease_meanwhile_writes_nothing(self) -> None:
        leads: Iterator[bool] = iter([True, False])
        connection = FakeConnection([Answer(429, "1")])
        with pytest.raises(LeadershipError):
            await api(connection, [], may_write=lambda: next(leads)).apply(CHILD)
        assert len(connection.asked) == 1


class TestCounting:
    """Each request is told of, with what was answered."""

    async def test_one_that_is_asked_again_is_told_of_each_time(self) -> None:
        told = list[tuple[str, int | None]]()
        connection = FakeConnection([Answer(429), Answer(201)])
        await api(connection, [], answered=lambda *each: told.append(each)).apply(CHILD)
        assert told == [("PATCH", 429), ("PATCH", 201)]

    async def test_one_without_an_answer_is_told_of_as_such(self) -> None:
        told = list[tuple[str, int | None]]()
        connection = FakeConnection([Answer(0, document=TimeoutError())])
        with pytest.raises(ApiUnavailableError):
            await api(connection, [], answered=lambda *each: told.append(each)).get(SERVICE, KEY)
        assert told == [("GET", None)]


async def test_a_gate_never_waits_behind_the_children() -> None:
    full, connection = asyncio.Semaphore(1), FakeConnection([Answer(200)])
    writer = api(connection, [], flight=full)
    await full.acquire()
    child = asyncio.create_task(writer.apply(CHILD))
    await writer.patch_pod_condition(Key("trading", "pod"), {"type": "x"})
    assert connection.asked == [("PATCH", "/api/v1/namespaces/trading/pods/pod/status")]
    full.release()
    await child
    assert len(connection.asked) == 2


async def test_a_new_object_is_applied_onto_a_version_that_nothing_has() -> None:
    connection = FakeConnection([Answer(201)])
    await api(connection, []).apply_new(CHILD)
    assert connection.bodies[0]["metadata"] == {
        "name": "a",
        "namespace": "trading",
        "resourceVersion": "1",
    }
    assert "resourceVersion" not in CHILD["metadata"]


ENDED = (aiohttp.ServerDisconnectedError(), aiohttp.ClientOSError(104, "Connection reset by peer"))


@pytest.mark.parametrize("error", ENDED)
async def test_a_gate_goes_out_again_at_once_where_the_server_has_ended_the_connection(
    error: Exception,
) -> None:
    connection = FakeConnection([Answer(0, document=error), Answer(0, document=error), Answer(200)])
    stored = await api(connection, []).patch_pod_condition(KEY, {"type": "x"})
    assert (stored, len(connection.asked)) == ({"message": "the words"}, 3)


async def test_a_gate_is_left_to_the_queue_where_every_connection_ends() -> None:
    connection = FakeConnection([Answer(0, document=ENDED[0])])
    with pytest.raises(ApiUnavailableError):
        await api(connection, []).patch_pod_condition(KEY, {"type": "x"})
    assert len(connection.asked) == 3


async def test_a_gate_that_nobody_answers_is_not_sent_again() -> None:
    connection = FakeConnection([Answer(0, document=aiohttp.ServerTimeoutError())])
    with pytest.raises(ApiUnavailableError):
        await api(connection, []).patch_pod_condition(KEY, {"type": "x"})
    assert len(connection.asked) == 1


async def test_what_is_no_gate_is_left_to_the_queue_at_once() -> None:
    connection = FakeConnection([Answer(0, document=ENDED[0])])
    with pytest.raises(ApiUnavailableError):
        await api(connection, []).apply(CHILD)
    assert len(connection.asked) == 1
