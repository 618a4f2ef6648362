"""The gate on the pods of programs of others: what the fast lane has judged is written on each of them.

Every pod has its own turn in a lane of its own: one whose patch is slow or fails holds up neither the others
nor any gate. A pod that lost its label loses the condition, which nobody would keep any more.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Key
from ibgateway_operator.decide.programs import (
    MISSING,
    NOT_HEARD,
    is_open_for_another,
    program_condition,
)
from ibgateway_operator.errors import (
    ApiUnavailableError,
    ConflictError,
    NotFoundError,
    OperatorError,
)
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.kube.programs import ProgramPods
from ibgateway_operator.model.kinds import GATEWAY, POD
from ibgateway_operator.model.manifests import Manifest, name_of, uid_of
from ibgateway_operator.model.programs import ProgramPod, is_left_behind, program_of
from ibgateway_operator.model.snapshot import Finding
from ibgateway_operator.workqueue import After, Workqueue
from ibgateway_runtime.clock import Clock

FLIGHT: Final = 16
"""Patches at once: with the gates' own and all other requests fewer than there are connections."""
PATCH_SECONDS: Final = 5.0
"""A patch that takes longer has failed: what can't be written must not keep the lane."""
SHOWN_SECONDS: Final = 1.0
"""When to look again for a gateway that is there and that no watch has shown yet."""
CALM_SECONDS: Final = 30.0
"""For how long a write counts in a pod's pace: somebody else may write the same condition, and again and again."""
UNNAMED: Final = f"!{names.LABEL_GATEWAY}"
PAGE_PAUSE: Final = 0.05
"""Seconds between two pages of all pods: gates come first."""
LOOK_AGAIN: Final = 30.0
"""Seconds after which the look at all pods is tried again."""

logger = logging.getLogger(__name__)


@dataclass
class ProgramGates:
    """Keeps the condition of every program's pod."""

    api_server: ApiServer
    pods: ProgramPods
    clock: Clock
    lane: Workqueue[Key]
    """By the pods' places."""
    judge: Callable[[Key], None]
    """Has a gateway's gate judged again."""
    _left: dict[Key, str] = field(default_factory=dict)
    """uids of pods that name no gateway any more, or have gone; nobody has looked yet."""

    def follow(self, gateway: Key, said: Finding) -> None:
        """A gate was judged: its pods are told, where that is news to them.

        A gate that has moved is told at once, however often it does: the pace holds for what others write over it.
        """
        before, now = self.pods.word(gateway), self.clock.now()
        tell = self.lane.add if before and before.reason == said.reason else self.lane.renew
        for pod in self.pods.say(gateway, said):
            if program_condition(pod, said, now):
                tell(pod.place)

    def doubt(self, gateway: Key, *, begins: bool) -> None:
        """Nothing can be said of a gate yet: no pod takes another gateway's word for it."""
        pods = [p for p in self.pods.of(gateway) if is_open_for_another(p, begins=begins)]
        if pods or begins:
            self.pods.say(gateway, NOT_HEARD)
        self._tell(pods)

    async def miss(self, gateway: Key) -> After | None:
        """No watch shows a gateway; whether there is none is for the API server itself to say."""
        if not self.pods.of(gateway):
            return None
        if self.pods.word(gateway) != MISSING and await self._exists(gateway):
            return After(SHOWN_SECONDS)
        self.follow(gateway, MISSING)
        return None

    async def _exists(self, gateway: Key) -> bool:
        if not gateway.name:
            return False  # an empty label: who asks for it would be answered with all of them
        try:
            await self.api_server.get(GATEWAY, gateway)
        except NotFoundError:
            return False
        return True

    def left(self, pod: ProgramPod) -> None:
        """A pod is not shown any more: gone, or without its label."""
        if pod.condition.status:
            self._look_at(pod.place, pod.uid)

    def _look_at(self, place: Key, uid: str) -> None:
        self._left[place] = uid
        self.lane.add(place)

    def _tell(self, pods: Iterable[ProgramPod]) -> None:
        for pod in pods:
            self.lane.add(pod.place)

    async def work(self, namespaces: Iterable[str]) -> None:
        """For ever."""
        await asyncio.gather(
            self.lane.work(self.keep, flight=FLIGHT), self._look_once(tuple(namespaces))
        )

    async def keep(self, place: Key) -> After | None:
        """Bring one pod's condition about."""
        pod, wrote = self.pods.at(place), False
        try:
            async with asyncio.timeout(PATCH_SECONDS):
                if pod is not None:
                    wrote = await self._write(pod)
                if place in self._left:
                    await self._take_back(place, self._left[place])
        except TimeoutError as error:
            raise ApiUnavailableError(f"pod {place}: no answer within {PATCH_SECONDS} s") from error
        except ConflictError:
            return After(SHOWN_SECONDS)  # another version, or another pod of its name
        return After(CALM_SECONDS) if wrote else None

    async def _write(self, pod: ProgramPod) -> bool:
        """Whether there was anything to write."""
        said = self.pods.word(pod.follows)
        condition = program_condition(pod, said, self.clock.now()) if said else None
        if condition is None:
            return False
        try:
            stored = await self.api_server.patch_pod_condition(pod.place, condition, uid=pod.uid)
        except NotFoundError:
            return False  # the watch shows its end
        logger.info("pod %s is told %s of %s", pod.place, condition["reason"], pod.follows)
        self._answered(pod, stored)
        if self.pods.word(pod.follows) != said:
            self.lane.renew(
                pod.place
            )  # it moved while this was written, perhaps back to what stood before
        return True

    def _answered(self, before: ProgramPod, stored: Manifest) -> None:
        """A pod may have lost its label, or be ending, when it was written."""
        after = program_of(stored)
        if after is not None and self.pods.answered(after):
            self.judge(after.follows)
        elif is_left_behind(stored):
            self._look_at(before.place, before.uid)

    async def _take_back(self, place: Key, uid: str) -> None:
        """Remove the condition of a pod that names no gateway any more. Raises ConflictError where it changes meanwhile."""
        try:
            pod = await self.api_server.get(POD, place)
            if uid_of(pod) == uid and is_left_behind(pod):
                version = str(pod["metadata"]["resourceVersion"])
                await self.api_server.remove_pod_condition(
                    place, names.READINESS_GATE, version=version
                )
                logger.info("pod %s follows no gateway any more: its condition is removed", place)
        except NotFoundError:
            pass
        if self._left.get(place) == uid:
            del self._left[place]

    async def _look_once(self, namespaces: tuple[str, ...]) -> None:
        """Labels may have gone while no operator was there: one look at all pods without one."""
        while True:
            try:
                for namespace in namespaces or ("",):
                    await self.look_through(namespace)
            except OperatorError as error:
                logger.warning("the look at pods that follow no gateway any more failed: %s", error)
                await asyncio.sleep(LOOK_AGAIN)
            else:
                return

    async def look_through(self, namespace: str) -> None:
        """Every pod without a label, page by page; none of them is kept. Raises OperatorError."""
        async for page in self.api_server.pages(POD, namespace, UNNAMED):
            for pod in page:
                if is_left_behind(pod):
                    self._look_at(Key(pod["metadata"]["namespace"], name_of(pod)), uid_of(pod))
            await asyncio.sleep(PAGE_PAUSE)

    def clear(self) -> None:
        """Another operator may be at work: forget what was said, and what was to be done."""
        self.pods.forget_words()
        self._left.clear()
