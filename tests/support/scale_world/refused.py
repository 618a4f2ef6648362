"""`python -m scale_world.refused FOLDER`: an operator that is told of two namespaces, and may read one of them.

In a network of its own (see `network`). Prints what was seen as one JSON document; judges nothing.
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final

from scale_world import network
from scale_world.client import Api, Json
from scale_world.gateways import gateway
from scale_world.plane import ControlPlane
from scale_world.run import ROOT, define, programs_of_the_cluster

DESK: Final = "desk"
LAB: Final = "lab"
USER: Final = "operator"
PATIENCE: Final = 150.0


async def until(wanted: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait. Raises TimeoutError that names it."""
    try:
        async with asyncio.timeout(PATIENCE):
            while not await wanted():  # noqa: ASYNC110 - the API server is asked
                await asyncio.sleep(0.3)
    except TimeoutError as error:
        raise TimeoutError(what) from error


async def allow(api: Api, namespace: str) -> None:
    """Let the operator do everything in a namespace."""
    rbac, meta = "rbac.authorization.k8s.io", {"name": USER, "namespace": namespace}
    path = f"/apis/{rbac}/v1/namespaces/{namespace}"
    rule = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}
    role = {"apiVersion": f"{rbac}/v1", "kind": "Role", "metadata": meta, "rules": [rule]}
    await api.call("POST", f"{path}/roles", role)
    binding = {
        "apiVersion": f"{rbac}/v1",
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": rbac, "kind": "Role", "name": USER},
        "subjects": [{"apiGroup": rbac, "kind": "User", "name": USER}],
    }
    await api.call("POST", f"{path}/rolebindings", binding)


async def said(api: Api, namespace: str) -> bool:
    """Whether the namespace's gateway has a status."""
    path = f"/apis/ibgateway.dev/v1alpha1/namespaces/{namespace}/ibgateways"
    listed: Json = await api.call("GET", path)
    return all("status" in item for item in listed["items"])


@asynccontextmanager
async def operating(plane: ControlPlane, log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """A real operator process that is told to serve both."""
    told = {
        "KUBECONFIG": str(plane.kubeconfig(USER)),
        "WATCH_NAMESPACE": f"{LAB},{DESK}",
        "POD_NAMESPACE": DESK,
        "OPERATOR_AGENT_IMAGE": "agent:1",
        "OPERATOR_EXECUTOR_IMAGE": "executor:1",
        "OPERATOR_METRICS_PORT": "0",
        "OPERATOR_LIVENESS_PORT": "0",
        "PYTHONPATH": os.pathsep.join(
            str(ROOT / part) for part in ("api", "runtime", "operator", "gateway")
        ),
    }
    with log.open("ab") as out:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "ibgateway_operator"),
            env={**os.environ, **told},
            stdout=out,
            stderr=out,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
                await process.wait()


async def story(folder: Path) -> dict[str, Any]:
    """What was seen."""
    plane = ControlPlane(folder / "plane", *programs_of_the_cluster(), authorization="RBAC")
    log = folder / "operator.log"
    async with AsyncExitStack() as stack:
        stack.callback(plane.stop)
        plane.start()
        api = Api(plane, "bench")
        stack.push_async_callback(api.close)
        await define(api)
        for number, namespace in enumerate((DESK, LAB)):
            meta = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
            await api.call("POST", "/api/v1/namespaces", meta)
            path = f"/apis/ibgateway.dev/v1alpha1/namespaces/{namespace}/ibgateways"
            await api.call("POST", path, gateway(namespace, number))
        await allow(api, DESK)
        async with operating(plane, log) as process:
            await until(lambda: said(api, DESK), "the gateway of the desk")
            seen = {"lab has a status": await said(api, LAB), "ended": process.returncode}
            await allow(api, LAB)
            async with asyncio.timeout(PATIENCE):
                seen["then ended with"] = await process.wait()
        async with operating(plane, log):
            await until(lambda: said(api, LAB), "the gateway of the lab")
    return {**seen, "log": [line for line in log.read_text().splitlines() if "not served" in line]}


def main() -> None:
    """Print the story."""
    network.prepare()
    seen = asyncio.run(story(Path(sys.argv[1])))
    sys.stdout.write(f"{json.dumps(seen)}\n")


if __name__ == "__main__":
    main()
