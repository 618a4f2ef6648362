"""The one level-triggered reconcile: observe, decide, act, report.

Nothing here reads what has changed; every run starts from what is. It returns when to look again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_operator.act.children import LONGEST_WORDS, ChildWriter
from ibgateway_operator.act.event_recorder import EventRecorder
from ibgateway_operator.act.lifecycle import Done, Lifecycle
from ibgateway_operator.act.settings_stamp import SettingsStamp
from ibgateway_operator.act.telling import OperatorNotifications
from ibgateway_operator.decide.actions import (
    Action,
    EndHandover,
    GiveTurn,
    RestartGateway,
    SettleRequested,
    StartHandover,
)
from ibgateway_operator.decide.closures import seconds_to_long_skew, seconds_to_start
from ibgateway_operator.decide.decision import Decision, decide
from ibgateway_operator.decide.gate import A_MOMENT, upcoming
from ibgateway_operator.decide.mounted_secrets import mounted_secrets
from ibgateway_operator.decide.secret_looks import seconds_between_looks
from ibgateway_operator.desired.built import DesiredMemory
from ibgateway_operator.desired.input import DesiredInput, Scripts
from ibgateway_operator.errors import ConflictError, NotFoundError, OperatorError
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import DEPLOYMENT, STATEFUL_SET
from ibgateway_operator.model.manifests import is_terminating
from ibgateway_operator.model.memory import GatewayMemory
from ibgateway_operator.model.snapshot import Finding, Snapshot
from ibgateway_operator.observe.observer import Observer
from ibgateway_operator.observe.sentinel import Sentinels
from ibgateway_operator.settings import OperatorSettings
from ibgateway_operator.status.assessing import assess
from ibgateway_operator.status.conditions import Assessment, executor_is_unexplained
from ibgateway_operator.status.document import document, status_of
from ibgateway_operator.status.event_rules import events_for
from ibgateway_operator.status.first_words import may_wait
from ibgateway_operator.status.pending_event import PendingEvent
from ibgateway_operator.workqueue import After

TROUBLE_SECONDS: Final = 30.0
"""How often something that stands in the way is looked at again."""
STOP_SECONDS: Final = 1.0
"""How often a stop that waits for its drain is looked at again."""
SOONEST_SECONDS: Final = 0.05

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What carrying out a decision came to."""

    handled_request: str
    ignored_request: str = ""
    findings: tuple[Finding, ...] = ()
    events: tuple[PendingEvent, ...] = ()
    still_waits: str = ""
    """The executor's template that was asked for and could not be applied."""


