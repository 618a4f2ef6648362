"""The one level-triggered reconcile: look, decide, apply, assess, write status, say what changed.

Nothing here reads what has changed; every run starts from what is. It returns when to look again.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final

from ibgateway_api import names
from ibgateway_api.names import Component, Key
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_operator.act.children import ChildWriter
from ibgateway_operator.act.event_recorder import EventRecorder
from ibgateway_operator.act.lifecycle import Lifecycle
from ibgateway_operator.decide.acceptance import refusal
from ibgateway_operator.decide.gate import Verdict, judge, upcoming
from ibgateway_operator.decide.intent import (
    PlannedStop,
    Replicas,
    executor_held,
    never_started,
    pending_gateway,
    planned_stop,
    replicas,
    requested_login,
    restart_overdue,
)
from ibgateway_operator.desired import DesiredInput, desired
from ibgateway_operator.desired.config import settings_hash
from ibgateway_operator.desired.executor import ANNOTATION_TEMPLATE
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.errors import NotFoundError
from ibgateway_operator.kube.cache import Cache
from ibgateway_operator.kube.client import ApiServer
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import CONFIG_MAP, DEPLOYMENT, STATEFUL_SET
from ibgateway_operator.model.manifests import Manifest, annotations_of, name_of
from ibgateway_operator.model.snapshot import Finding, Snapshot, container_runs, pod_of
from ibgateway_operator.observe.console import Consoles
from ibgateway_operator.observe.observer import Observer, living
from ibgateway_operator.observe.secrets import Secrets
from ibgateway_operator.observe.sentinel import Sentinels
from ibgateway_operator.settings import OperatorSettings
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.document import document, status_of
from ibgateway_operator.status.event_rules import PendingEvent, events_for
from ibgateway_operator.workqueue import After

TROUBLE_SECONDS: Final = 30.0
"""How often something that stands in the way is looked at again."""
STOP_SECONDS: Final = 1.0
"""How often a stop that waits for its drain is looked at again."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What a reconcile did, as far as status and the next look depend on it."""

    pending: str = ""
    handled_request: str = ""
    findings: tuple[Finding, ...] = ()
    blocker: Finding | None = None
    said: tuple[PendingEvent, ...] = ()
    waits_for_stop: bool = False


