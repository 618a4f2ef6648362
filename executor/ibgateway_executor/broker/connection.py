"""The connection to the gateway: makes it, proves it, notices when the proof is gone.

Connecting follows the sentinel and is never tried before it says LoggedIn. Nothing is sent until
accounts, clock and ledger have been checked on this connection. 1100 takes the proof away; 1101, 1102
and an order of uncertain fate make it ask again. A kicked session keeps its socket.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from typing import Final

from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.gate import NEWS_LIMIT_SECONDS
from ibgateway_api.login import LoginState
from ibgateway_api.settings import ExecutorSettings
from ibgateway_api.week import NEW_YORK
from ibgateway_executor.broker import reconciliation
from ibgateway_executor.broker.answer_watch import AnswerWatch
from ibgateway_executor.broker.connect_pause import ConnectPause
from ibgateway_executor.broker.connection_state import wrong_account
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.inquiry import BrokerInquiry, positions_and_executions
from ibgateway_executor.broker.protocol import (
    Broker,
    BrokerEvent,
    Connect,
    Disconnected,
    LinkLost,
    LinkRestored,
)
from ibgateway_executor.broker.recorder import AT_ONCE, ReportRecorder
from ibgateway_executor.errors import (
    BrokerError,
    ClientIdInUseError,
    LedgerUnavailableError,
    RequestRefusedError,
)
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders import restored
from ibgateway_executor.orders.order import Order, OrderReason, OrderState, move
from ibgateway_executor.orders.resend import SETTLED_SECONDS, resendable
from ibgateway_executor.sentinel import SentinelStatus
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = 0.3
PING_SECONDS: Final = 2.0
CLOCK_QUESTION_SECONDS: Final = 1.1
"""The gateway leaves a second question for its clock within a second unanswered."""
MISSED_RESTORE_SECONDS: Final = 5.0
"""Logged in for this long with our own 1100 still open: the restore was missed, connect afresh."""
REFUSED_SECONDS: Final = 5.0
"""A read-only API refuses to list orders until a person changes its setting."""
AFTER_RESET: Final = timedelta(hours=1)
"""After New York's midnight orders are compared anew, once IBKR's nightly reset (until 00:45) is over."""
ASK_AGAIN_SECONDS: Final = 60.0
"""Orders of unknown fate are looked for again this often."""


class GatewayConnection:
    """At most one broker connection; `current` says which, and what is proven over it."""

    def __init__(
        self,
        *,
        connect: Connect,
        current: CurrentConnection,
        sentinel: SentinelStatus,
        settings: Callable[[], ExecutorSettings],
        ledger: Ledger,
        recorder: ReportRecorder,
        metrics: ExecutorMetrics,
        clock: Clock,
        wakeup: Wakeup,
        sleep: reconciliation.Sleep = asyncio.sleep,
        pause: ConnectPause | None = None,
    ) -> None:
        self._connect_to = connect
        self._current = current
        self._sentinel = sentinel
        self._settings = settings
        self._ledger = ledger
        self._recorder = recorder
        self._metrics = metrics
        self._clock = clock
        self._wakeup = wakeup
        self._sleep = sleep
        self._answers = AnswerWatch(sleep)
        self._watch = reconciliation.OrderWatch(clock)
        self._copy_ruled_out = False
        self._login_state: LoginState | None = None
        self._lost_at = 0.0
        self._asked_at = 0.0
        self._asked_on: date | None = None
        self._compared_at = float("-inf")
        self._pause = pause or ConnectPause(clock)

    async def run(self) -> None:
        """Keep the connection for ever."""
        while True:
            self._wakeup.clear()
            try:
                pause = await self.check()
            except BrokerError as error:
                logger.warning("the gateway's API: %s", error)
                self._current.failed(str(error))
                pause = await self.recover_from(error)
            except LedgerUnavailableError:
                pause = PING_SECONDS
            await self._wakeup.pause(pause)

    def close(self) -> None:
        """End the connection."""
        if self._current.broker is not None:
            self._current.broker.close()

    async def check(self) -> float:
        """One step of the connection's life; returns how long to pause after it."""
        self._log_login_state()
        broker, state = self._current.broker, self._current.state
        if broker is None or not broker.connected:
            await self._drop("the connection ended")
            if not self._logged_in():
                return RETRY_SECONDS
            if self._pause.left():
                return self._pause.left()
            await self._connect()
            return 0
        if state.link_lost:
            return await self._wait_for_link()
        settings = self._settings()
        if wrong_account(state, settings.trading_mode, settings.accounts):
            return PING_SECONDS
        if not state.reconciled or self._orders_due(broker):
            await self.reconcile(broker)
        else:
            await self._compare_clocks(broker)
        return PING_SECONDS

    async def recover_from(self, error: BrokerError) -> float:
        """How long to pause: a connection that does not answer is given up, a refusal is final."""
        if isinstance(error, RequestRefusedError):
            return REFUSED_SECONDS
        await self._drop(str(error))
        if isinstance(error, ClientIdInUseError):
            self._pause.held()
        return max(RETRY_SECONDS, self._pause.left())

    async def reconcile(self, broker: Broker) -> None:
        """Ask what became of our orders, record it, and conclude what may be concluded."""
        self._current.ledger_belongs_to(await self._ledger.claim(broker.accounts))
        await self._recorder.drained()
        invalidations = self._current.invalidations
        healthy = self._current.healthy_seconds()
        # Only these: an order sent while the broker was being asked is not in its answer.
        inherited = [] if self._copy_ruled_out else self._unsent_when_opened()
        asked = self._ledger.active.in_state(*reconciliation.AT_BROKER)
        answer = await reconciliation.ask(
            broker, [*asked, *inherited], self._sleep, self._answers.answer
        )
        await self._recorder.drained()
        for start in range(0, len(answer), AT_ONCE):
            await self._ledger.observe(*answer[start : start + AT_ONCE])
        await self._ledger.advance_all(self._conclusions(asked, answer))
        inquiry = await self._inquire(broker, answer, healthy)
        if self._ledger.hides_a_day(self._now()):
            give_up = partial(restored.give_up, last=self._ledger.found)
            await self._ledger.advance_all({order.id: give_up for order in inherited})
        if not self._copy_ruled_out:
            await self._ledger.rule_out_copy()
        self._copy_ruled_out = True
        outdated = self._current.invalidations != invalidations
        if outdated or not broker.connected or self._current.state.link_lost:
            return
        self._asked_at, self._asked_on = self._clock.monotonic(), _day(self._now())
        self._pause.reset()
        self._metrics.reconciliations.inc()
        self._current.reconciled()
        if inquiry is not None:
            self._current.inquired(inquiry)
        await self._ledger.forget_sightings(self._now())
        logger.info("reconciled with the broker")

    async def _inquire(
        self, broker: Broker, answer: reconciliation.Answer, healthy: float | None
    ) -> BrokerInquiry | None:
        """The rest of what has to be known before a lost order may be sent again, where that is wanted."""
        lost = self._ledger.active.in_state(OrderState.UNKNOWN)
        wanted = self._settings().resend is ResendPolicy.PROVEN and any(map(resendable, lost))
        if not wanted or healthy is None or healthy < SETTLED_SECONDS:
            return None
        rest = await positions_and_executions(broker, self._answers)
        ended, heard = self._clock.monotonic(), self._current.heard
        await self._recorder.drained()
        if rest is None:
            return None
        return BrokerInquiry(broker, healthy, ended, heard, answer, *rest)

    def _unsent_when_opened(self) -> list[Order]:
        """Orders that may have been sent meanwhile, if this ledger is a copy of an earlier one."""
        last, unsent = self._ledger.found.sequence, self._ledger.active.unsent
        return [order for number, order in unsent.items() if number <= last]

    def _conclusions(
        self, asked: Sequence[Order], answer: reconciliation.Answer
    ) -> dict[str, Step]:
        """What the answer means for each order that the broker should know."""
        index = reconciliation.AnswerIndex(answer)
        shown = {order.id: index.shows(order) for order in asked}
        self._watch.looked(order for order in asked if not shown[order.id])
        conclude = partial(reconciliation.conclude, now=self._now())
        return {
            order.id: partial(conclude, shown=shown[order.id], gone=self._watch.gone(order))
            for order in asked
        }

    def _now(self) -> datetime:
        """IBKR's time where it is known."""
        return self._current.now()

    async def _connect(self) -> None:
        self._pause.begin()
        broker = await self._connect_to(self._on_event)
        self._compared_at = float("-inf")
        self._current.connected(broker)
        logger.info("connected to the gateway, accounts %s", ",".join(broker.accounts))
        await self._compare_clocks(broker)
        self._current.ledger_belongs_to(await self._ledger.accounts())

    async def _compare_clocks(self, broker: Broker) -> None:
        """Also proof that somebody answers. Not asked again too soon, whoever ended the pause."""
        if self._clock.monotonic() - self._compared_at < CLOCK_QUESTION_SECONDS:
            return
        self._compared_at = self._clock.monotonic()
        theirs = await self._answers.answer(broker.server_time())
        self._current.clock_compared(self._clock.now() - theirs)

    def _orders_due(self, broker: Broker) -> bool:
        """Whether orders should be asked for again: of unknown fate, bound to another client id, or a new day has begun."""
        if self._asked_on != _day(self._now()) and self._ledger.active.in_state(OrderState.WORKING):
            return True
        if self._clock.monotonic() - self._asked_at < ASK_AGAIN_SECONDS:
            return False
        return any(
            order.state is OrderState.UNKNOWN
            or (order.state is OrderState.WORKING and order.client_id != broker.client_id)
            for order in self._ledger.active.sent.values()
        )

    async def _wait_for_link(self) -> float:
        """1100 is open. If the sentinel has been logged in for long, our restore was missed."""
        if not self._logged_in():
            self._lost_at = self._clock.monotonic()
        elif self._clock.monotonic() - self._lost_at > MISSED_RESTORE_SECONDS:
            await self._drop("no word of the restored link")
        return RETRY_SECONDS

    async def _drop(self, why: str) -> None:
        """Give the connection up; what was being sent over it has an unknown fate."""
        broker = self._current.broker
        if broker is None:
            return
        broker.close()
        self._current.closed(why)
        logger.warning("the connection to the gateway is gone: %s", why)
        await self._recorder.drained()
        sending = self._ledger.active.sending.values()
        await self._ledger.advance_all({order.id: _lost for order in sending})

    def _on_event(self, event: BrokerEvent) -> None:
        if isinstance(event, LinkLost):
            self._lost_at = self._clock.monotonic()
            self._current.link_lost(event.message)
        elif isinstance(event, LinkRestored):
            self._current.link_restored()
            self._answers.restored()
        elif isinstance(event, Disconnected):
            self._current.disconnected(event.message)
        else:
            self._current.told()
            self._recorder.put(event)

    def _logged_in(self) -> bool:
        """Whether a fresh report says so."""
        report = self._sentinel.report
        fresh = self._sentinel.age <= NEWS_LIMIT_SECONDS
        return report is not None and fresh and report.state is LoginState.LOGGED_IN

    def _log_login_state(self) -> None:
        report = self._sentinel.report
        if report is not None and report.state is not self._login_state:
            self._login_state = report.state
            if report.state is LoginState.LOGGED_IN:
                self._pause.reset()
            logger.info("the gateway is %s", report.state)


def _lost(order: Order) -> Order:
    """Unchanged where a report of the broker was faster: a working order has not been lost."""
    if order.state is not OrderState.SENDING:
        return order
    return move(
        order,
        OrderState.UNKNOWN,
        reason=OrderReason.CONNECTION_LOST,
        message="the connection ended before the broker acknowledged the order",
    )


def _day(now: datetime) -> date:
    """The day for which working orders have been compared with the broker's."""
    return (now.astimezone(NEW_YORK) - AFTER_RESET).date()
