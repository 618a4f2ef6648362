"""The API server, dict in and dict out. The only importer of `kubernetes.aio`.

The generated models of the client are not used: they refuse what a newer server sends. Errors are
translated here, once. Writes: server-side apply with one field manager, create, delete with a UID
precondition, and two narrow patches on pods.

The server may say that it is busy: then it is asked again when it says so. Everything but the patch of
a gate shares a number of requests in flight, so that a gate never queues behind a thousand children.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Final, Protocol
from urllib.request import getproxies

import aiohttp
from kubernetes.aio import client
from kubernetes.aio import config as kube_config

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiUnavailableError, LeadershipError, NotFoundError
from ibgateway_operator.kube.answers import document_of, seconds_of
from ibgateway_operator.model.kinds import BY_KIND, GATEWAY, POD, Kind
from ibgateway_operator.model.manifests import Manifest, name_of

REQUEST_SECONDS: Final = 15.0
CONNECTIONS: Final = 100
"""Of the requests, at most: TLS keeps 256 KiB for each until it has been idle for 15 seconds."""
IN_FLIGHT: Final = 48
"""Requests at once beside those for gates: less than the connections, and few enough
that the API server's fair queuing, which counts the operator as one flow, has no reason to refuse any."""
PAGE: Final = 250
"""Objects of a page of names: the whole list of a thousand gateways would be 100 MiB for a moment."""
WHOLE_PAGE: Final = 100
"""Objects of a page of whole bodies: an IBGateway with its status has 8 KiB."""
BUSY_TRIES: Final = 4
ENDED_TRIES: Final = 3
"""Of a gate. The connections that wait were mostly all ended at once, and the first failure shows that of the others."""
LONGEST_PAUSE: Final = 10.0
"""Seconds; what the server asks for beyond that is left to the queue's back-off."""
_APPLY: Final = "application/apply-patch+yaml"
_STRATEGIC: Final = "application/strategic-merge-patch+json"
_MERGE: Final = "application/merge-patch+json"
_TOO_MANY: Final = 429
_UNSAID: Final = 1.0
"""Seconds where a busy server does not say when to ask again."""
_NEVER_STORED: Final = "1"
"""A resourceVersion that no stored object has: the first one that etcd gives is 2."""