@dataclass
class Reconciler:
    """Everything a reconcile reaches for."""

    settings: OperatorSettings
    scripts: Scripts
    cache: Cache
    cluster: ApiServer
    observer: Observer
    vault: Secrets
    sentinels: Sentinels
    consoles: Consoles
    stops: Lifecycle
    children: ChildWriter
    recorder: EventRecorder
    metrics: OperatorMetrics
    on_gone: Callable[[], None]
    _uids: dict[Key, str] = field(default_factory=dict)

    async def reconcile(self, key: Key) -> After | None:
        """Bring one IBGateway closer to its spec; gives when to look again."""
        self.metrics.reconciles.inc()
        with self.metrics.seconds.time():
            seen = self.observer.seen(key)
            if seen is None or seen.gateway.deleting:
                if key in self._uids:
                    self._forget(key)
                return None
            self._uids[key] = seen.gateway.uid
            return await self._reconcile(seen)

    async def _reconcile(self, seen: Snapshot) -> After:
        key = seen.gateway.key
        refused = refusal(seen)
        outcome = Outcome(handled_request=seen.gateway.status.login.handled_request)
        if refused is None and seen.gateway.spec is not None:
            outcome = await self._serve(key, seen.gateway.spec)
        self.sentinels.follow(key, self.observer.peer(key, Component.GATEWAY))
        await self.consoles.look(key, self.observer.peer(key, Component.CONSOLE))
        after = self._look(key, seen)
        verdict = judge(after, self.settings.calendar)
        judged = Assessment(
            seen=replace(after, findings=outcome.findings),
            verdict=verdict,
            refusal=refused,
            blocker=outcome.blocker,
            overdue=restart_overdue(after, verdict, self.settings.calendar),
        )
        if after.settling:
            return After(after.settling)
        await self._tell(judged, outcome)
        return After(self._next(judged, outcome))

    def _look(self, key: Key, before: Snapshot) -> Snapshot:
        """What is seen now; what was seen before where the resource has just gone."""
        return self.observer.seen(key) or before

    async def _serve(self, key: Key, spec: IBGatewaySpec) -> Outcome:
        """Secrets, planned stops, children, in that order."""
        await self._look_at_secrets(key, spec)
        seen = self.observer.seen(key)
        if seen is None:
            return Outcome()
        verdict = judge(seen, self.settings.calendar)
        stop = planned_stop(seen, verdict, self.settings.calendar)
        drained = stop is not None and await self.stops.drained(seen, stop)
        if stop is None:
            self.stops.executors.forget(key)
        seen = replace(seen, drained=drained or (stop is None and spec.suspend))
        handled, said = await self._act(seen, verdict, stop if drained else None)
        outcome = await self._apply(seen, verdict, spec)
        waits = (stop is not None and not drained) or _unhandled(seen, handled)
        return replace(outcome, handled_request=handled, said=said, waits_for_stop=waits)

    async def _look_at_secrets(self, key: Key, spec: IBGatewaySpec) -> None:
        """This one's Secret, and once those of its elders: two must not share a user name."""
        await self.vault.look(key, spec.credentials_secret_ref.name)
        gateway = self.observer.gateway(key)
        for elder in self.observer.elders(gateway) if gateway else ():
            if elder.spec is not None and self.vault.credentials(elder.key) is None:
                await self.vault.look(elder.key, elder.spec.credentials_secret_ref.name)

    async def _act(
        self, seen: Snapshot, verdict: Verdict, stop: PlannedStop | None
    ) -> tuple[str, tuple[PendingEvent, ...]]:
        """Begin a restart that is due and drained, and hand on a person's request."""
        said: list[PendingEvent] = []
        if stop in (PlannedStop.RESTART, PlannedStop.REPLACE):
            begun = await self.stops.restart(seen, verdict, stop)
            said += [begun] if begun else []
        elif never_started(seen):
            replaced = await self.stops.replace(seen)
            said += [replaced] if replaced else []
        wish = requested_login(seen)
        handled = seen.gateway.status.login.handled_request
        if wish is not None:
            handled, more = await self.stops.login(seen, wish)
            said += more
        return handled, tuple(said)

    async def _apply(self, seen: Snapshot, verdict: Verdict, spec: IBGatewaySpec) -> Outcome:
        wanted_replicas = replicas(spec, seen)
        plan = self._plan(seen, spec, wanted_replicas)
        made = await self.vault.make(plan)
        wanted = desired(plan)
        held = self._held(seen, verdict, wanted, wanted_replicas)
        gateway = seen.gateway
        apply_now = [m for m in wanted if (m["kind"], name_of(m)) not in held]
        findings = await self.children.apply(gateway, apply_now)
        if not made:
            waiting = Finding(
                ConditionReason.SECRET_TERMINATING, "a token Secret is being replaced: waiting"
            )
            findings = (*findings, waiting)
        await self.children.remove_others(gateway, wanted)
        await self._refresh_settings(gateway.key, wanted)
        pending = [pending_gateway(seen), held.get((DEPLOYMENT.kind, plan.children.executor), "")]
        return Outcome(
            pending=", ".join(name for name in pending if name),
            findings=findings,
            blocker=wanted_replicas.blocker,
        )

    def _plan(self, seen: Snapshot, spec: IBGatewaySpec, wanted: Replicas) -> DesiredInput:
        found = seen.credentials
        return DesiredInput(
            key=seen.gateway.key,
            uid=seen.gateway.uid,
            spec=spec,
            images=self.settings.images,
            calendar=self.settings.calendar,
            scripts=self.scripts,
            own_namespace=self.settings.own_namespace,
            gateway_replicas=wanted.gateway,
            executor_replicas=wanted.executor,
            vnc_from_user=found is not None and found.has_vnc,
        )

    def _held(
        self, seen: Snapshot, verdict: Verdict, wanted: list[Manifest], decided: Replicas
    ) -> dict[tuple[str, str], str]:
        """Children that are left as they are for now, with the revision that waits."""
        children = names.child_names(seen.gateway.key.name)
        held: dict[tuple[str, str], str] = {}
        place = (STATEFUL_SET.kind, children.gateway)
        if decided.blocker is not None and not seen.gateway.suspend and seen.child(*place):
            held[place] = ""
        place = (DEPLOYMENT.kind, children.executor)
        deployment = next((m for m in wanted if (m["kind"], name_of(m)) == place), None)
        template = annotations_of(deployment)[ANNOTATION_TEMPLATE] if deployment else ""
        if template and executor_held(seen, verdict, template):
            held[place] = f"{children.executor}-{template}"
        return held

    async def _refresh_settings(self, key: Key, wanted: list[Manifest]) -> None:
        """Annotate running pods with their settings' hash: the kubelet then refreshes the file at once."""
        bodies = self.cache.children(key)
        maps = {name_of(m): settings_hash(m) for m in wanted if m["kind"] == CONFIG_MAP.kind}
        for component in (Component.GATEWAY, Component.EXECUTOR):
            pod = pod_of(bodies, component)
            settings = maps.get(f"{key.name}-{component}")
            if pod is None or settings is None or not living(pod):
                continue
            if container_runs(pod, component) and _hash_on(pod) != settings:
                await self._annotate(key, pod, settings)

    async def _annotate(self, key: Key, pod: Manifest, settings: str) -> None:
        notes = {names.ANNOTATION_SETTINGS_HASH: settings}
        try:
            stored = await self.cluster.annotate_pod(Key(key.namespace, name_of(pod)), notes)
        except NotFoundError:
            return
        self.cache.written(pod, {**stored, "kind": "Pod"})

    async def _tell(self, judged: Assessment, outcome: Outcome) -> None:
        """Status where it differs, then Events, then metrics."""
        seen = judged.seen
        gateway = seen.gateway
        status = status_of(judged, pending=outcome.pending, handled_request=outcome.handled_request)
        wanted = document(status)
        if wanted != gateway.stored_status:
            body = self.cache.gateway(gateway.key)
            try:
                stored = await self.cluster.apply_status(gateway.key, wanted)
            except NotFoundError:
                return
            if body is not None:
                self.cache.written(body, stored)
        await self.recorder.record(gateway, [*outcome.said, *events_for(seen, status)])
        self.metrics.login(gateway.key, status.login.state)

    def _next(self, judged: Assessment, outcome: Outcome) -> float:
        """Seconds until the clock alone may change something."""
        key = judged.seen.gateway.key
        week = upcoming(judged.verdict.week, self.settings.calendar, judged.seen.now)
        moments = [self.vault.due(key), *week]
        if self.observer.peer(key, Component.CONSOLE):
            moments.append(self.consoles.due(key))
        if outcome.findings or judged.refusal:
            moments.append(TROUBLE_SECONDS)
        if outcome.waits_for_stop:
            moments.append(STOP_SECONDS)
        return max(min(moments), 0.05)

    def _forget(self, key: Key) -> None:
        """The IBGateway is gone: its children go by their owner reference, nothing is to be done."""
        keepers = (self.sentinels, self.vault, self.consoles, self.stops, self.metrics)
        for keeper in (*keepers, self.observer):
            keeper.forget(key)
        uid = self._uids.pop(key, "")
        self.children.forget(uid)
        self.recorder.forget(uid)
        self.on_gone()


def _unhandled(seen: Snapshot, handled: str) -> bool:
    """Whether a request could not be handed on yet."""
    wish = requested_login(seen)
    return wish is not None and not wish.refused and handled != wish.id


def _hash_on(pod: Manifest) -> str:
    return annotations_of(pod).get(names.ANNOTATION_SETTINGS_HASH, "")
