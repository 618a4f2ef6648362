"""Pods of programs are watched with our own, and little of them is kept; another pod with the label is not kept."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiError, OperatorError
from ibgateway_operator.kube.informer import POD_SELECTOR, ChildInformer
from ibgateway_operator.kube.watch_client import WatchedKind
from ibgateway_operator.model.kinds import POD
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.programs import ProgramPod
from operator_fakes import ScriptedServer, event, foreign_pod, page, pod

PAPER = Key("trading", "paper")
OPEN = {"status": "True", "reason": "GateOpen", "message": "paper: go", "lastTransitionTime": "t"}


def at(body: Manifest, version: int) -> Manifest:
    return {**body, "metadata": {**body["metadata"], "resourceVersion": str(version)}}


@dataclass
class ToldOf:
    """What the informer has told."""

    informer: ChildInformer
    news: list[str] = field(default_factory=list)

    def shown(self, body: Manifest) -> None:
        self.news.append(f"own {body['metadata']['name']}")

    def ended(self, body: Manifest) -> None:
        self.news.append(f"end of own {body['metadata']['name']}")

    def followed(self, pod: ProgramPod) -> None:
        self.news.append(f"{pod.place.name} follows {pod.follows.name}")

    def left(self, pod: ProgramPod) -> None:
        self.news.append(f"{pod.place.name} left {pod.follows.name}")

    def programs(self) -> list[str]:
        return [p.place.name for p in self.informer.programs.of(PAPER)]


@asynccontextmanager
async def watching(server: ScriptedServer) -> AsyncIterator[ToldOf]:
    """Once the whole script was played."""

    async def pause(_: float) -> None:
        await asyncio.sleep(0)

    told = ToldOf(ChildInformer(server, [WatchedKind(POD, "", POD_SELECTOR)], pause))
    told.informer.start(shown=told.shown, ended=told.ended, followed=told.followed, left=told.left)
    async with asyncio.timeout(30):
        await server.idle.wait()
    yield told
    await told.informer.stop()


async def test_a_list_tells_own_pods_from_programs_and_keeps_nothing_else() -> None:
    bodies = (
        at(pod("executor"), 1),
        at(foreign_pod(), 2),
        at(foreign_pod("other", gated=False), 3),
    )
    async with watching(ScriptedServer([page(7, *bodies)])) as told:
        assert told.news == ["own paper-executor-abc", "bot-1 follows paper"]
        assert told.programs() == ["bot-1"]
        assert [b["metadata"]["name"] for b in told.informer.bodies.of(PAPER)] == [
            "paper-executor-abc"
        ]


async def test_only_what_says_something_of_the_gate_is_told() -> None:
    changes = [
        event("MODIFIED", at(foreign_pod(labels={"app": "renamed"}), 8)),
        event("MODIFIED", at(foreign_pod(condition=OPEN), 9)),
        event("MODIFIED", at(foreign_pod(condition=OPEN, phase="Pending"), 10)),
        event("MODIFIED", at(foreign_pod(condition=OPEN, gateway="live"), 11)),
    ]
    async with watching(ScriptedServer([page(7, at(foreign_pod(), 2))], [[*changes]])) as told:
        assert told.news == ["bot-1 follows paper", "bot-1 follows paper", "bot-1 follows live"]
        assert told.programs() == []
        assert told.informer.programs.gateways() == [Key("trading", "live")]


async def test_one_that_ends_or_is_deleted_is_dropped_and_nothing_told() -> None:
    changes = [
        event("MODIFIED", at(foreign_pod(phase="Succeeded"), 8)),
        event("MODIFIED", at(foreign_pod("bot-2", deleted="2026-11-18T15:00:00Z"), 9)),
        event("DELETED", at(foreign_pod("bot-2", deleted="2026-11-18T15:00:00Z"), 10)),
    ]
    bodies = (at(foreign_pod(), 2), at(foreign_pod("bot-2"), 3))
    async with watching(ScriptedServer([page(7, *bodies)], [[*changes]])) as told:
        assert told.news == ["bot-1 follows paper", "bot-2 follows paper"]
        assert told.informer.programs.gateways() == []


async def test_one_that_loses_its_label_has_left() -> None:
    gone: list[Manifest | OperatorError] = [event("DELETED", at(foreign_pod(condition=OPEN), 8))]
    async with watching(
        ScriptedServer([page(7, at(foreign_pod(condition=OPEN), 2))], [gone])
    ) as told:
        assert told.news == ["bot-1 follows paper", "bot-1 left paper"]


async def test_a_list_tells_who_left_while_the_watch_was_broken() -> None:
    server = ScriptedServer(
        [
            page(7, at(foreign_pod(), 2), at(foreign_pod("bot-2"), 3)),
            page(20, at(foreign_pod("bot-2"), 3)),
        ],
        [[ApiError(410, "too old resource version")]],
    )
    async with watching(server) as told:
        assert told.news[2:] == ["bot-1 left paper"]
        assert told.programs() == ["bot-2"]


async def test_a_pod_of_the_same_name_is_another_one() -> None:
    changes = [
        event("DELETED", at(foreign_pod(uid="old"), 8)),
        event("ADDED", at(foreign_pod(uid="new"), 9)),
    ]
    async with watching(
        ScriptedServer([page(7, at(foreign_pod(uid="old"), 2))], [[*changes]])
    ) as told:
        [kept] = told.informer.programs.of(PAPER)
        assert kept.uid == "new"
        assert told.news[1:] == ["bot-1 left paper", "bot-1 follows paper"]


async def test_a_pod_with_all_our_labels_becomes_nobodys_executor() -> None:
    body = foreign_pod(
        labels={
            "app.kubernetes.io/component": "executor",
            "app.kubernetes.io/managed-by": "ibgateway-operator",
            "pod-template-hash": "5d4f",
        }
    )
    async with watching(ScriptedServer([page(7, at(body, 2))])) as told:
        assert told.news == ["bot-1 follows paper"]
        assert told.informer.bodies.of(PAPER) == []


async def test_a_pod_that_one_of_our_workloads_adopts_is_no_program_any_more() -> None:
    own = at(pod("executor"), 9)
    gates = {"readinessGates": [{"conditionType": "ibgateway.dev/trading-allowed"}]}
    orphan = {**own, "metadata": {**own["metadata"], "ownerReferences": []}, "spec": gates}
    adopted = [event("MODIFIED", at({**own, "spec": gates}, 10))]
    async with watching(ScriptedServer([page(9, at(orphan, 9))], [[*adopted]])) as told:
        assert told.news == ["paper-executor-abc follows paper", "own paper-executor-abc"]
        assert told.programs() == []
