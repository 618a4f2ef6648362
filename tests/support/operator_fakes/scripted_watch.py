"""What an API server answers to lists and watches, by a script."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from ibgateway_operator.errors import OperatorError
from ibgateway_operator.kube.watch_client import WatchedKind
from ibgateway_operator.model.manifests import Manifest


def page(version: int, *items: Manifest, after: str = "") -> Manifest:
    """A page of a list as it was at a version; `after` where more follow."""
    return {"metadata": {"resourceVersion": str(version), "continue": after}, "items": list(items)}


def event(kind: str, body: Manifest) -> Manifest:
    """An event of a watch."""
    return {"type": kind, "object": body}


@dataclass
class ScriptedServer:
    """Answers in their order; a watch beyond the script lasts until it is cancelled."""

    pages: list[Manifest | OperatorError]
    watches: list[list[Manifest | OperatorError]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    idle: asyncio.Event = field(default_factory=asyncio.Event)
    version: int = 1000
    """What it answers who only asks for its version."""

    async def page(self, part: WatchedKind, *, limit: int, after: str) -> Manifest:
        """The next page of the script."""
        if limit == 1:
            self.asked.append("version")
            return page(self.version)
        self.asked.append(f"list {after}".strip())
        answer = self.pages.pop(0)
        if isinstance(answer, OperatorError):
            raise answer
        return answer

    async def changes(self, part: WatchedKind, *, since: str) -> AsyncGenerator[Manifest, None]:
        """The next watch of the script."""
        self.asked.append(f"watch {since}")
        if not self.watches:
            self.idle.set()
            await asyncio.Event().wait()
        for each in self.watches.pop(0):
            if isinstance(each, OperatorError):
                raise each
            yield each
