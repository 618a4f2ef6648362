"""`python -m ibgateway_operator.selfcheck`: what `helm test` runs, as the operator's own account.

Says whether the resource is served, whether an operator holds the Lease and renews it, and which right is missing.
It reads one Lease and asks the API server about itself; it changes nothing.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Final

from ibgateway_api.names import Key
from ibgateway_operator.errors import NotFoundError, OperatorError
from ibgateway_operator.kube.client import KubernetesApi, connect
from ibgateway_operator.kube.reviews import is_served, may
from ibgateway_operator.model.kinds import (
    APPLIED,
    EVENT,
    GATEWAY,
    LEASE,
    POD,
    REMOVABLE,
    SECRET,
    Kind,
)
from ibgateway_operator.settings import DEFAULT_LEASE, namespaces_from
from ibgateway_runtime.errors import SettingsError

LOOKS: Final = 30
"""How often the Lease is read before it counts as standing still: an operator that has just been installed takes it first."""
LOOK_SECONDS: Final = 2.0
"""Between two readings: as often as it is renewed."""
_CHILD: Final = ("get", "list", "watch", "create", "patch")
RIGHTS: Final[tuple[tuple[Kind, str, tuple[str, ...]], ...]] = (
    (GATEWAY, "", ("get", "list", "watch")),
    (GATEWAY, "status", ("get", "patch")),
    *((k, "", (*_CHILD, "delete") if k.kind in REMOVABLE else _CHILD) for k in APPLIED),
    (POD, "", ("get", "list", "watch", "patch", "delete")),
    (POD, "status", ("patch",)),
    (SECRET, "", ("get", "create")),
    (EVENT, "", ("create",)),
)
"""What the operator does in each watched namespace: kind, subresource, verbs."""

Pause = Callable[[float], Awaitable[None]]


async def findings(
    server: KubernetesApi, lease: Key, namespaces: Sequence[str], pause: Pause
) -> list[str]:
    """What is wrong, a sentence each; none where all is in order."""
    served = [] if await is_served(server, GATEWAY) else [_unserved()]
    rights = [text async for text in _missing(server, lease, namespaces)]
    return [*served, *rights, *await _still(server, lease, pause)]


def _unserved() -> str:
    version = f"{GATEWAY.group}/{GATEWAY.version}"
    return f"the cluster does not serve {GATEWAY.kind} of {version}: apply the CustomResourceDefinition"


async def _missing(
    server: KubernetesApi, lease: Key, namespaces: Sequence[str]
) -> AsyncIterator[str]:
    for namespace in namespaces or ("",):
        for kind, sub, verb in _each():
            if not await may(server, verb, kind, namespace, sub=sub):
                where = f"in the namespace {namespace}" if namespace else "in all namespaces"
                yield f"the account may not {verb} {kind.plural}{sub and '/' + sub} {where}"
    for verb, name in (("create", ""), ("get", lease.name), ("patch", lease.name)):
        if not await may(server, verb, LEASE, lease.namespace, name=name):
            yield f"the account may not {verb} the Lease {lease}"


def _each() -> Iterator[tuple[Kind, str, str]]:
    return ((kind, sub, verb) for kind, sub, verbs in RIGHTS for verb in verbs)


async def _still(server: KubernetesApi, lease: Key, pause: Pause) -> list[str]:
    """Whether nobody renews the Lease. No clock is compared: it moves, or it does not."""
    first: object = None
    for look in range(LOOKS):
        if look:
            await pause(LOOK_SECONDS)
        renewed = await _renewed(server, lease)
        if renewed and first and renewed != first:
            return []
        first = first or renewed
    return [f"no operator renews the Lease {lease}: look at its pod"]


async def _renewed(server: KubernetesApi, lease: Key) -> str:
    """When the Lease was renewed last; empty where it is not there or held by nobody."""
    try:
        spec = (await server.get(LEASE, lease)).get("spec", {})
    except NotFoundError:
        return ""
    return str(spec.get("renewTime", "")) if spec.get("holderIdentity") else ""


def settings_from(env: Mapping[str, str]) -> tuple[Key, tuple[str, ...]]:
    """The Lease and the watched namespaces. Raises SettingsError with the variable's name."""
    lease = Key(env.get("POD_NAMESPACE", "default"), env.get("OPERATOR_LEASE", DEFAULT_LEASE))
    return lease, namespaces_from(env)


async def run(env: Mapping[str, str]) -> list[str]:
    """The findings in the cluster of this pod. Raises SettingsError, OperatorError."""
    lease, namespaces = settings_from(env)
    async with await connect() as api:
        return await findings(KubernetesApi(api), lease, namespaces, asyncio.sleep)


def main() -> int:
    """The exit code: 1 where something is wrong, 2 where nothing could be said."""
    try:
        found = asyncio.run(run(os.environ))
    except (SettingsError, OperatorError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write("".join(f"wrong: {text}\n" for text in found) or "all in order\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
