"""Listing, watching, breaking off and going on: nobody is forgotten, nobody is told twice."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiError, ApiUnavailableError, OperatorError
from ibgateway_operator.kube.informer import SELECTOR, ChildInformer, parts
from ibgateway_operator.kube.watch_client import WatchedKind
from ibgateway_operator.model.kinds import POD, SERVICE
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import ScriptedServer, event, page

PODS = WatchedKind(POD, "", SELECTOR)
AWAY = ApiUnavailableError("away")
TOO_OLD = ApiError(410, "too old resource version")


def item(name: str, version: int, **labels: str) -> Manifest:
    """An executor's pod, or a Service: what has made it is of no matter then."""
    ours = {
        "app.kubernetes.io/managed-by": "ibgateway-operator",
        "app.kubernetes.io/component": "executor",
        "ibgateway.dev/gateway": "paper",
        "pod-template-hash": "5d4f",
        **labels,
    }
    maker = f"{ours['ibgateway.dev/gateway']}-executor-5d4f"
    owner = {"kind": "ReplicaSet", "name": maker, "uid": "m", "controller": True}
    meta = {"namespace": "trading", "name": name, "uid": name, "resourceVersion": str(version)}
    return {
        "metadata": {
            **meta,
            "labels": ours,
            "ownerReferences": [owner],
            "managedFields": ["many"],
        }
    }


@dataclass
class SlowServer(ScriptedServer):
    """Takes its time for a page; `most` pages were asked for at once."""

    now: int = 0
    most: int = 0

    async def page(self, part: WatchedKind, *, limit: int, after: str) -> Manifest:
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0)
        self.now -= 1
        return await super().page(part, limit=limit, after=after)


@dataclass
class Told:
    """What the informer has told, and for how long it has paused."""

    informer: ChildInformer
    news: list[str] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def shown(self, body: Manifest) -> None:
        self.news.append(f"{body['kind']} {body['metadata']['name']}")

    def ended(self, body: Manifest) -> None:
        self.news.append(f"end of {body['metadata']['name']}")

    def children(self) -> list[Any]:
        bodies = self.informer.bodies.of(Key("trading", "paper"))
        return [body["metadata"]["name"] for body in bodies]


