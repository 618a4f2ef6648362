"""An API server that keeps everything in memory and speaks HTTP: what the operator's own client needs of one.

Versions, preconditions and watches are `FakeApiServer`'s; here requests become its calls, and errors answers.
"""

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiohttp import web

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiError
from ibgateway_operator.model.kinds import BY_KIND, Kind
from ibgateway_operator.model.manifests import Manifest
from operator_fakes import FakeApiServer

BY_PLURAL: Final = {kind.plural: kind for kind in BY_KIND.values()}
APPLY: Final = "application/apply-patch+yaml"
MERGE: Final = "application/merge-patch+json"


class PlainApiServer:
    """`told` hears of each readiness gate that is stored: moment (monotonic seconds), pod, status, reason."""

    def __init__(self, stored: FakeApiServer, told: Callable[[float, str, str, str], None]) -> None:
        self._stored, self._told = stored, told
        self._app = web.Application()
        root = r"/{group:apis?/[^/]+(?:/v[^/]+)?}/namespaces/{namespace}/{plural}"
        for path in (root, f"{root}/{{name}}", f"{root}/{{name}}/{{part}}"):
            self._app.router.add_route("*", path, self._answer)

    async def serve(self) -> int:
        """Its port on loopback; it serves for as long as the process lives."""
        runner = web.AppRunner(self._app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        port: int = runner.addresses[0][1]
        return port

    async def _answer(self, request: web.Request) -> web.Response:
        answers: dict[str, Callable[[web.Request, Kind, Key], Awaitable[Any]]] = {
            "GET": self._get,
            "POST": self._create,
            "PATCH": self._patch,
            "DELETE": self._delete,
        }
        place = request.match_info
        kind, key = BY_PLURAL[place["plural"]], Key(place["namespace"], place.get("name", ""))
        try:
            return web.json_response(await answers[request.method](request, kind, key))
        except ApiError as error:
            return web.json_response({"message": error.message}, status=error.status)

    async def _get(self, request: web.Request, kind: Kind, key: Key) -> Manifest:
        if key.name:
            return await self._stored.get(kind, key)
        pages = self._stored.pages(kind, key.namespace, request.query.get("labelSelector", ""))
        return {"metadata": {}, "items": [body async for page in pages for body in page]}

    async def _create(self, request: web.Request, _: Kind, key: Key) -> Manifest:
        body = await request.json()
        body["metadata"].setdefault("namespace", key.namespace)
        return await self._stored.create(body)

    async def _delete(self, request: web.Request, kind: Kind, key: Key) -> Manifest:
        body = await request.json()
        await self._stored.delete(kind, key, uid=body["preconditions"]["uid"])
        return {}

    async def _patch(self, request: web.Request, kind: Kind, key: Key) -> Manifest:
        body = await request.json()
        if request.content_type == APPLY and kind.kind == names.KIND:
            version = body["metadata"]["resourceVersion"]
            return await self._stored.apply_status(key, body["status"], version=version)
        if request.content_type == APPLY:
            return await self._stored.apply(body)
        if request.content_type == MERGE:
            return await self._stored.annotate_pod(key, body["metadata"]["annotations"])
        return await self._condition(key, body)

    async def _condition(self, key: Key, body: Manifest) -> Manifest:
        (condition,), meta = body["status"]["conditions"], body["metadata"]
        if condition.get("$patch") == "delete":
            version = meta["resourceVersion"]
            return await self._stored.remove_pod_condition(key, condition["type"], version=version)
        after = await self._stored.patch_pod_condition(key, condition, uid=meta.get("uid", ""))
        if condition["type"] == names.READINESS_GATE:
            self._told(time.monotonic(), key.name, condition["status"], condition["reason"])
        return after