class ApiServer(Protocol):
    """What the operator does with the API server."""

    async def get(self, kind: Kind, key: Key) -> Manifest:
        """One object. Raises NotFoundError."""
        ...

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        """What exists of a kind; an empty namespace means all."""
        ...

    def pages(
        self, kind: Kind, namespace: str, selector: str = ""
    ) -> AsyncIterator[list[Manifest]]:
        """Every object of a kind that meets a selector, whole, page by page; an empty namespace means all."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with force; gives what is stored.

        With `metadata.uid` onto this very object, with `metadata.resourceVersion` onto this very
        version: raises ConflictError where it is another one.
        """
        ...

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """Server-side apply of an object that is not there. Raises ConflictError where the name is taken."""
        ...

    async def apply_status(self, key: Key, status: Manifest, *, version: str) -> Manifest:
        """Server-side apply of an IBGateway's status onto this very version of it.

        Raises ConflictError where it is another one by now: a status that was made from the past, or
        for an object that somebody deleted and made again. (The API server ignores a uid here.)
        """
        ...

    async def create(self, manifest: Manifest) -> Manifest:
        """POST. Raises ConflictError where the name is taken."""
        ...

    async def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete this very object; gone already is fine, another one raises ConflictError."""
        ...

    async def patch_pod_condition(
        self, key: Key, condition: Manifest, *, uid: str = ""
    ) -> Manifest:
        """Set one condition in a pod's status. With a uid of this very pod: raises ConflictError where it is another one."""
        ...

    async def remove_pod_condition(self, key: Key, kind: str, *, version: str) -> Manifest:
        """Take one condition out of a pod's status as it was in this version. Raises ConflictError where it is another one."""
        ...

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of a pod."""
        ...


async def connect(*, connections: int = CONNECTIONS) -> client.ApiClient:
    """A client from the pod's service account, else from the kubeconfig.

    `connections` at once at most, 0 for any number.
    """
    configuration = client.Configuration()
    try:
        kube_config.load_incluster_config(client_configuration=configuration)
    except kube_config.ConfigException:
        await kube_config.load_kube_config(client_configuration=configuration)
    configuration.retries = False
    configuration.connection_pool_maxsize = connections
    # Else each request reads .netrc and the environment, in a thread of its own.
    configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
    return client.ApiClient(configuration)


@dataclass(frozen=True)
class KubernetesApi:
    """`ApiServer` on the official client."""

    api: client.ApiClient
    manager: str = names.FIELD_MANAGER
    """Who owns the fields that are applied."""
    may_write: Callable[[], bool] = lambda: True
    """Asked before each write; where it says no, the write raises LeadershipError."""
    flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(IN_FLIGHT))
    """What all requests but those for gates share."""
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    answered: Callable[[str, int | None], None] = lambda *_: None
    """Told of each request: its method, and the answer's status or None where there was none."""

    async def get(self, kind: Kind, key: Key) -> Manifest:
        """One object. Raises NotFoundError."""
        return await self.request("GET", kind.path(key.namespace, key.name))

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        """What exists of a kind; an empty namespace means all."""
        found = set[Key]()
        async for page in self._pages(kind, namespace, selector, PAGE):
            metas = (item["metadata"] for item in page)
            found.update(Key(m.get("namespace", ""), m["name"]) for m in metas)
        return found

    def pages(
        self, kind: Kind, namespace: str, selector: str = ""
    ) -> AsyncIterator[list[Manifest]]:
        """Every object of a kind that meets a selector, whole, page by page; an empty namespace means all."""
        return self._pages(kind, namespace, selector, WHOLE_PAGE)

    async def _pages(
        self, kind: Kind, namespace: str, selector: str, limit: int
    ) -> AsyncIterator[list[Manifest]]:
        after = ""
        while True:
            query = [("limit", str(limit)), *([("labelSelector", selector)] if selector else [])]
            query += [("continue", after)] if after else []
            page = await self.request("GET", kind.path(namespace), query=query)
            yield page.get("items") or []
            after = (page.get("metadata") or {}).get("continue") or ""
            if not after:
                return

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with force; gives what is stored.

        With `metadata.uid` onto this very object, with `metadata.resourceVersion` onto this very
        version: raises ConflictError where it is another one.
        """
        kind = BY_KIND[manifest["kind"]]
        path = kind.path(manifest["metadata"]["namespace"], name_of(manifest))
        return await self._apply(path, manifest)

    async def apply_new(self, manifest: Manifest) -> Manifest:
        """Server-side apply of an object that is not there. Raises ConflictError where the name is taken.

        The version is compared with that of a stored object, and with nothing where there is none. A
        POST would do as well, but for an owner of the fields who never gives one back.
        """
        meta = {**manifest["metadata"], "resourceVersion": _NEVER_STORED}
        return await self.apply({**manifest, "metadata": meta})

    async def apply_status(self, key: Key, status: Manifest, *, version: str) -> Manifest:
        """Server-side apply of an IBGateway's status onto this very version of it.

        Raises ConflictError where it is another one by now: a status that was made from the past, or
        for an object that somebody deleted and made again. (The API server ignores a uid here.)
        """
        body = {
            "apiVersion": GATEWAY.api_version,
            "kind": GATEWAY.kind,
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "resourceVersion": version,
            },
            "status": status,
        }
        return await self._apply(GATEWAY.path(*key, subresource="status"), body)

    async def create(self, manifest: Manifest) -> Manifest:
        """POST. Raises ConflictError where the name is taken."""
        path = BY_KIND[manifest["kind"]].path(manifest["metadata"]["namespace"])
        return await self.request("POST", path, body=manifest)

    async def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete this very object; gone already is fine, another one raises ConflictError."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self.request("DELETE", kind.path(*key), body=body)
        except NotFoundError:
            return

    async def patch_pod_condition(
        self, key: Key, condition: Manifest, *, uid: str = ""
    ) -> Manifest:
        """Set one condition in a pod's status. With a uid of this very pod: raises ConflictError where it is another one.

        On a connection that the server has just ended it goes out again at once: it says the same twice, and a
        gate must not wait for the queue's back-off.
        """
        for _ in range(ENDED_TRIES - 1):
            try:
                return await self._patch_condition(key, condition, {"uid": uid} if uid else {})
            except ApiUnavailableError as error:
                if not _ended(error.__cause__):
                    raise
        return await self._patch_condition(key, condition, {"uid": uid} if uid else {})

    async def remove_pod_condition(self, key: Key, kind: str, *, version: str) -> Manifest:
        """Take one condition out of a pod's status as it was in this version. Raises ConflictError where it is another one."""
        gone = {"$patch": "delete", "type": kind}
        return await self._patch_condition(key, gone, {"resourceVersion": version})

    async def _patch_condition(self, key: Key, condition: Manifest, meta: Manifest) -> Manifest:
        body = {"metadata": meta, "status": {"conditions": [condition]}}
        path = POD.path(*key, subresource="status")
        return await self.request("PATCH", path, body=body, content=_STRATEGIC, lane=nullcontext())

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of a pod."""
        body = {"metadata": {"annotations": dict(annotations)}}
        return await self.request("PATCH", POD.path(*key), body=body, content=_MERGE)

    async def _apply(self, path: str, body: Manifest) -> Manifest:
        query = [("fieldManager", self.manager), ("force", "true")]
        return await self.request("PATCH", path, body=body, query=query, content=_APPLY)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Manifest | None = None,
        query: list[tuple[str, str]] | None = None,
        content: str = "application/json",
        lane: AbstractAsyncContextManager[None] | None = None,
    ) -> Manifest:
        """One request, and again while the server says that it is busy and has done nothing."""
        head = {"Accept": "application/json", "Content-Type": content}
        # Without the body: the client would copy it value by value, looking for models of its own.
        _, url, head, _, form = await self.api.param_serialize(
            method,
            path,
            query_params=query or [],
            header_params=head,
            auth_settings=["BearerToken"],
        )
        request = (method, url, head, body, form)
        for _ in range(BUSY_TRIES - 1):
            status, after, text = await self._ask(request, lane or self.flight)
            if status != _TOO_MANY or after > LONGEST_PAUSE:
                return document_of(status, text)
            await self.pause(after)
        status, _, text = await self._ask(request, lane or self.flight)
        return document_of(status, text)

    async def _ask(
        self,
        request: tuple[str, str, dict[str, str], Manifest | None, list[str]],
        lane: AbstractAsyncContextManager[None],
    ) -> tuple[int, float, bytes]:
        """Status, seconds after which to ask again, body."""
        method, url = request[0], request[1]
        async with lane:
            if method != "GET" and not self.may_write():
                raise LeadershipError(f"{method} {url}: another operator may be at work")
            try:
                answer = await self.api.call_api(*request, _request_timeout=REQUEST_SECONDS)
                text = await answer.read()
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                self.answered(method, None)
                raise ApiUnavailableError(f"{method} {url}: {error!r}") from error
        self.answered(method, answer.status)
        after = seconds_of(answer.headers.get("Retry-After"))
        return answer.status, _UNSAID if after is None else after, text


def _ended(error: BaseException | None) -> bool:
    """Whether the connection ended under a request. aiohttp itself asks again then, but never a PATCH."""
    return isinstance(error, aiohttp.ClientConnectionError) and not isinstance(error, TimeoutError)
