"""Lists and watches the children and pods, each kind by itself, and keeps what it was shown.

Every pod that names a gateway is watched: the gateway's own, which are kept whole, and those of programs that
follow its gate, of which little is kept. Another pod with that label is not kept at all.

A list is read page by page and each object packed at once, so that a start with many gateways takes no
more memory than its end; pods come first, because they say where a sentinel is heard. A watch that breaks
goes on where it was; one that was away for too long (410) lists anew, and what the list lacks has ended
meanwhile.

An etcd that was restored to an older state has another history than the one that was watched, and a watch
from a version that is still to come is silent. So after a break the server is asked for its version: where
it has gone back, nothing that is remembered holds, and the process begins anew.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import aclosing
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.errors import ApiError, ApiUnavailableError, OperatorError
from ibgateway_operator.kube.bodies import PackedBodies, named_by_label
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.kube.watch_client import WatchedKind, WatchServer
from ibgateway_operator.model.kinds import APPLIED, POD, Kind
from ibgateway_operator.model.manifests import Manifest, labels_of, name_of, trimmed, uid_of
from ibgateway_operator.model.programs import ProgramPod, is_own_pod, program_of
from ibgateway_runtime.backoff import backoff

WATCHED: Final = (POD, *APPLIED)
SELECTOR: Final = f"{names.LABEL_MANAGED_BY}={names.MANAGED_BY},{names.LABEL_GATEWAY}"
POD_SELECTOR: Final = names.LABEL_GATEWAY
"""Pods of others too: theirs are told from ours by who has made them."""
PAGE: Final = 100
"""Objects of a page: as dicts a few MiB, which are there while it is packed."""
AGAIN_SECONDS: Final = 0.05
"""Pause before a watch that has ended is begun again: it must not become a loop."""
FIRST_BACK_OFF: Final = 0.5
LONGEST_BACK_OFF: Final = 30.0
_TOO_OLD: Final = 410

Told = Callable[[Manifest], None]
ToldProgram = Callable[[ProgramPod], None]

logger = logging.getLogger(__name__)


def parts(namespaces: Iterable[str]) -> list[WatchedKind]:
    """What is watched in these namespaces; none means all."""
    places = tuple(namespaces) or ("",)
    return [WatchedKind(kind, place, selector(kind)) for kind in WATCHED for place in places]


def selector(kind: Kind) -> str:
    """Of which labels an object of this kind has to be, so that it is watched."""
    return POD_SELECTOR if kind is POD else SELECTOR


def _nobody(_: ProgramPod) -> None:
    return


class RestoredServerError(OperatorError):
    """The API server knows an older version than it has told before: its etcd was restored."""


class ChildInformer:
    """The watches of all parts. `shown` and `ended` are told after the bodies were changed.

    `lost` is called where the API server's history is another one by now.
    """

    def __init__(
        self,
        server: WatchServer,
        served: Iterable[WatchedKind],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        *,
        lost: Callable[[], None] = lambda: None,
    ) -> None:
        self.bodies = PackedBodies(named_by_label)
        self.programs = ProgramPods()
        self._server = server
        self._pause = pause
        self._lost = lost
        self._listed = {part: asyncio.Event() for part in served}
        self._one_page = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []

    def start(
        self,
        *,
        shown: Told,
        ended: Told,
        followed: ToldProgram = _nobody,
        left: ToldProgram = _nobody,
    ) -> None:
        """Begin; `shown` is told of objects that came or changed, `ended` of those that went.

        `followed` is told of pods of programs that came or were told something else, `left` of those that are
        not shown any more: they have gone, or have lost their label.
        """
        self._shown, self._ended = shown, ended
        self._followed, self._left = followed, left
        self._tasks = [asyncio.create_task(self._follow(part)) for part in self._listed]

    async def stop(self) -> None:
        """End the watches."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def listed(self) -> None:
        """Return once everything was listed: before that an object that is not shown may be there."""
        for event in self._listed.values():
            await event.wait()

    def dead(self) -> str:
        """Why the operator should be restarted; empty while the watches live."""
        return "a watch has ended" if any(task.done() for task in self._tasks) else ""

    async def _follow(self, part: WatchedKind) -> None:
        """For ever. Trouble is tried again later and later; what was shown stays."""
        version, failures, broke = "", 0, False
        await self._pods_come_first(part)
        while True:
            told = False
            try:
                if not version:
                    version = await self._list(part)
                elif broke:
                    await self._compare_history(part, version)
                async with aclosing(self._watch(part, version)) as versions:
                    async for latest in versions:
                        version, failures, told = latest, 0, True
                broke = not told
                wait = AGAIN_SECONDS if told else _back_off(failures)
            except RestoredServerError as error:
                logger.critical("%s: the operator begins anew", error)
                self._lost()
                return
            except OperatorError as error:
                version, broke = "" if _is_too_old(error) else version, True
                _tell(part, error, again=failures > 0)
                wait = _back_off(failures, error)
            failures += 0 if told and not broke else 1
            await self._pause(wait)

    async def _pods_come_first(self, part: WatchedKind) -> None:
        if part.kind is not POD:
            for other in self._listed:
                if other.kind is POD:
                    await self._listed[other].wait()

    async def _compare_history(self, part: WatchedKind, version: str) -> None:
        """Raises RestoredServerError where the server is behind what it has told before."""
        page = await self._server.page(part, limit=1, after="")
        now = str(page["metadata"]["resourceVersion"])
        if version.isdecimal() and now.isdecimal() and int(now) < int(version):
            raise RestoredServerError(f"the API server's version went back from {version} to {now}")

    async def _list(self, part: WatchedKind) -> str:
        """Show what is there; gives the version from which to watch.

        A page that can't be had is asked for again: what came before it is good until it expires (410).
        """
        seen: set[str] = set()
        after, version, failures = "", "", 0
        while not version or after:
            trouble: ApiUnavailableError | None = None
            async with self._one_page:
                try:
                    page = await self._server.page(part, limit=PAGE, after=after)
                except ApiUnavailableError as error:
                    trouble = error
                else:
                    seen.update([self._show(part.kind, item) for item in page.get("items") or ()])
                    meta = page["metadata"]
                    after, version = meta.get("continue") or "", str(meta["resourceVersion"])
            if trouble is not None:
                _tell(part, trouble, again=failures > 0)
                await self._pause(_back_off(failures, trouble))
            failures = failures + 1 if trouble is not None else 0
        for uid in self.bodies.uids(part.kind.kind, part.namespace) - seen:
            self._end(uid)
        for program in self.programs.missing(part.namespace, seen) if part.kind is POD else ():
            self._leave(program.place, program.uid)
        self._listed[part].set()
        return version

    async def _watch(self, part: WatchedKind, version: str) -> AsyncGenerator[str, None]:
        """Show what changes; gives the version after each event."""
        async with aclosing(self._server.changes(part, since=version)) as changes:
            async for event in changes:
                item = event["object"]
                if event["type"] == "DELETED":
                    self._end(uid_of(item), _whole(item, part.kind))
                    if part.kind is POD:
                        self._leave(_place(item), uid_of(item))
                elif event["type"] != "BOOKMARK":
                    self._show(part.kind, item)
                yield str(item["metadata"]["resourceVersion"])

    def _show(self, kind: Kind, item: Manifest) -> str:
        """An object is there; gives its uid."""
        body, uid = _whole(item, kind), uid_of(item)
        ours = is_ours(body)
        if not ours or self.bodies.owner(uid) not in (None, named_by_label(body)):
            self._end(uid)
        if ours and self.bodies.put(body):
            self._shown(body)
        if kind is POD and not ours:
            self._show_program(body)
        elif kind is POD:
            self.programs.drop(_place(body), uid)
        return uid

    def _show_program(self, pod: Manifest) -> None:
        """A pod that is not ours, with our label; one that ends is left as it is."""
        program = program_of(pod)
        if program is None:
            self.programs.drop(_place(pod), uid_of(pod))
        elif self.programs.put(program):
            self._followed(program)

    def _leave(self, place: Key, uid: str) -> None:
        """The pod of a program is gone, or has lost its label."""
        if program := self.programs.drop(place, uid):
            self._left(program)

    def _end(self, uid: str, last: Manifest | None = None) -> None:
        """An object is gone, or no longer ours."""
        body = self.bodies.drop(uid) or last
        if body and is_ours(body):
            self._ended(body)