@dataclass(frozen=True)
class Reconciler:
    """Everything a reconcile reaches for. `on_gone` is called when an IBGateway was forgotten."""

    settings: OperatorSettings
    scripts: Scripts
    api_server: ApiServer
    observer: Observer
    sentinels: Sentinels
    lifecycle: Lifecycle
    children: ChildWriter
    settings_stamp: SettingsStamp
    recorder: EventRecorder
    metrics: OperatorMetrics
    on_gone: Callable[[], None]
    telling: OperatorNotifications
    built: DesiredMemory = field(default_factory=DesiredMemory)

    async def reconcile(self, key: Key) -> After | None:
        """Bring one IBGateway closer to its spec; gives when to look again."""
        begun = self.observer.clock.monotonic()
        with self.metrics.reconcile():
            again = await self._reconcile(key, begun)
        spent = self.observer.clock.monotonic() - begun
        return None if again is None else After(max(again - spent, SOONEST_SECONDS))

    async def still(self, key: Key) -> After | None:
        """When to look again where only the console was to be asked and says what it said; else None."""
        memory, clock = self.observer.memories.get(key), self.observer.clock.monotonic
        if memory is None or memory.settled_until <= clock():
            return None
        console, before = memory.console, memory.console.enforced
        await self.observer.consoles.look(console)
        if console.enforced is not before or not await self.telling.still(memory):
            return None
        due = min(self.observer.consoles.due(console), self.telling.due(memory))
        return After(max(min(memory.settled_until - clock(), due), SOONEST_SECONDS))

    async def _reconcile(self, key: Key, begun: float) -> float | None:
        """Seconds from the beginning of this run until the next look; None where none is needed."""
        gateway, memory = self.observer.gateway(key), self.observer.memory(key)
        if gateway is None or memory is None:
            self._forget(key)
            return None
        memory.settled_until = 0.0
        if gateway.deleting:
            self.sentinels.follow(key, memory, None)
            self.observer.leave_queue(key)
            return None
        await self._listen(key, memory)
        snapshot = await self.observer.observe(key)
        if snapshot is None:
            return SOONEST_SECONDS
        decision = decide(snapshot, self.settings, self.scripts, build=self.built.of)
        new = not gateway.status.conditions and memory.begin(begun)
        outcome = await self._act(snapshot, memory, decision)
        self.sentinels.follow(key, memory, self.observer.endpoint(key, Component.GATEWAY))
        await self.observer.look_at_console(key, memory)
        unexplained = executor_is_unexplained(snapshot, decision.verdict)
        await self.observer.look_at_executor(key, memory, unexplained=unexplained)
        await self.telling.look(snapshot, memory)
        if snapshot.settling:
            return snapshot.settling
        enforced = memory.console.enforced
        if outcome.still_waits:
            pending = (decision.pending, outcome.still_waits)
            decision = replace(decision, pending=", ".join(filter(None, pending)))
        assessment = assess(snapshot, decision, outcome.findings, enforced=enforced)
        if new:  # its pods could not come up any earlier
            memory.begun = self.observer.clock.monotonic()
        wait = self.observer.beginning(key, memory)
        if wait and not outcome.events and may_wait(assessment):
            return wait
        await self._report(memory, assessment, outcome)
        return self._next(snapshot, memory, decision, outcome)

    async def listen(self, key: Key) -> None:
        """Listen to one IBGateway's sentinel, if it runs, and do nothing else."""
        body, memory = self.observer.cache.gateway(key), self.observer.memory(key)
        if body is not None and memory is not None and not is_terminating(body):
            await self._listen(key, memory)

    async def _listen(self, key: Key, memory: GatewayMemory) -> None:
        """Before anything else: what the sentinel says must not wait until the children stand."""
        await self.observer.know_agent_token(key, memory)
        self.sentinels.follow(key, memory, self.observer.endpoint(key, Component.GATEWAY))

    async def _act(self, snapshot: Snapshot, memory: GatewayMemory, decision: Decision) -> Outcome:
        """Planned stops and requests, our Secrets, children, settings, in that order.

        What fails is a finding: it holds up nothing else, and least of all the status.
        """
        key, login = snapshot.gateway.key, snapshot.gateway.status.login
        done = [(each, await self._carry_out(key, memory, each)) for each in decision.actions]
        failed = [came for _, came in done if isinstance(came, Finding)]
        findings = await self._apply(snapshot, memory, decision)
        waits = {each: _not_taken(key, memory, each) for each, _ in done}
        carried = [came for each, came in done if isinstance(came, Done) and not waits[each]]
        return Outcome(
            handled_request=next((d.handled for d in carried if d.handled), login.handled_request),
            ignored_request=next((d.ignored for d in carried if d.ignored), login.ignored_request),
            findings=(*failed, *findings),
            events=tuple(each.event for each in carried if each.event),
            still_waits=next((revision for revision in waits.values() if revision), ""),
        )

    async def _carry_out(self, key: Key, memory: GatewayMemory, action: Action) -> Done | Finding:
        try:
            return await self.lifecycle.carry_out(key, memory, action)
        except OperatorError as error:
            return _failed("the gateway's pod could not be replaced", error)

    async def _apply(
        self, snapshot: Snapshot, memory: GatewayMemory, decision: Decision
    ) -> tuple[Finding, ...]:
        """Bring the children about. Gives what stood in the way; nothing is done without an accepted spec."""
        trouble = memory.secrets.trouble
        looked = [Finding(ConditionReason.APPLY_FAILED, trouble)] if trouble else []
        if decision.given is None:
            return tuple(looked)
        gateway = snapshot.gateway
        gateway_set = names.child_names(gateway.key.name).gateway
        new, mounted = (
            snapshot.child(STATEFUL_SET.kind, gateway_set) is None,
            mounted_secrets(snapshot),
        )
        made = await self._make_secrets(decision.given, memory, new=new, mounted=mounted)
        return (
            *looked,
            *await self.children.apply(gateway, memory, decision.to_apply, decision.marks),
            *await self.children.remove_others(
                gateway, memory, (*decision.wanted, *decision.standing)
            ),
            *await self._stamp(snapshot, decision),
            *made,
        )

    async def _make_secrets(
        self, given: DesiredInput, memory: GatewayMemory, *, new: bool, mounted: frozenset[str]
    ) -> list[Finding]:
        secrets = self.observer.secrets
        try:
            made = await secrets.make(given, memory.secrets, new=new, mounted=mounted)
        except OperatorError as error:
            return [_failed("the operator's own Secrets could not be made", error)]
        waiting = "a token Secret is being replaced: waiting"
        return [] if made else [Finding(ConditionReason.SECRET_TERMINATING, waiting)]

    async def _stamp(self, snapshot: Snapshot, decision: Decision) -> list[Finding]:
        try:
            await self.settings_stamp.write(snapshot, decision.stamps)
        except OperatorError as error:
            return [_failed("a pod could not be annotated with its settings' hash", error)]
        return []

    async def _report(
        self, memory: GatewayMemory, assessment: Assessment, outcome: Outcome
    ) -> None:
        """What was done, then status where it differs, then Events of it, then metrics."""
        snapshot, gateway = assessment.snapshot, assessment.snapshot.gateway
        await self.recorder.record(gateway, memory.events, outcome.events)
        self.telling.tell(assessment, memory)
        status = status_of(
            assessment,
            handled_request=outcome.handled_request,
            ignored_request=outcome.ignored_request,
        )
        wanted = document(status)
        if wanted != gateway.stored_status:
            try:
                stored = await self.api_server.apply_status(
                    gateway.key, wanted, version=gateway.resource_version
                )
            except NotFoundError:
                return
            except ConflictError:
                # The watch shows what we have not seen yet, and that brings the next look.
                logger.info("%s: the status was made from the past and is not written", gateway.key)
                self.metrics.status_conflicts.inc()
                return
            self.observer.cache.written(stored)
        await self.recorder.record(gateway, memory.events, events_for(snapshot, status))
        self.metrics.status(gateway.key, status)

    def _next(
        self, snapshot: Snapshot, memory: GatewayMemory, decision: Decision, outcome: Outcome
    ) -> float:
        """Seconds until the clock alone may change something."""
        moments = self._by_clock(snapshot, decision)
        if decision.given is not None:
            memory.secrets.every = seconds_between_looks(
                snapshot, blocked=decision.blocker is not None
            )
            moments.append(max(self.observer.secrets.due(memory.secrets), SOONEST_SECONDS))
        if executor_is_unexplained(snapshot, decision.verdict):
            moments.append(max(self.observer.executors.due(memory.executor), SOONEST_SECONDS))
        if memory.executor.report != snapshot.executor_says:
            moments.append(SOONEST_SECONDS)
        if memory.console.enforced is not snapshot.enforced:
            moments.append(SOONEST_SECONDS)
        if outcome.findings or decision.refusal:
            moments.append(TROUBLE_SECONDS)
        moments.append(max(self.children.due(memory), SOONEST_SECONDS))
        moments.append(max(self.telling.next(memory), SOONEST_SECONDS))
        if memory.people.seen() != snapshot.delivery:
            moments.append(SOONEST_SECONDS)
        if _said_now(snapshot, decision):
            moments.append(SOONEST_SECONDS)
        if decision.waits_for_drain or _unhandled(decision, outcome) or _asks(decision):
            moments.append(STOP_SECONDS)
        memory.settled_until = self.observer.clock.monotonic() + min(moments)
        asks = (self.observer.consoles.due(memory.console), self.telling.due(memory))
        return min(*moments, *asks)

    def _by_clock(self, snapshot: Snapshot, decision: Decision) -> list[float]:
        """Seconds until the week's next steps, the end of a handover, a push that is ahead, the start of a stopped program."""
        moments = upcoming(decision.verdict, self.settings.calendar, snapshot.now)
        starts = seconds_to_start(snapshot, decision.verdict) if decision.program_stopped else None
        skewed = seconds_to_long_skew(snapshot)
        moments += [each + A_MOMENT for each in (starts, skewed) if each is not None]
        ends = (decision.handover.until, snapshot.place.free_at)
        left = ((at - snapshot.now).total_seconds() for at in ends if at is not None)
        return [*moments, *(seconds + A_MOMENT for seconds in left if seconds > 0)]

    def _forget(self, key: Key) -> None:
        """The IBGateway is gone: its children go by their owner reference, nothing is to be done."""
        if self.observer.forget(key):
            self.metrics.forget(key)
            self.on_gone()