@asynccontextmanager
async def informed(
    server: ScriptedServer, served: Sequence[WatchedKind] = (PODS,)
) -> AsyncIterator[Told]:
    """Once the whole script was played."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await asyncio.sleep(0)

    told = Told(ChildInformer(server, served, pause), pauses=pauses)
    told.informer.start(shown=told.shown, ended=told.ended)
    async with asyncio.timeout(30):
        await server.idle.wait()
    yield told
    await told.informer.stop()


async def test_a_list_is_read_page_by_page_and_watched_from_its_version() -> None:
    server = ScriptedServer([page(7, item("a", 1), after="more"), page(7, item("b", 2))])
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b"]
        assert told.children() == ["a", "b"]
    assert server.asked == ["list", "list more", "watch 7"]


async def test_bodies_are_whole_but_for_managed_fields() -> None:
    async with informed(ScriptedServer([page(7, item("a", 1))])) as told:
        [body] = told.informer.bodies.of(Key("trading", "paper"))
    assert (body["apiVersion"], body["kind"]) == ("v1", "Pod")
    assert "managedFields" not in body["metadata"]


async def test_changes_are_told_and_bookmarks_only_remembered() -> None:
    events: list[Manifest | OperatorError] = [
        event("ADDED", item("b", 8)),
        event("MODIFIED", item("a", 9)),
        event("DELETED", item("b", 10)),
        event("BOOKMARK", {"metadata": {"resourceVersion": "30"}}),
    ]
    server = ScriptedServer([page(7, item("a", 1))], [events])
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b", "Pod a", "end of b"]
        assert told.children() == ["a"]
    assert server.asked == ["list", "watch 7", "watch 30"]


async def test_a_watch_that_breaks_goes_on_where_it_was() -> None:
    server = ScriptedServer(
        [page(7)], [[event("ADDED", item("a", 8)), AWAY], [AWAY], [event("ADDED", item("b", 9))]]
    )
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b"]
        assert told.pauses == [0.5, 1.0, 0.05]
    again = ["version", "watch 8"]
    assert server.asked == ["list", "watch 7", *again, *again, "watch 9"]


async def test_a_watch_that_has_told_something_is_tried_again_soon() -> None:
    told_and_broken: list[Manifest | OperatorError] = [event("ADDED", item("a", 8)), AWAY]
    server = ScriptedServer([page(7)], [[AWAY], [AWAY], told_and_broken])
    async with informed(server) as told:
        assert told.pauses == [0.5, 1.0, 0.5]


async def test_one_page_is_in_memory_at_a_time() -> None:
    server = SlowServer([page(7), page(7), page(7)])
    places = ("trading", "research", "spare")
    served = [WatchedKind(POD, place, SELECTOR) for place in places]
    async with informed(server, served) as told:
        await told.informer.listed()
    assert server.most == 1


async def test_one_that_was_away_for_too_long_lists_anew_and_tells_what_is_new() -> None:
    server = ScriptedServer(
        [page(7, item("a", 1), item("b", 2), item("c", 3)), page(50, item("a", 1), item("c", 40))],
        [[TOO_OLD]],
    )
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b", "Pod c", "Pod c", "end of b"]
        assert told.children() == ["a", "c"]
    assert server.asked == ["list", "watch 7", "list", "watch 50"]


async def test_the_list_of_one_namespace_ends_nothing_in_another_one() -> None:
    served = [WatchedKind(POD, place, SELECTOR) for place in ("trading", "research")]
    async with informed(ScriptedServer([page(7, item("a", 1)), page(7)]), served) as told:
        await told.informer.listed()
        assert told.news == ["Pod a"]
        assert told.children() == ["a"]


async def test_a_list_whose_next_page_has_expired_begins_anew() -> None:
    server = ScriptedServer(
        [page(7, item("a", 1), after="old"), TOO_OLD, page(9, item("a", 1), item("b", 8))]
    )
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b"]
    assert server.asked == ["list", "list old", "list", "watch 9"]


@pytest.mark.parametrize(("asked", "waited"), [(0.0, 0.5), (7.0, 7.0), (3600.0, 30.0)])
async def test_a_page_that_can_not_be_had_is_asked_for_again_and_not_the_whole_list(
    asked: float, waited: float
) -> None:
    busy = ApiUnavailableError("429: too many requests", after=asked)
    server = ScriptedServer([page(7, item("a", 1), after="more"), busy, page(7, item("b", 2))])
    async with informed(server) as told:
        assert told.news == ["Pod a", "Pod b"]
        assert told.pauses == [waited]
    assert server.asked == ["list", "list more", "list more", "watch 7"]


async def test_a_busy_server_is_left_alone_for_as_long_as_it_asks_also_where_it_refuses_a_watch() -> (
    None
):
    async with informed(
        ScriptedServer([page(7)], [[ApiUnavailableError("429", after=9.0)]])
    ) as told:
        assert told.pauses == [9.0]


async def test_a_watch_that_ends_at_once_and_tells_nothing_does_not_become_a_loop() -> None:
    server = ScriptedServer([page(7)], [[], [], [event("ADDED", item("a", 8))]])
    async with informed(server) as told:
        assert told.pauses == [0.5, 1.0, 0.05]
    again = ["version", "watch 7"]
    assert server.asked == ["list", "watch 7", *again, *again, "watch 8"]


@pytest.mark.parametrize("broken", [[AWAY], []], ids=["broken", "ended and told nothing"])
async def test_a_server_that_has_gone_back_is_another_one(broken: list[OperatorError]) -> None:
    """From here on a watch would be silent, and what it would have told is never heard of."""
    server = ScriptedServer([page(7, item("a", 1))], [list(broken)], version=6)
    lost: list[str] = []

    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    informer = ChildInformer(server, [PODS], pause, lost=lambda: lost.append("lost"))
    informer.start(shown=lambda _: None, ended=lambda _: None)
    async with asyncio.timeout(30):
        while not informer.dead() and not server.idle.is_set():  # noqa: ASYNC110 - a task's end sets no event
            await asyncio.sleep(0)
    assert lost == ["lost"]
    assert server.asked == ["list", "watch 7", "version"]
    await informer.stop()


async def test_pods_come_before_everything_else() -> None:
    """They say where a sentinel is heard."""
    server = ScriptedServer([page(7, item("a", 1), after="more"), page(7), page(7, item("s", 2))])
    served = [WatchedKind(SERVICE, "", SELECTOR), PODS]
    informer, news = ChildInformer(server, served), []
    informer.start(shown=lambda body: news.append(body["kind"]), ended=lambda _: None)
    async with asyncio.timeout(30):
        await informer.listed()
    assert news == ["Pod", "Service"]
    await informer.stop()


def made_again(name: str, version: int) -> Manifest:
    body = item(name, version)
    return {**body, "metadata": {**body["metadata"], "uid": f"second {name}"}}


@pytest.mark.parametrize(
    ("pages", "watches"),
    [
        ([page(7, item("a", 1)), page(50, made_again("a", 40))], [[TOO_OLD]]),
        (
            [page(7, item("a", 1))],
            [[AWAY], [event("DELETED", item("a", 8)), event("ADDED", made_again("a", 9))]],
        ),
        (
            [page(7, item("a", 1))],
            [[event("ADDED", made_again("a", 9)), event("DELETED", item("a", 8))]],
        ),
    ],
    ids=["in a gap", "both told late", "told the wrong way round"],
)
async def test_of_an_object_that_was_made_again_the_new_one_stays(
    pages: list[Manifest | OperatorError], watches: list[list[Manifest | OperatorError]]
) -> None:
    async with informed(ScriptedServer(pages, watches)) as told:
        [body] = told.informer.bodies.of(Key("trading", "paper"))
        assert body["metadata"]["uid"] == "second a"
        assert sorted(told.news) == ["Pod a", "Pod a", "end of a"]


async def test_the_end_of_an_object_that_never_was_ours_is_nobodys_news() -> None:
    foreign = item("a", 8)
    foreign["metadata"]["labels"] = {}
    async with informed(ScriptedServer([page(7)], [[event("DELETED", foreign)]])) as told:
        assert told.news == []
        assert told.informer.dead() == ""


async def test_nothing_counts_as_listed_before_the_last_page_of_the_last_kind() -> None:
    server = ScriptedServer([page(7), page(7, after="more"), AWAY])
    served = [PODS, WatchedKind(SERVICE, "", SELECTOR)]
    informer = ChildInformer(server, served, pause=lambda _: asyncio.Event().wait())  # type: ignore[arg-type, return-value]
    informer.start(shown=lambda _: None, ended=lambda _: None)
    listed = asyncio.create_task(informer.listed())
    async with asyncio.timeout(30):
        while server.pages:  # noqa: ASYNC110 - a script's end sets no event
            await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not listed.done()
    listed.cancel()
    await informer.stop()


async def test_an_object_that_loses_its_labels_ends_and_comes_back_with_them() -> None:
    foreign = item("a", 8, **{"app.kubernetes.io/managed-by": "somebody"})
    events: list[Manifest | OperatorError] = [
        event("MODIFIED", foreign),
        event("MODIFIED", item("a", 9)),
    ]
    async with informed(ScriptedServer([page(7, item("a", 1))], [events])) as told:
        assert told.news == ["Pod a", "end of a", "Pod a"]


async def test_an_object_that_changes_its_gateway_ends_for_the_one_and_comes_to_the_other() -> None:
    moved = item("a", 8, **{"ibgateway.dev/gateway": "other"})
    server = ScriptedServer([page(7, item("a", 1))], [[event("MODIFIED", moved)]])
    async with informed(server) as told:
        assert told.news == ["Pod a", "end of a", "Pod a"]
        assert told.children() == []


async def test_an_end_that_was_never_shown_is_told_too() -> None:
    server = ScriptedServer([page(7)], [[event("DELETED", item("a", 8))]])
    async with informed(server) as told:
        assert told.news == ["end of a"]


async def test_a_watch_that_ends_with_a_bug_is_seen_by_the_probe() -> None:
    server = ScriptedServer([{"no": "metadata"}])
    informer = ChildInformer(server, [PODS])
    informer.start(shown=lambda _: None, ended=lambda _: None)
    assert informer.dead() == ""
    async with asyncio.timeout(30):
        while not informer.dead():  # noqa: ASYNC110 - a task's end sets no event
            await asyncio.sleep(0)
    assert informer.dead() == "a watch has ended"
    await informer.stop()


@pytest.mark.parametrize(
    ("namespaces", "places"), [((), {""}), (("trading", "research"), {"trading", "research"})]
)
def test_every_kind_is_watched_in_each_namespace(
    namespaces: tuple[str, ...], places: set[str]
) -> None:
    served = parts(namespaces)
    assert {each.namespace for each in served} == places
    assert len(served) == 9 * len(places)
    selectors = {each.kind.kind: each.selector for each in served}
    assert selectors.pop("Pod") == "ibgateway.dev/gateway"
    assert set(selectors.values()) == {
        "app.kubernetes.io/managed-by=ibgateway-operator,ibgateway.dev/gateway"
    }
