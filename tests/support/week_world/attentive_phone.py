"""A person who approves each push after half a minute, and when IBKR sent each."""

import asyncio
from datetime import datetime

from ibgateway_simulator.model.users import PushState
from week_world.world import WeekWorld


class AttentivePhone:
    """Looks after each look of the world."""

    def __init__(self, world: WeekWorld) -> None:
        self._world = world
        self._seen = 0
        self.away = False
        """Nobody is there: what is sent from now on is missed."""

    def look(self) -> None:
        """Each new push is seen, and answered in its time."""
        pushes = self._world.ibkr.logins.pushes
        for push in () if self.away else pushes[self._seen :]:
            asyncio.get_running_loop().call_later(30, self._approve, push.id)
        self._seen = len(pushes)

    def _approve(self, push: int) -> None:
        self._world.ibkr.answer_push(push, PushState.APPROVED)
        self._world.stir()


def pushes(world: WeekWorld) -> list[datetime]:
    """When each push was sent, to the minute."""
    sent = (push.sent for push in world.ibkr.logins.pushes)
    return [at.replace(second=0, microsecond=0) for at in sent]
