"""`python -m scale_world.history FOLDER`: the operator's informer while its API server restarts, forgets and goes back.

In a network of its own (see `network`), with KUBECONFIG as `kubeconfig` says: the client reads that when it is
imported. Prints what was told as one JSON document; judges nothing.
"""

import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp

from ibgateway_api.names import Key
from ibgateway_operator.kube.client import connect
from ibgateway_operator.kube.informer import SELECTOR, ChildInformer
from ibgateway_operator.kube.watch_client import KubernetesWatchServer, WatchedKind
from ibgateway_operator.model.kinds import CONFIG_MAP, POD
from ibgateway_operator.model.manifests import Manifest
from scale_world import network
from scale_world.client import Api
from scale_world.plane import ControlPlane
from scale_world.run import programs_of_the_cluster

NAMESPACE: Final = "history"
MAPS: Final = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
PATIENCE: Final = 120.0
ETCD: Final = "http://127.0.0.1:2379"


@dataclass
class Told:
    """What the informer has told. While `held` is cleared it asks for nothing after a break."""

    news: list[str] = field(default_factory=list)
    lost: bool = False
    held: asyncio.Event = field(default_factory=asyncio.Event)

    def shown(self, body: Manifest) -> None:
        """A ConfigMap came or changed."""
        self.news.append(f"{body['metadata']['name']} {body['data']['text']}")

    def ended(self, body: Manifest) -> None:
        """A ConfigMap went."""
        self.news.append(f"end of {body['metadata']['name']}")

    def lose(self) -> None:
        """The history is another one."""
        self.lost = True

    async def pause(self, seconds: float) -> None:
        """As long as the informer wants, and until it may go on."""
        await asyncio.sleep(min(seconds, 0.5))
        await self.held.wait()

    def since(self) -> list[str]:
        """What was told since the last question."""
        news, self.news = self.news, []
        return news


def config_map(name: str, text: str) -> Manifest:
    """One of a gateway's."""
    labels = {
        "app.kubernetes.io/managed-by": "ibgateway-operator",
        "ibgateway.dev/gateway": "paper",
    }
    meta = {"name": name, "namespace": NAMESPACE, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"text": text}}


async def until(wanted: Callable[[], bool], what: str) -> None:
    """Wait. Raises TimeoutError that names it."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted():  # noqa: ASYNC110 - several sources
                await asyncio.sleep(0.1)
    except TimeoutError as error:
        raise TimeoutError(what) from error


class Story:
    """A control plane, an informer of one namespace, and what happens to them."""

    def __init__(self, plane: ControlPlane, informer: ChildInformer, told: Told) -> None:
        self.plane, self.informer, self.told = plane, informer, told
        self.api = Api(plane, "bench")

    async def write(self, name: str, text: str) -> None:
        """Make a ConfigMap."""
        await self.api.call("POST", MAPS, config_map(name, text))

    async def remove(self, name: str) -> None:
        """Delete a ConfigMap."""
        await self.api.call("DELETE", f"{MAPS}/{name}")

    async def restart(self, *, history: Path | None = None) -> None:
        """Stop everything and start it again; with `history` on an older state. New sessions."""
        await self.api.close()
        await asyncio.to_thread(self.plane.stop)
        if history is not None:
            shutil.rmtree(self.plane.folder / "etcd")
            shutil.copytree(history, self.plane.folder / "etcd")
        await asyncio.to_thread(self.plane.resume)
        self.api = Api(self.plane, "bench")

    async def compact(self) -> None:
        """etcd forgets everything but the present, as it does every five minutes."""
        async with aiohttp.ClientSession(ETCD) as etcd:
            async with etcd.post("/v3/kv/range", json={"key": "AA=="}) as answer:
                revision = (await answer.json())["header"]["revision"]
            async with etcd.post("/v3/kv/compaction", json={"revision": revision}) as answer:
                answer.raise_for_status()

    def kept(self) -> dict[str, str]:
        """The bodies that the informer has: names and texts."""
        bodies = self.informer.bodies.of(Key(NAMESPACE, "paper"))
        return {body["metadata"]["name"]: body["data"]["text"] for body in bodies}


async def tell(story: Story, copies: Path) -> dict[str, Any]:
    """Everything in turn."""
    told, seen = story.told, {}
    await story.write("a", "first")
    await until(lambda: story.kept() == {"a": "first"}, "the first ConfigMap")
    told.since()
    await story.restart()
    await story.write("b", "after the restart")
    await until(lambda: "b" in story.kept(), "a watch that goes on after a restart")
    seen["restarted"] = told.since()

    told.held.clear()
    await story.restart()
    await story.remove("a")
    await story.write("a", "made again")
    await story.remove("b")
    await story.write("c", "new")
    await story.compact()
    await story.restart()
    told.held.set()
    await until(lambda: story.kept() == {"a": "made again", "c": "new"}, "what it has missed")
    seen["away for too long"] = sorted(told.since())

    await asyncio.to_thread(story.plane.stop)
    shutil.copytree(story.plane.folder / "etcd", copies)
    await story.restart()
    for number in range(20):
        await story.write(f"later-{number}", "soon undone")
    await until(lambda: "later-19" in story.kept(), "what comes after the copy")
    told.since()
    told.held.clear()
    await story.restart(history=copies)
    told.held.set()
    await until(lambda: told.lost, "an older history is noticed")
    return {**seen, "gone back": told.since(), "dead": story.informer.dead()}


def kubeconfig(folder: Path) -> Path:
    """Where the informer's kubeconfig will be."""
    return folder / "plane/operator.kubeconfig"


async def story(folder: Path) -> dict[str, Any]:
    """What was told."""
    plane = ControlPlane(folder / "plane", *programs_of_the_cluster())
    async with AsyncExitStack() as stack:
        stack.callback(plane.stop)
        plane.start()
        plane.kubeconfig("operator")
        told, client = Told(), await connect(connections=0)
        stack.push_async_callback(client.close)
        told.held.set()
        parts = [WatchedKind(kind, NAMESPACE, SELECTOR) for kind in (POD, CONFIG_MAP)]
        informer = ChildInformer(KubernetesWatchServer(client), parts, told.pause, lost=told.lose)
        stack.push_async_callback(informer.stop)
        played = Story(plane, informer, told)
        meta = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
        await played.api.call("POST", "/api/v1/namespaces", meta)
        informer.start(shown=told.shown, ended=told.ended)
        try:
            return await tell(played, folder / "copy")
        finally:
            await played.api.close()


def main() -> None:
    """Print the story."""
    network.prepare()
    seen = asyncio.run(story(Path(sys.argv[1])))
    sys.stdout.write(f"{json.dumps(seen)}\n")


if __name__ == "__main__":
    main()
