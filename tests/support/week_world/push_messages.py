"""The messages that people get about pushes: the product's own readings and episodes, without the sending."""

from datetime import timedelta

from ibgateway_agent.sentinel.notifications.readings import READINGS, ReadingInput
from ibgateway_api.notifications import Severity, Standing, Subject, Topic, step
from ibgateway_api.reports import SentinelReport
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from week_world.world import WeekWorld

TOLD = NotificationSettings(namespace="trading", gateway="paper")
SETTINGS = SentinelSettings()


class PushMessages:
    """What was told outlives each sentinel, as the file on its volume does."""

    def __init__(self, world: WeekWorld) -> None:
        self._world = world
        self._standing = Standing()

    def look(self, report: SentinelReport) -> bool:
        """Whether a message about a push with a deadline goes out now."""
        now = self._world.clock.now()
        view = ReadingInput(report, SETTINGS, TOLD, now, timedelta())
        reading = READINGS[Subject.LOGIN](view)
        self._standing, message = step(
            Subject.LOGIN, reading, self._standing, now=now, minimum=Severity.CRITICAL
        )
        push = message is not None and message.topic is Topic.PUSH_WAITS
        return push and message is not None and message.expires == report.deadline
