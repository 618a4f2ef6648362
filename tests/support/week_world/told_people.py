"""What the sentinel tells people: the product's own readings and episodes, without the sending."""

from datetime import timedelta

from ibgateway_agent.sentinel.notifications.readings import ReadingInput, readings
from ibgateway_api.notifications import Message, Severity, Standing, Subject, Topic, step
from ibgateway_api.settings import NotificationSettings, SentinelSettings
from week_world.world import WeekWorld


class ToldPeople:
    """What was told outlives each sentinel, as the file on its volume does."""

    def __init__(self, world: WeekWorld, told: NotificationSettings) -> None:
        self._world, self._told = world, told
        self._standings: dict[Subject, Standing] = {}
        self.titles: list[str] = []

    def look(self) -> None:
        """After each look of the world: a sentinel that is away tells nothing."""
        world, report = self._world, self._world.report
        if report is None or world.pod.sentinel is None:
            return
        text = (world.pod.folder / "settings.json").read_text()
        settings, now = SentinelSettings.model_validate_json(text), world.clock.now()
        view = ReadingInput(report, settings, self._told, now, timedelta())
        for subject, reading in readings(view).items():
            before = self._standings.get(subject, Standing())
            self._standings[subject], message = step(
                subject, reading, before, now=now, minimum=Severity.INFO
            )
            if message is not None:
                self.titles.append(_without_deadline(message))


def _without_deadline(message: Message) -> str:
    push = message.topic is Topic.PUSH_WAITS
    return message.title.split(" until ")[0] if push else message.title
