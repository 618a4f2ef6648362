"""Follows the sentinel's own reports and tells people of them: a task beside the loop, which it never holds up."""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Final

import aiohttp

from ibgateway_agent.sentinel.notifications.readings import ReadingInput, readings
from ibgateway_agent.sentinel.notifications.told_file import ToldFile
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_agent.sentinel.settings import SentinelEnvironment
from ibgateway_api import names
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.notifications.addresses import addresses_in
from ibgateway_runtime.notifications.courier import Courier
from ibgateway_runtime.notifications.heartbeat import EVERY_SECONDS, Heartbeat
from ibgateway_runtime.notifications.notifier import Notifier, Sending, Told
from ibgateway_runtime.watched_file import WatchedFile, watched_document

LOOK_EVERY: Final = timedelta(seconds=5)
"""Between reports the clock alone may bring something: a reminder, a loss that lasts."""
FIRST_LOOK_SECONDS: Final = 0.05

NO_ADDRESSES: Final = (
    f"the Secret of spec.notifications has no key {names.SECRET_URLS} with an address a line, or this pod does not"
    " have it: one that is not named NAME-notifications is mounted at the next restart"
)

logger = logging.getLogger(__name__)


class SentinelNotifications:
    """The sentinel's messages. `alive` says whether its loop looks, `count` counts letters."""

    def __init__(
        self,
        at: SentinelEnvironment,
        *,
        publisher: ReportPublisher,
        alive: Callable[[], bool],
        count: Callable[[str], None],
        clock: Clock,
        courier: Sending | None = None,
    ) -> None:
        self._publisher = publisher
        self._clock = clock
        self._settings = watched_document(at.settings_file, SentinelSettings)
        self._urls = WatchedFile(at.notifications_dir / names.SECRET_URLS, addresses_in)
        self._beat_at = WatchedFile(at.notifications_dir / names.SECRET_HEARTBEAT, str.strip)
        self._file = ToldFile(at.state_dir / "told.json")
        self._told = Told(keep=self._file.keep, count=count)
        self._own_courier = Courier(idle=None)
        self._courier: Sending = courier or self._own_courier
        self._notifier: Notifier | None = None
        self._warm: asyncio.Task[None] | None = None
        self._asked_at = clock.monotonic()
        self._heartbeat = Heartbeat(
            url=self._heartbeat_url, well=lambda: alive() and self._delivers(), clock=clock
        )

    def operator_asks(self) -> None:
        """An operator has asked for the gateway's state."""
        self._asked_at = self._clock.monotonic()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Tell for ever. What goes wrong here is logged, and the next report is looked at."""
        await asyncio.gather(self._follow(), self._beat(session))

    async def close(self) -> None:
        """End what was begun."""
        await self._forget()
        if self._warm is not None:
            self._warm.cancel()
            await asyncio.gather(self._warm, return_exceptions=True)
        await self._own_courier.close()
        await self._file.close()

    async def _follow(self) -> None:
        while True:
            try:
                sequence = await self._look()
            except Exception:
                # The outermost loop: whatever this is, the next report may be told.
                logger.exception("people could not be told")
                sequence = self._publisher.sequence
            await self._publisher.wait_for_newer(sequence, LOOK_EVERY)

    async def _beat(self, session: aiohttp.ClientSession) -> None:
        while True:
            try:
                await self._heartbeat.beat(session)
            except Exception as error:  # the outermost loop; its words may be the address
                logger.error("the heartbeat failed: %s", type(error).__name__)  # noqa: TRY400
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self) -> int:
        """One look at the latest report; gives its sequence."""
        try:
            report = self._publisher.latest()
        except LookupError:
            await asyncio.sleep(FIRST_LOOK_SECONDS)
            return -1
        settings = self._settings.value()
        told = settings.notifications
        if told is None:
            await self._forget()
        else:
            self._tell(report, settings, told)
        self._publisher.undelivered = self._trouble()
        return report.sequence

    def _tell(
        self, report: SentinelReport, settings: SentinelSettings, told: NotificationSettings
    ) -> None:
        silent = timedelta(seconds=self._clock.monotonic() - self._asked_at)
        view = ReadingInput(report, settings, told, self._clock.now(), silent)
        notifier = self._of(f"{told.namespace}/{told.gateway}")
        notifier.see(
            readings(view), minimum=told.minimum_severity, batch_seconds=told.batch_seconds
        )
        if self._warm is None or self._warm.done():
            self._warm = asyncio.create_task(self._prepare(notifier))

    async def _prepare(self, notifier: Notifier) -> None:
        """Have the sending process ready: its start takes seconds, and a push has no time to lose."""
        if self._courier is self._own_courier:
            await self._own_courier.warm()
        await notifier.check()

    def _of(self, gateway: str) -> Notifier:
        if self._notifier is None:
            self._notifier = Notifier(
                gateway,
                courier=self._courier,
                addresses=self._addresses,
                clock=self._clock,
                on_told=self._told,
                told=self._file.load(),
            )
        return self._notifier

    def _addresses(self) -> tuple[str, ...]:
        try:
            return self._urls.value()
        except SettingsError as error:
            raise SettingsError(NO_ADDRESSES) from error

    async def _forget(self) -> None:
        notifier, self._notifier = self._notifier, None
        if notifier is not None:
            await notifier.close()

    def _delivers(self) -> bool:
        """Whether people are told; a switch that is kept quiet by somebody who can't tell is worth nothing."""
        return self._notifier is not None and not self._notifier.trouble()

    def _trouble(self) -> str:
        if self._notifier is None:
            return ""
        found = (self._notifier.trouble(), self._heartbeat.trouble())
        return "; ".join(words for words in found if words)

    def _heartbeat_url(self) -> str:
        """Empty where the Secret has none."""
        try:
            return self._beat_at.value() if self._notifier is not None else ""
        except SettingsError:
            return ""
