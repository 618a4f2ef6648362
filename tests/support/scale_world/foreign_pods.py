"""`python -m scale_world.foreign_pods COUNT TURNS`: pods of others that follow a gate, and what the operator writes for them.

In a network of its own (see `network`). Prints what was seen as one JSON document; judges nothing.
"""

import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from ibgateway_api.names import LABEL_GATEWAY, READINESS_GATE
from scale_world import network
from scale_world.client import Json, many
from scale_world.gateways import gateway, name, prepare
from scale_world.restarts import all_say, until, until_still, written
from scale_world.run import GATEWAYS, NAMESPACE, Run, running

PODS: Final = f"/api/v1/namespaces/{NAMESPACE}/pods"
APPS: Final = f"/apis/apps/v1/namespaces/{NAMESPACE}"
OWN_CONDITION: Final = "example.com/warm"
QUIET_SECONDS: Final = 60.0
PATIENCE: Final = 60.0
_MERGE: Final = "application/merge-patch+json"
_STRATEGIC: Final = "application/strategic-merge-patch+json"


def template(follows: str, *, app: str = "bot") -> Json:
    """A pod's metadata and spec as somebody writes them who wants to follow a gate."""
    return {
        "metadata": {"labels": {"app": app, LABEL_GATEWAY: follows}},
        "spec": {
            "containers": [{"name": "bot", "image": "bot:1"}],
            "readinessGates": [{"conditionType": READINESS_GATE}],
        },
    }