def is_ours(body: Manifest) -> bool:
    """The selector once more: an object may lose its labels while it is watched. Of a pod, who has made it."""
    if body["kind"] == POD.kind:
        return is_own_pod(body)
    labels = labels_of(body)
    return labels.get(names.LABEL_MANAGED_BY) == names.MANAGED_BY and names.LABEL_GATEWAY in labels


def _place(body: Manifest) -> Key:
    return Key(str(body["metadata"]["namespace"]), name_of(body))


def _whole(item: Manifest, kind: Kind) -> Manifest:
    """Items of a list carry no kind of their own."""
    return {"apiVersion": kind.api_version, "kind": kind.kind, **trimmed(item)}


def _back_off(failures: int, error: OperatorError | None = None) -> float:
    """Seconds, at least those that the server asks for."""
    asked = error.after if isinstance(error, ApiUnavailableError) else 0.0
    return max(
        backoff(failures, first=FIRST_BACK_OFF, longest=LONGEST_BACK_OFF),
        min(asked, LONGEST_BACK_OFF),
    )


def _is_too_old(error: OperatorError) -> bool:
    """Whether the API server no longer knows the version from which to go on."""
    return isinstance(error, ApiError) and error.status == _TOO_OLD


def _tell(part: WatchedKind, error: OperatorError, *, again: bool) -> None:
    level = logging.WARNING if again else logging.INFO
    logger.log(level, "list or watch of %s broke off and goes on: %s", part.kind.plural, error)
