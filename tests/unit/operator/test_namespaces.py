"""A watched namespace that may not be read is left out, and comes in once it may be."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest

from ibgateway_operator.errors import ApiError, ApiUnavailableError, OperatorError
from ibgateway_operator.kube import namespaces
from ibgateway_operator.kube.namespaces import refused, until_one_may_be_read
from ibgateway_operator.kube.watch_client import WatchedKind
from ibgateway_operator.model.manifests import Manifest


@dataclass
class RefusingServer:
    """Refuses lists by `namespace/plural`; counts what it was asked."""

    refuses: dict[str, OperatorError]
    asked: list[str] = field(default_factory=list)

    async def page(self, part: WatchedKind, *, limit: int, after: str) -> Manifest:
        place = f"{part.namespace}/{part.kind.plural}"
        self.asked.append(f"{place} {limit}")
        if error := self.refuses.get(place):
            raise error
        return {"metadata": {"resourceVersion": "7"}, "items": []}

    async def changes(self, part: WatchedKind, *, since: str) -> AsyncGenerator[Manifest, None]:
        raise AssertionError("nothing is watched")
        yield {}


FORBIDDEN = ApiError(403, "pods is forbidden")


async def test_what_may_be_read_is_served_and_everything_watched_is_asked_for() -> None:
    server = RefusingServer({})
    assert await refused(server, ["desk", "lab"]) == {}
    assert len(server.asked) == 20
    assert "lab/ibgateways 1" in server.asked


@pytest.mark.parametrize("plural", ["ibgateways", "pods", "persistentvolumeclaims"])
async def test_one_that_is_forbidden_in_part_is_left_out_whole(plural: str) -> None:
    server = RefusingServer({f"lab/{plural}": FORBIDDEN})
    assert await refused(server, ["desk", "lab"]) == {"lab": "pods is forbidden"}


@pytest.mark.parametrize("error", [ApiUnavailableError("away"), ApiError(404, "no such kind")])
async def test_a_server_that_can_not_be_asked_refuses_nothing(error: OperatorError) -> None:
    places = [f"lab/{plural}" for plural in ("ibgateways", "pods")]
    assert await refused(RefusingServer(dict.fromkeys(places, error)), ["lab"]) == {}


async def test_one_that_may_be_read_again_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(namespaces, "AGAIN_SECONDS", 0.0)
    server = RefusingServer({"lab/pods": FORBIDDEN, "far/pods": FORBIDDEN})
    waiting = asyncio.create_task(until_one_may_be_read(server, ["lab", "far"]))
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    del server.refuses["far/pods"]
    async with asyncio.timeout(30):
        await waiting
