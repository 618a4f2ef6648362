"""What a person asks for at the console: into the attempt ledger first, then, once orders have drained, done.

It gets what an annotation would get, and no more: the same permits, the same budget, the same drain.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from ibgateway_agent.errors import ActionRefusedError, AgentError
from ibgateway_agent.sentinel.permits.handover import handover
from ibgateway_agent.sentinel.permits.offers import (
    OUT_FOR,
    costs_more,
    is_weeks_restart,
    refused_press,
)
from ibgateway_agent.sentinel.permits.permits import Permits
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.login import LoginState
from ibgateway_api.requests import CONSOLE, ConsoleRequest, HandoverRequest
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

DRAIN_SECONDS: Final = 60.0
"""Orders that are not acknowledged by then are in trouble: the login stays, and the person is told."""
_ENDS_A_LOGIN: Final = frozenset({ConsoleAction.RESTART, ConsoleAction.HANDOVER})


@dataclass(frozen=True)
class WaitingRequest:
    """One that waits until orders have drained; `began` in monotonic seconds."""

    asked: ConsoleRequest
    began: float


class ConsoleRequests:
    """Takes them, and holds one that ends a login until nothing is on its way."""

    def __init__(
        self, permits: Permits, snapshot: Callable[[], SentinelSnapshot], clock: Clock
    ) -> None:
        self._permits = permits
        self._snapshot = snapshot
        self._clock = clock
        self._waiting: WaitingRequest | None = None
        self.not_drained: ConsoleAction | None = None
        """The last one, where it was given up: orders were still on their way, or it had come to cost a push."""

    @property
    def draining(self) -> ConsoleAction | None:
        """What waits for a drain now; trading is held for it."""
        return self._waiting.asked.action if self._waiting else None

    def take(self, asked: ConsoleRequest) -> bool:
        """Take one; False for a press that was taken before.

        Raises ActionRefusedError where it can't be had now, LedgerError and OSError where it can't be kept.
        """
        seen = self._snapshot()
        if seen.records.was_asked(asked.id):
            return False
        if refused := refused_press(asked, seen):
            raise ActionRefusedError(refused)
        if self._waiting is not None and asked.action is not ConsoleAction.PAUSE:
            raise ActionRefusedError(
                f"{self._waiting.asked.action} waits until orders have drained"
            )
        self.not_drained = None
        self._permits.mind_pause(seen)
        self._permits.note_press(asked.action, asked.id, seen.now)
        if asked.action in _ENDS_A_LOGIN and seen.login.state is LoginState.LOGGED_IN:
            self._waiting = WaitingRequest(asked, self._clock.monotonic())
        else:
            self._do(asked, self._snapshot())
        return True

    def look(self) -> None:
        """Give up what has waited for too long."""
        waiting = self._waiting
        if waiting and self._clock.monotonic() - waiting.began > DRAIN_SECONDS:
            self._give_up(waiting.asked, "orders have not drained")

    def drained(self) -> None:
        """Nothing is on its way: what waits is done, unless it can't be any more."""
        if (waiting := self._waiting) is None:
            return
        self._waiting, seen = None, self._snapshot()
        try:
            if dearer := costs_more(waiting.asked, seen):
                raise ActionRefusedError(dearer)
            self._do(waiting.asked, seen)
        except (AgentError, OSError) as error:
            self._give_up(waiting.asked, str(error))

    def _give_up(self, asked: ConsoleRequest, why: str) -> None:
        self._waiting, self.not_drained = None, asked.action
        logger.warning("asked at the console: %s: nothing was done: %s", asked.action, why)

    def _do(self, asked: ConsoleRequest, seen: SentinelSnapshot) -> None:
        match asked.action:
            case ConsoleAction.LOGIN:
                self._log_in(asked, seen)
            case ConsoleAction.RESTART if is_weeks_restart(seen):
                self._log_in(asked, seen)
            case ConsoleAction.RESTART:
                self._hand_over(asked, seen, seen.now + OUT_FOR)
            case ConsoleAction.HANDOVER:
                self._hand_over(asked, seen, seen.now + timedelta(minutes=asked.minutes))
            case ConsoleAction.HAND_BACK:
                stands = handover(seen.records, seen.now)
                given_back = HandoverRequest(id=stands.request if stands else "")
                self._permits.hand_over(given_back, seen)
            case ConsoleAction.PAUSE | ConsoleAction.RESUME:
                pass  # its line in the ledger is all of it

    def _log_in(self, asked: ConsoleRequest, seen: SentinelSnapshot) -> None:
        if not self._permits.accept(RequestKind.LOGIN, asked.id, seen, by=CONSOLE):
            raise ActionRefusedError("a login that was asked for later than this was taken already")

    def _hand_over(self, asked: ConsoleRequest, seen: SentinelSnapshot, until: datetime) -> None:
        self._permits.hand_over(HandoverRequest(id=f"{CONSOLE} {asked.id}", until=until), seen)
