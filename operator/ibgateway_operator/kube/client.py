"""The API server, dict in and dict out. The only importer of `kubernetes.aio`.

The generated models of the client are not used: they refuse what a newer server sends. Errors are
translated here, once. Writes: server-side apply with one field manager, create, delete with a UID
precondition, and two narrow patches on pods.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Protocol

import aiohttp
from kubernetes.aio import client
from kubernetes.aio import config as kube_config

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import (
    ApiError,
    ApiUnavailableError,
    ConflictError,
    InvalidError,
    LeadershipError,
    NotFoundError,
)
from ibgateway_operator.model.kinds import BY_KIND, GATEWAY, POD, Kind
from ibgateway_operator.model.manifests import Manifest, name_of

REQUEST_SECONDS: Final = 15.0
_APPLY: Final = "application/apply-patch+yaml"
_STRATEGIC: Final = "application/strategic-merge-patch+json"
_MERGE: Final = "application/merge-patch+json"
_BUSY: Final = frozenset({429, 500, 502, 503, 504})
_WRONG_OBJECT: Final = ("failed to convert new object", "field not declared in schema")
"""Server-side apply says so with a 500, although it is the object that is wrong."""


class ApiServer(Protocol):
    """What the operator does with the API server."""

    async def get(self, kind: Kind, key: Key) -> Manifest:
        """One object. Raises NotFoundError."""
        ...

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        """What exists of a kind; an empty namespace means all."""
        ...

    async def bodies(self, kind: Kind, namespace: str) -> list[Manifest]:
        """Every object of a kind, whole; an empty namespace means all."""
        ...

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with force; gives what is stored."""
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

    async def patch_pod_condition(self, key: Key, condition: Manifest) -> Manifest:
        """Set one condition in a pod's status."""
        ...

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of a pod."""
        ...


async def connect() -> client.ApiClient:
    """A client from the pod's service account, else from the kubeconfig."""
    configuration = client.Configuration()
    try:
        kube_config.load_incluster_config(client_configuration=configuration)
    except kube_config.ConfigException:
        await kube_config.load_kube_config(client_configuration=configuration)
    configuration.retries = False
    return client.ApiClient(configuration)


@dataclass(frozen=True)
class KubernetesApi:
    """`ApiServer` on the official client."""

    api: client.ApiClient
    manager: str = names.FIELD_MANAGER
    """Who owns the fields that are applied."""
    may_write: Callable[[], bool] = lambda: True
    """Asked before each write; where it says no, the write raises LeadershipError."""

    async def get(self, kind: Kind, key: Key) -> Manifest:
        """One object. Raises NotFoundError."""
        return await self._call("GET", kind.path(key.namespace, key.name))

    async def names(self, kind: Kind, namespace: str, selector: str = "") -> set[Key]:
        """What exists of a kind; an empty namespace means all."""
        query = [("labelSelector", selector)] if selector else []
        found = await self._call("GET", kind.path(namespace), query=query)
        metas = [item["metadata"] for item in found.get("items", [])]
        return {Key(m.get("namespace", ""), m["name"]) for m in metas}

    async def bodies(self, kind: Kind, namespace: str) -> list[Manifest]:
        """Every object of a kind, whole; an empty namespace means all."""
        found = await self._call("GET", kind.path(namespace))
        return [dict(item) for item in found.get("items", [])]

    async def apply(self, manifest: Manifest) -> Manifest:
        """Server-side apply with force; gives what is stored."""
        kind = BY_KIND[manifest["kind"]]
        path = kind.path(manifest["metadata"]["namespace"], name_of(manifest))
        return await self._apply(path, manifest)

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
        return await self._call("POST", path, body=manifest)

    async def delete(self, kind: Kind, key: Key, *, uid: str) -> None:
        """Delete this very object; gone already is fine, another one raises ConflictError."""
        body = {"preconditions": {"uid": uid}, "propagationPolicy": "Background"}
        try:
            await self._call("DELETE", kind.path(*key), body=body)
        except NotFoundError:
            return

    async def patch_pod_condition(self, key: Key, condition: Manifest) -> Manifest:
        """Set one condition in a pod's status."""
        body = {"status": {"conditions": [condition]}}
        path = POD.path(*key, subresource="status")
        return await self._call("PATCH", path, body=body, content=_STRATEGIC)

    async def annotate_pod(self, key: Key, annotations: Mapping[str, str]) -> Manifest:
        """Set annotations of a pod."""
        body = {"metadata": {"annotations": dict(annotations)}}
        return await self._call("PATCH", POD.path(*key), body=body, content=_MERGE)

    async def _apply(self, path: str, body: Manifest) -> Manifest:
        query = [("fieldManager", self.manager), ("force", "true")]
        return await self._call("PATCH", path, body=body, query=query, content=_APPLY)

    async def _call(
        self,
        method: str,
        path: str,
        *,
        body: Manifest | None = None,
        query: list[tuple[str, str]] | None = None,
        content: str = "application/json",
    ) -> Manifest:
        if method != "GET" and not self.may_write():
            raise LeadershipError(f"{method} {path}: another operator may be at work")
        try:
            request = await self.api.param_serialize(
                method,
                path,
                query_params=query or [],
                header_params={"Accept": "application/json", "Content-Type": content},
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self.api.call_api(*request, _request_timeout=REQUEST_SECONDS)
            text = await answer.read()
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise ApiUnavailableError(f"{method} {path}: {error!r}") from error
        return _answer(answer.status, text)


def _answer(status: int, text: bytes) -> Manifest:
    try:
        document: Manifest = json.loads(text or b"{}")
    except ValueError:
        document = {"message": "the answer is not JSON"}
    if status < 300:
        return document
    raise _error(status, str(document.get("message", "")))


def _error(status: int, message: str) -> Exception:
    if any(words in message for words in _WRONG_OBJECT):
        return InvalidError(422, message)
    if status in _BUSY:
        return ApiUnavailableError(f"{status}: {message}")
    kinds: dict[int, type[ApiError]] = {
        404: NotFoundError,
        409: ConflictError,
        400: InvalidError,
        422: InvalidError,
    }
    return kinds.get(status, ApiError)(status, message)
