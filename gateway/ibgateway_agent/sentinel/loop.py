"""The sentinel: one loop that reads, folds and decides, and one task that speaks to the API.

Everything that changes state runs on the event loop, so nothing needs a lock. A line is folded before
the one after it is looked at: the ledger knows of a rejection before the driver's next try.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from time import monotonic
from typing import Final

from ibgateway_agent.sentinel.log import ibc_log, wrapper_state
from ibgateway_agent.sentinel.log.checkpoint import Checkpoint, run_id
from ibgateway_agent.sentinel.log.login_fold import LoginFold, follow, stamp, take
from ibgateway_agent.sentinel.log.tail import LogTail
from ibgateway_agent.sentinel.log.wrapper_state import WrapperStage, WrapperState
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.permits import decide
from ibgateway_agent.sentinel.permits.attempt_ledger import Asker, AttemptLedger
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.permits.permits import Permits
from ibgateway_agent.sentinel.probe.monitor import ApiMonitor, MonitorInput
from ibgateway_agent.sentinel.process.stop import ProcessStop
from ibgateway_agent.sentinel.report import ReportFeed, ReportInput
from ibgateway_agent.sentinel.settings import SentinelEnvironment, SettingsFile, api_port
from ibgateway_api.accounts import account_problem
from ibgateway_api.login import Evidence, Login, LoginState, Sign, advance
from ibgateway_api.permits import Refused

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.05
DUTIES_EVERY: Final = 0.2
SETTINGS_EVERY: Final = 1.0
STALLED_AFTER: Final = 10.0
TOKEN_LOGIN_WITHIN: Final = timedelta(minutes=3)
"""A start by token that has not logged in by then has a dead token: nothing on the screen says so."""
QUIET_READS: Final = 100
SAVE_EVERY: Final = 30.0
TROUBLE_PAUSE: Final = 5.0

_LOOK_NOW: Final = frozenset({Sign.LOGIN_ATTEMPTED, Sign.PUSH_CLOSED, Sign.LOGIN_COMPLETED})
_DOWN: Final = frozenset({Sign.PERMIT_AWAITED, Sign.PROCESS_ENDED})


class Sentinel:
    """Watches one gateway and keeps its permits."""

    def __init__(
        self, environment: SentinelEnvironment, clock: Callable[[], datetime], *, boot: str
    ) -> None:
        self._environment = environment
        self._clock = clock
        self._settings = SettingsFile(environment.settings_file)
        self._permits = PermitFile(environment.run_dir)
        self._keeper = Permits(
            AttemptLedger(environment.state_dir / "attempts.jsonl"), self._permits
        )
        run = run_id(environment.run_dir)
        self._checkpoint = Checkpoint(environment.state_dir / "checkpoint.json", run)
        self._watch, place = self._checkpoint.load(clock())
        self._tail = LogTail(environment.run_dir / "gateway.log", place)
        self._wrapper: WrapperState | None = None
        self._ending = ProcessStop(lambda: self._wrapper, self._permits, environment.command_port)
        self.metrics = SentinelMetrics(clock)
        self.bulletin = ReportFeed(boot, clock)
        self.link = ApiMonitor(self._seen())
        self._refused: Refused | None = None
        self._caught_up = False
        self._saved = (self._watch, monotonic())
        self._looked_at = monotonic()
        self._next_duties = self._next_settings = 0.0

    async def run(self) -> None:
        """Watch for ever; the API's task ends with it."""
        link = asyncio.create_task(self.link.run())
        try:
            while True:
                self._look_again()
                if link.done():
                    link.result()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            link.cancel()
            await asyncio.gather(link, return_exceptions=True)
            await self._ending.close()

    def _look_again(self) -> None:
        """A volume that is full or gone for a while ends neither the watch nor its reports."""
        try:
            self.look()
        except OSError:
            logger.exception("a look at the gateway went wrong")
            self._next_duties = monotonic() + TROUBLE_PAUSE

    def alive(self) -> bool:
        """Whether the loop still looks."""
        return monotonic() - self._looked_at < STALLED_AFTER

    def accept(self, kind: Asker, request: str) -> bool:
        """Take a wish from outside; False if it was taken before."""
        taken = self._keeper.accept(kind, request, self._clock())
        self._next_duties = 0.0
        return taken

    def look(self) -> None:
        """One look at everything: the wrapper before the log, whose lines are never older."""
        self._looked_at = monotonic()
        self._wrapper = wrapper_state.look(self._environment.run_dir)
        self._read_log()
        if self._looked_at >= self._next_settings:
            self._next_settings = self._looked_at + SETTINGS_EVERY
            if self._settings.refresh():
                logger.info("the settings have changed")
        if self._looked_at >= self._next_duties:
            self._next_duties = self._looked_at + DUTIES_EVERY
            self._do_duties()
        self._publish()

    def _read_log(self) -> None:
        while lines := self._tail.lines():
            for line in lines:
                self._read(line)
        self._save()
        self._caught_up = True
        if self._tail.cut(quiet_reads=QUIET_READS):
            logger.info("the gateway's log was cut")
            self._save(at_once=True)

    def _read(self, line: str) -> None:
        """One line. While catching up a line counts from the time that was written on it."""
        now = self._clock()
        at = now if self._caught_up else min(stamp(line) or now, now)
        before = self._watch
        seconds = self._settings.current.login.approval_seconds
        self._watch, evidence = follow(before, line, at, approval_seconds=seconds)
        for piece in evidence:
            self._after(before, piece)

    def _tell(self, sign: Sign, detail: str) -> None:
        """Evidence from the API or the clock."""
        before = self._watch
        piece = Evidence(sign, self._clock(), detail)
        seconds = self._settings.current.login.approval_seconds
        self._watch = take(before, piece, approval_seconds=seconds)
        self._after(before, piece)
        self._save()
        self._publish()

    def _after(self, before: LoginFold, evidence: Evidence) -> None:
        """What a piece of evidence asks for beside the fold."""
        self.metrics.sign(evidence.sign)
        if evidence.detail == ibc_log.TOOK_OVER:
            self._keeper.took_over(evidence.at)
        if evidence.sign in _LOOK_NOW:
            self.link.nudge()
        if evidence.sign in _DOWN:
            self._process_down(before, evidence)
        if evidence.sign is Sign.COLD_RESTART:
            self._driver_starts_over()
        self._keeper.observe(self._situation(), self._watch.run)
        if self._watch.login.state is not before.login.state:
            logger.info("%s: %s", self._watch.login.state, evidence.detail or evidence.sign)
            self._next_duties = 0.0

    def _process_down(self, before: LoginFold, evidence: Evidence) -> None:
        """A waiting start still shows why: a rejected password is not healed by an ended process."""
        if before.run:
            self._keeper.process_ended(before.login, before.run, evidence.at)
        why = self._keeper.why_down()
        if why is None:
            return
        login = advance(self._watch.login, Evidence(why, evidence.at))
        if login.state is before.login.state:
            login = replace(login, since=before.login.since)
        self._watch = replace(self._watch, login=login)

    def _driver_starts_over(self) -> None:
        attempt = self._keeper.start_over(self._situation())
        if attempt is None:
            self._ending.begin("the driver starts over without a permit", at_once=True)
            return
        self.metrics.attempt(attempt)
        self._watch = replace(self._watch, run=attempt.id)

    def _do_duties(self) -> None:
        self._token_may_be_dead()
        situation = self._situation()
        self._keeper.observe(situation, self._watch.run)
        if self._ending.busy or wrapper_state.planned_stop(self._environment.run_dir):
            return
        step = self._keeper.step(situation)
        self._refused = step.refused if isinstance(step, decide.KeepWaiting) else None
        match step:
            case decide.GivePermit():
                self.metrics.attempt(self._keeper.give(step, situation))
            case decide.EndProcess(why=why, planned=planned):
                self._ending.begin(why, planned=planned)
            case decide.SettleRequest():
                self._keeper.settle(step, situation.now)

    def _token_may_be_dead(self) -> None:
        login = self._watch.login
        waits = login.by_token and login.state is LoginState.RESTARTING
        if waits and self._clock() - login.since > TOKEN_LOGIN_WITHIN:
            self._tell(Sign.TOKEN_EXPIRED, "no login after a start by token")

    def _situation(self) -> decide.Situation:
        wrapper = self._wrapper
        return decide.Situation(
            now=self._clock(),
            login=self._watch.login,
            records=self._keeper.records,
            settings=self._settings.current,
            waiting=wrapper is not None and wrapper.stage is WrapperStage.WAITING,
            running=wrapper is not None and wrapper.stage is WrapperStage.RUNNING,
            token_at_hand=wrapper is not None and wrapper.token_at_hand,
        )

    def _publish(self) -> None:
        planned = self._ending.busy and self._ending.planned
        stopping = planned or wrapper_state.planned_stop(self._environment.run_dir)
        news = ReportInput(
            self._watch.login, self._keeper.records, self._refused, planned_stop=stopping
        )
        if self.bulletin.publish(news):
            self.metrics.login(self._watch.login)

    def _save(self, *, at_once: bool = False) -> None:
        """Keep what changed; how far the log was read alone is worth a write only now and then."""
        watch, when = self._saved
        if not at_once and watch == self._watch and self._looked_at - when < SAVE_EVERY:
            return
        self._saved = (self._watch, self._looked_at)
        try:
            self._checkpoint.save(self._watch, self._tail.place)
        except OSError as error:
            logger.error("no checkpoint: %s", error)  # noqa: TRY400 - tried again at the next change

    def _seen(self) -> MonitorInput:
        return MonitorInput(
            running=self._running,
            login=self._login,
            account_problem=self._account_problem,
            port=lambda: api_port(self._environment, self._settings.current),
            tell=self._tell,
            count=self.metrics.probe,
        )

    def _running(self) -> bool:
        wrapper = self._wrapper
        return self._watch.login.running or (
            wrapper is not None and wrapper.stage is WrapperStage.RUNNING
        )

    def _account_problem(self, accounts: tuple[str, ...]) -> str:
        settings = self._settings.current
        return account_problem(settings.trading_mode, accounts, settings.expected_accounts)

    def _login(self) -> Login:
        return self._watch.login
