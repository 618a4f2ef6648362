"""The sentinel: one loop that reads, folds and acts, and one task that speaks to the API.

Everything that changes state runs on the event loop, so nothing needs a lock. What to do is decided
and how an attempt ended is concluded in `permits`, purely; this loop carries it out.
"""

import asyncio
import contextlib
import logging
from typing import Final

from ibgateway_agent.errors import LedgerError
from ibgateway_agent.sentinel.console_report import console_report
from ibgateway_agent.sentinel.console_requests import ConsoleRequests
from ibgateway_agent.sentinel.drain import DrainWatch
from ibgateway_agent.sentinel.driver_attempts import DriverAttempts
from ibgateway_agent.sentinel.figures import SentinelView
from ibgateway_agent.sentinel.gate.drains import CONSOLE_STOP, POD_STOP
from ibgateway_agent.sentinel.gate.program_gate import GateSources, ProgramGate
from ibgateway_agent.sentinel.gateway_watch import GatewayWatch
from ibgateway_agent.sentinel.log import run_dir
from ibgateway_agent.sentinel.log.checkpoint import Checkpoint
from ibgateway_agent.sentinel.log.login_fold import LoginFold, fold_evidence, keeping_reason
from ibgateway_agent.sentinel.log.tail import LogTail
from ibgateway_agent.sentinel.log.wrapper_watch import WrapperWatch
from ibgateway_agent.sentinel.log_reader import LogReader
from ibgateway_agent.sentinel.metrics import SentinelMetrics
from ibgateway_agent.sentinel.nightly import STAYS_AWAY_AFTER
from ibgateway_agent.sentinel.permits import (
    decide,
    handover,
    outcome,
    standstill,
    trading_pause,
)
from ibgateway_agent.sentinel.permits.attempt_ledger import AttemptLedger
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.permits.permits import Permits
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_agent.sentinel.permits.snapshot import SentinelSnapshot
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_agent.sentinel.probe.monitor import ApiMonitor
from ibgateway_agent.sentinel.process.stop import ProcessStop, TellDriver
from ibgateway_agent.sentinel.publisher import ReportPublisher
from ibgateway_agent.sentinel.report import ReportInput
from ibgateway_agent.sentinel.settings import SentinelEnvironment
from ibgateway_agent.sentinel.state import GatewayState
from ibgateway_api.advice import why_refused, wrong_port
from ibgateway_api.console_documents import ConsoleReport
from ibgateway_api.gate_documents import DrainRequest, GateDrain
from ibgateway_api.login import Evidence, Sign
from ibgateway_api.permits import Refused
from ibgateway_api.reports import HandoverReport
from ibgateway_api.requests import ConsoleRequest, HandoverRequest, TurnRequest
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.watched_file import watched_document

logger = logging.getLogger(__name__)

LOOK_EVERY: Final = 0.05
DUTIES_EVERY: Final = 0.2
SETTINGS_EVERY: Final = 1.0
TROUBLE_PAUSE: Final = 5.0

PROBE_NOW: Final = frozenset({Sign.LOGIN_ATTEMPTED, Sign.PUSH_CLOSED, Sign.LOGIN_COMPLETED})