def bare(pod: str, follows: str, **labels: str) -> Json:
    """A pod that nobody has made but its owner."""
    body = template(follows)
    meta = {"name": pod, "labels": {**body["metadata"]["labels"], **labels}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": body["spec"]}


def workload(kind: str, app: str, replicas: int, follows: str) -> Json:
    """A Deployment or a StatefulSet of such pods."""
    spec = {
        "replicas": replicas,
        "selector": {"matchLabels": {"app": app}},
        "template": template(follows, app=app),
    }
    more = {"serviceName": app} if kind == "StatefulSet" else {}
    meta = {"name": app}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": meta, "spec": {**spec, **more}}


async def told(run: Run, pod: str) -> Json:
    """A pod's conditions by type."""
    body = await run.api.call("GET", f"{PODS}/{pod}")
    return {c["type"]: c for c in body["status"].get("conditions") or []}


async def reason(run: Run, pod: str) -> str:
    """Status and reason of the gate on a pod; empty where it has none."""
    found = (await told(run, pod)).get(READINESS_GATE, {})
    return f"{found.get('status', '')} {found.get('reason', '')}".strip()


async def becomes(run: Run, pod: str, wanted: str) -> str:
    """The gate's words on a pod once they begin so, or once there are none. Raises TimeoutError that names them."""
    last = ""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        last = await reason(run, pod)
        if last.startswith(wanted) if wanted else not last:
            return last
        await asyncio.sleep(0.1)
    raise TimeoutError(f"{pod} says {last!r}, not {wanted!r}")


async def labelled(run: Run, pod: str, follows: str | None) -> None:
    """Its label is changed, or taken away."""
    patch = {"metadata": {"labels": {LABEL_GATEWAY: follows}}}
    await run.api.call("PATCH", f"{PODS}/{pod}", patch, content=_MERGE)


async def everyone_follows(run: Run, count: int) -> Json:
    """So many pods of three owners: what each of them says."""
    follows, account = name(0), {"metadata": {"name": "default"}}
    await run.api.call("POST", f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts", account)
    await run.api.call("POST", f"{APPS}/deployments", workload("Deployment", "fleet", 3, follows))
    await run.api.call("POST", f"{APPS}/statefulsets", workload("StatefulSet", "pair", 2, follows))

    async def create(number: int) -> None:
        await run.api.call("POST", PODS, bare(f"bot-{number:02d}", follows))

    await many(count - 5, create)
    mine = {"conditions": [{"type": OWN_CONDITION, "status": "True", "reason": "Mine"}]}
    path = f"{PODS}/bot-00/status"
    await run.api.call("PATCH", path, {"status": mine}, content=_STRATEGIC)
    await all_open(run, count)
    return {"open": await counted(run), "own condition": OWN_CONDITION in await told(run, "bot-00")}


async def all_open(run: Run, count: int) -> None:
    """Wait for it."""
    async with asyncio.timeout(PATIENCE):
        while (await counted(run)) != {"True": count}:  # noqa: ASYNC110 - the API server is asked
            await asyncio.sleep(0.2)


async def counted(run: Run) -> dict[str, int]:
    """How many programs of the first gateway have which status."""
    listed = await run.api.call("GET", f"{PODS}?labelSelector={LABEL_GATEWAY}={name(0)}")
    found: dict[str, int] = {}
    for pod in listed["items"]:
        if pod["metadata"]["labels"].get("app") in ("bot", "fleet", "pair"):
            conditions = pod["status"].get("conditions") or []
            status = [c["status"] for c in conditions if c["type"] == READINESS_GATE]
            found[status[0] if status else ""] = found.get(status[0] if status else "", 0) + 1
    return found


async def quiet(run: Run) -> Json:
    """What is written in a minute in which nothing happens."""
    await until_still(run)
    begin = time.time()
    await asyncio.sleep(QUIET_SECONDS)
    return written(run, begin)


async def turned(run: Run, turns: int) -> Json:
    """The login is lost and comes back, so many times: seconds of the executor's pod and of each program's."""
    executor, programs, missed = [], [], 0
    for _ in range(turns):
        for _ in ("lost", "back"):
            seen = await run.world("POST", f"turn?namespace={NAMESPACE}&name={name(0)}")
            if seen["seconds"] is None:
                missed += 1
                continue
            executor.append(seen["seconds"])
            programs.append(seen["programs"])
            await asyncio.sleep(0.5)
    return {"executor": executor, "programs": programs, "missed": missed}


async def labels(run: Run) -> Json:
    """A name that no gateway has, one that comes later, another gateway's, and none."""
    late = name(run.count)
    await run.api.call("POST", PODS, bare("typo", "nobody"))
    await run.api.call("POST", PODS, bare("early", late))
    found: Json = {
        "typo": await becomes(run, "typo", "False"),
        "early": await becomes(run, "early", "False"),
    }
    await labelled(run, "typo", name(1))
    found["corrected"] = await becomes(run, "typo", "True")
    await run.world("POST", f"turn?namespace={NAMESPACE}&name={name(1)}")
    found["of the other gateway"] = await becomes(run, "typo", "False")
    await run.world("POST", f"turn?namespace={NAMESPACE}&name={name(1)}")
    await labelled(run, "bot-00", None)
    await becomes(run, "bot-00", "")
    found["without a label"] = sorted(await told(run, "bot-00"))
    await run.api.call("DELETE", f"{GATEWAYS}/{name(1)}")
    found["gateway deleted"] = await becomes(run, "typo", "False GatewayMissing")
    return found


async def pretended(run: Run) -> Json:
    """A person's pod has all labels of the executor, and the name of its workload before its own."""
    ours = {
        "app.kubernetes.io/component": "executor",
        "app.kubernetes.io/managed-by": "ibgateway-operator",
        "app.kubernetes.io/name": "ibgateway",
        "pod-template-hash": "5d4f",
    }
    await run.api.call("POST", PODS, bare(f"{name(2)}-executor-5d4f-x", name(2), **ours))
    await becomes(run, f"{name(2)}-executor-5d4f-x", "True")
    await until_still(run)
    body = await run.api.call("GET", f"{GATEWAYS}/{name(2)}")
    conditions = {c["type"]: c["reason"] for c in body["status"]["conditions"]}
    meta = (await run.api.call("GET", f"{PODS}/{name(2)}-executor-5d4f-x"))["metadata"]
    return {
        "executor": conditions["ExecutorReady"],
        "deleted": "deletionTimestamp" in meta,
        "owners": meta.get("ownerReferences", []),
    }


async def while_away(run: Run) -> Json:
    """A label goes and another pod's changes while no operator is there."""
    run.stop_operator()
    await labelled(run, "bot-01", None)
    kept = await reason(run, "bot-01")
    begin = time.time()
    run.start_operator()
    await becomes(run, "bot-01", "")
    await until_still(run)
    return {"kept": kept, "written": written(run, begin), "others": await counted(run)}


async def story(count: int, turns: int, folder: Path) -> dict[str, Any]:
    """Everything that was seen."""
    gateways = 3
    async with running(folder, gateways) as run:
        await prepare(run.api, NAMESPACE, gateways + 1)
        following = asyncio.create_task(run.watched.follow_gateways(run.api))
        try:
            run.start_operator()
            for number in range(gateways):
                await run.api.call("POST", GATEWAYS, gateway(NAMESPACE, number))
            await until(lambda: all_say(run, "Ready"), "everyone is Ready")
            return {
                "follow": await everyone_follows(run, count),
                "quiet": await quiet(run),
                "turns": await turned(run, turns),
                "labels": await labels(run),
                "pretended": await pretended(run),
                "away": await while_away(run),
            }
        finally:
            following.cancel()


def main() -> None:
    """Print the story."""
    network.prepare()
    with tempfile.TemporaryDirectory(prefix="foreign-pods-") as folder:
        seen = asyncio.run(story(int(sys.argv[1]), int(sys.argv[2]), Path(folder) / "run"))
    sys.stdout.write(f"{json.dumps(seen)}\n")


if __name__ == "__main__":
    main()