def _not_taken(key: Key, memory: GatewayMemory, action: Action) -> str:
    """The executor's template, where that was asked for and could not be applied: the request stands, and it waits on."""
    deployment = (DEPLOYMENT.kind, names.child_names(key.name).executor)
    taken = deployment not in memory.unapplied
    return "" if taken or not isinstance(action, SettleRequested) else action.executor


def _failed(what: str, error: OperatorError) -> Finding:
    """It is tried again at the next look."""
    words = str(error)[:LONGEST_WORDS]
    return Finding(ConditionReason.APPLY_FAILED, f"{what}: {words}: it is tried again by itself")


def _said_now(snapshot: Snapshot, decision: Decision) -> bool:
    """Whether the status says only now what is then done: the echo of our own write brings no look."""
    said = snapshot.gateway.status
    return (said.handover, said.turn) != (decision.handover, decision.turn)


def _asks(decision: Decision) -> bool:
    """Whether the sentinel was asked for something and has not said yet that it begins."""
    asked = (RestartGateway, StartHandover, EndHandover, GiveTurn)
    return any(isinstance(action, asked) for action in decision.actions)


def _unhandled(decision: Decision, outcome: Outcome) -> bool:
    """Whether a request could not be handed on yet."""
    request = decision.request
    return request is not None and not request.refused and outcome.handled_request != request.id