class Sentinel:
    """Watches one gateway and keeps its permits. Receives what the API monitor finds out."""

    def __init__(
        self,
        environment: SentinelEnvironment,
        *,
        clock: Clock,
        boot: str,
        tell_driver: TellDriver,
    ) -> None:
        self._run_dir = environment.run_dir
        self._clock = clock
        self._settings = watched_document(environment.settings_file, SentinelSettings)
        settings = self._settings.value()
        permit_file = PermitFile(self._run_dir)
        state_dir, mode = environment.state_dir, settings.trading_mode
        checkpoint = Checkpoint(state_dir / "checkpoint.json", run_dir.run_id(self._run_dir), mode)
        self._permits = Permits(
            AttemptLedger(
                state_dir / "attempts.jsonl",
                mode,
                ran_before=settings.logged_in_before
                or checkpoint.ran_before()
                or run_dir.had_permit(self._run_dir),
            ),
            permit_file,
        )
        with contextlib.suppress(OSError):
            self._permits.open(clock.now())
        fold, position = checkpoint.load(clock.now())
        self._state = GatewayState(environment, settings, fold)
        self._wrapper = WrapperWatch(self._run_dir)
        tail = LogTail(self._run_dir / "gateway.log", position)
        self._log = LogReader(tail, checkpoint, self._state, clock)
        self._stop = ProcessStop(self._state, permit_file, tell_driver, clock)
        self._monitor = ApiMonitor(self._state, self, clock)
        self.metrics = SentinelMetrics(clock, self._view, state_dir)
        self.publisher = ReportPublisher(boot, clock)
        self.drain = DrainWatch(clock)
        self._by_itself = DriverAttempts(
            *(self._state, self._permits, self._stop, self.metrics),
            snapshot=self._snapshot,
            clock=clock,
        )
        self._at_console = ConsoleRequests(self._permits, self._snapshot, clock)
        self._refused: Refused | None = None
        self._port_closed = False
        self._sight = GatewayWatch(clock)
        sources = GateSources(self.publisher, self._sight, self._settings, environment.nightly)
        self.gate = ProgramGate(sources, boot=boot, clock=clock)
        self._next_duties = self._next_settings = float("-inf")

    async def run(self) -> None:
        """Watch for ever; the API's task ends with it."""
        monitoring = asyncio.create_task(self._monitor.run())
        try:
            while True:
                self.look()
                if monitoring.done():
                    monitoring.result()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            monitoring.cancel()
            await asyncio.gather(monitoring, return_exceptions=True)
            await self._stop.close()

    def alive(self) -> bool:
        """Whether the loop still looks, and sees: a look that can't read counts for nothing."""
        return self._sight.alive(self._clock.monotonic())

    def accept(self, kind: RequestKind, request: str) -> bool:
        """Take a request from outside; False if it was taken before, StopRefusedError if it can't be now."""
        taken = self._permits.accept(kind, request, self._snapshot())
        self._duties_now()
        return taken

    def hand_over(self, asked: HandoverRequest) -> tuple[bool, HandoverReport | None]:
        """Let a person have the login, or take it back: whether that is new, and what stands then."""
        new = self._permits.hand_over(asked, self._snapshot())
        self._duties_now()
        return new, handover.told_of(self._snapshot())

    def take_turn(self, given: TurnRequest) -> bool:
        """One attempt that pushes may begin; False where this turn was given before."""
        new = self._permits.take_turn(given, self._clock.now())
        self._duties_now()
        return new

    def request_drain(self, asked: DrainRequest) -> GateDrain:
        """The operator has a stop that is due: trading is held, and programs are asked to drain."""
        drain = self.gate.drains.request(asked)
        self._publish_known()
        return drain

    def console_report(self) -> ConsoleReport:
        """What everybody may know now; raises LookupError before the first look."""
        return console_report(
            self.publisher.latest(),
            self._snapshot(),
            self.drain.queue,
            draining=self._at_console.draining,
            not_drained=self._at_console.not_drained,
        )

    def asked_at_console(self, asked: ConsoleRequest) -> bool:
        """A person has pressed a button there; False where that was taken before, ActionRefusedError where it can't be."""
        new = self._at_console.take(asked)
        self._duties_now()
        return new

    def look(self) -> None:
        """One look at everything. What can't be read or written now is tried again and reported."""
        now = self._clock.monotonic()
        if now >= self._next_settings:
            self._next_settings = now + SETTINGS_EVERY
            self._read_settings()
        try:
            self._read(now)
        except OSError as error:
            self._sight.failed(error)
        else:
            self._sight.saw(now)
            self._try_duties(now)
        self._publish_known()

    def _read(self, now: float) -> None:
        """The wrapper before the log, whose lines are never older."""
        self._state.wrapper = self._wrapper.look(now)
        for before, evidence in self._log.evidence():
            self._handle(before, evidence)

    def _try_duties(self, now: float) -> None:
        """A volume that takes no writes neither hides the login nor ends the sentinel."""
        try:
            self._permits.open(self._clock.now())
            self._log.finish()
            if now >= self._next_duties:
                self._next_duties = now + DUTIES_EVERY
                self._do_duties()
                self._sight.unwritten = ""
        except (OSError, LedgerError) as error:
            self._sight.not_written(error)
            self._next_duties = now + TROUBLE_PAUSE

    def on_evidence(self, sign: Sign, detail: str) -> None:
        """Evidence from the API or the clock: folded, dealt with and published at once."""
        evidence, before = Evidence(sign, self._clock.now(), detail), self._state.fold
        seconds = self._state.settings.login.approval_seconds
        self._state.fold = fold_evidence(before, evidence, approval_seconds=seconds)
        self._handle(before, evidence)
        self._log.save()
        self._publish()

    def on_probe(self, result: ProbeResult, seconds: float) -> None:
        """The API was probed."""
        self._port_closed = result is ProbeResult.PORT_CLOSED
        self.metrics.probe(result, seconds)

    def _handle(self, before: LoginFold, evidence: Evidence) -> None:
        """What a piece of evidence asks for beside the fold."""
        self.metrics.sign(evidence.sign)
        self._permits.record_or_retry(outcome.not_in_ledger(evidence, self._permits.records))
        self._permits.record_or_retry(
            outcome.from_evidence(evidence, before, self._permits.records)
        )
        if evidence.sign in PROBE_NOW:
            self._monitor.probe_now()
        if evidence.sign in outcome.PROCESS_GONE:
            self._show_why_it_waits(before, evidence)
        if evidence.sign is Sign.COLD_RESTART:
            self._by_itself.starts_over(just_now=self._log.caught_up_at is not None)
        if evidence.sign is Sign.TOKEN_START:
            self._stop.hurry()
        self._by_itself.see_relogin(before.login, evidence)
        self._concluded(self._snapshot())
        login = self._state.login
        if login.state is not before.login.state:
            logger.info("%s: %s", login.state, evidence.detail or evidence.sign)
            self._duties_now()

    def _show_why_it_waits(self, before: LoginFold, evidence: Evidence) -> None:
        why = outcome.why_it_waits(self._permits.records)
        if why is not None:
            reason = Evidence(why, evidence.at)
            self._state.fold = keeping_reason(self._state.fold, before, reason)

    def _read_settings(self) -> None:
        before, self._state.settings = self._state.settings, self._settings.value()
        if before != self._state.settings:
            logger.info("the settings have changed")

    def _duties_now(self) -> None:
        self._next_duties = float("-inf")

    def _see_standstill(self) -> SentinelSnapshot:
        """A login that goes nowhere by itself is a sign of something, though nothing says so. Gives what is known then."""
        seen = self._snapshot()
        if standstill.token_is_dead(seen):
            self.on_evidence(Sign.TOKEN_EXPIRED, "no login after a start by token")
        elif standstill.dialog_holds_up(seen):
            self.on_evidence(Sign.PERSON_NEEDED, f"a dialog waits: {', '.join(seen.login.dialogs)}")
        elif standstill.port_stays_closed(seen):
            self.on_evidence(Sign.PERSON_NEEDED, wrong_port(self._state.api_port))
        else:
            return seen
        return self._snapshot()

    def _concluded(self, seen: SentinelSnapshot) -> SentinelSnapshot:
        """Write down what the login has come to. Each conclusion sees the ledger with the one before it."""
        for conclude in (outcome.from_login, outcome.token_died):
            if lines := conclude(seen):
                self._permits.record_or_retry(lines)
                seen = self._snapshot()
        return seen

    def _do_duties(self) -> None:
        login = self._state.login
        self._permits.mind_pause(self._snapshot())
        seen = self._concluded(self._see_standstill())
        if self._state.running:
            self._permits.drop_dead_token(login, self._state.start)
        going = run_dir.planned_stop(self._run_dir)
        self._permits.keep_token(seen, self._state.start, going=going)
        if self._stop.busy or going:
            return
        self._permits.remove_stale(self._state.start, self._clock.now())
        # Each conclusion sees the ledger with the one before it: what was rejected has not just ended.
        snapshot = self._snapshot()
        if lines := outcome.from_waiting_start(snapshot):
            self._permits.record(lines)
            snapshot = self._snapshot()
        step = decide.next_step(snapshot)
        self._refuse(step.refused if isinstance(step, decide.KeepWaiting) else None)
        match step:
            case decide.GivePermit():
                self.metrics.attempt(self._permits.give(step, self._state.start, snapshot.now))
            case decide.EndProcess(why=why, planned=planned, at_once=at_once, pause=pause):
                if pause:
                    self._permits.pauses(snapshot.now)
                self._stop.begin(why, planned=planned, at_once=at_once, pause=pause)
            case decide.SettleRequest():
                self._permits.settle(step, snapshot.now)

    def _refuse(self, refused: Refused | None) -> None:
        """Said once for each reason and time."""
        if refused not in (None, self._refused):
            logger.info("no attempt now: %s", why_refused(refused.reason, refused.until))
        self._refused = refused

    def _snapshot(self) -> SentinelSnapshot:
        state = self._state
        return SentinelSnapshot(
            now=self._clock.now(),
            login=state.login,
            records=self._permits.records,
            settings=state.settings,
            attempt=state.fold.attempt,
            started=state.fold.started,
            waiting=state.waiting,
            running=state.running,
            token_at_hand=state.token_at_hand,
            permit_on_its_way=state.waiting and self._permits.on_its_way(state.start),
            starts_over=state.fold.starts_over,
            kept_pause=self._permits.kept_pause,
            looked_since=self._log.caught_up_at,
            clock_wrong=self._monitor.clock_watch.is_wrong(),
            port_closed=self._port_closed,
        )

    def _publish_known(self) -> None:
        if self._log.caught_up_at or self._sight.blind(self._clock.monotonic()):
            self._publish()

    def _publish(self) -> None:
        sight, login, seen = self._sight, self._state.login, self._snapshot()
        nightly, leaves = self._state.environment.nightly, self._planned_stop()
        self._at_console.look()
        asked = self._at_console.draining is not None
        nightly_until = nightly.held_until(login, self._clock.now()) if nightly else None
        drain = self.gate.drains.look(
            pod_stop=leaves,
            console=self._at_console.draining,
            nightly=nightly_until and nightly_until - STAYS_AWAY_AFTER,
        )
        blind = sight.blind(self._clock.monotonic())
        known = ReportInput(
            sight.unseen(login) if blind else login,
            self._permits.records,
            self._refused,
            handover=handover.told_of(seen),
            planned_stop=self._stop.planned
            or handover.pausing(seen)
            or leaves
            or asked
            or self.gate.drains.asked_by_operator,
            pause=trading_pause.told_of(seen),
            nightly_until=nightly_until,
            drain=drain,
            clock_off=self._monitor.clock_watch.is_off(),
            closes=self.drain.closes,
            trouble=sight.trouble(blind=blind, unsaved=self._log.unsaved),
        )
        if self.publisher.publish(known):
            self.metrics.state(known.login.state)
        self.gate.look()
        if self.drain.done(stops=leaves or asked, sequence=self.publisher.sequence):
            self._go_on()

    def _go_on(self) -> None:
        """The executor has drained, or there is none: what no program holds up goes on."""
        if self.gate.drains.done(CONSOLE_STOP):
            self._at_console.drained()
            self._duties_now()
        if self.gate.drains.done(POD_STOP):
            with contextlib.suppress(OSError):
                run_dir.tell_drained(self._run_dir)

    def _view(self) -> SentinelView | None:
        """What is to be measured now; None before the first look."""
        try:
            report = self.publisher.latest()
        except LookupError:
            return None
        return SentinelView(
            report,
            self._state.settings,
            self._clock.now(),
            skew=self._monitor.clock_watch.skew,
            blind=self._sight.blind(self._clock.monotonic()),
            unwritten=bool(self._sight.unwritten or self._log.unsaved),
        )

    def _planned_stop(self) -> bool:
        """What can't be seen is no stop; a sentinel that is blind holds trading anyway."""
        try:
            return run_dir.planned_stop(self._run_dir)
        except OSError:
            return False
