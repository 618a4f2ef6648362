"""Which of the watched namespaces may be read: one whose Role is gone must not hold up all the others."""

import asyncio
from collections.abc import Iterable
from typing import Final

from ibgateway_operator.errors import ApiError, OperatorError
from ibgateway_operator.kube.informer import parts
from ibgateway_operator.kube.watch_client import WatchedKind, WatchServer
from ibgateway_operator.model.kinds import GATEWAY

AGAIN_SECONDS: Final = 60.0
"""How often a namespace that is left out is asked for again."""
_FORBIDDEN: Final = 403


async def refused(server: WatchServer, namespaces: Iterable[str]) -> dict[str, str]:
    """Those in which something that is watched may not be listed, with the server's words.

    A server that does not answer refuses nothing: then everything waits for it, as it has to.
    """
    said = {place: await _refusal(server, place) for place in namespaces}
    return {place: words for place, words in said.items() if words}


async def until_one_may_be_read(server: WatchServer, namespaces: Iterable[str]) -> None:
    """Return once any of them is refused no more."""
    left = set(namespaces)
    while set(await refused(server, left)) == left:  # noqa: ASYNC110 - a Role that comes tells nobody
        await asyncio.sleep(AGAIN_SECONDS)


async def _refusal(server: WatchServer, namespace: str) -> str:
    for part in [WatchedKind(GATEWAY, namespace, ""), *parts([namespace])]:
        try:
            await server.page(part, limit=1, after="")
        except ApiError as error:
            if error.status == _FORBIDDEN:
                return error.message
        except OperatorError:
            return ""
    return ""
