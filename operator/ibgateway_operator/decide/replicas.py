"""How many pods of each program are wanted. Pure.

Nothing that runs is stopped because something is wrong; only suspend stops it, once it has drained. But a program of
one's own is stopped while the gate is closed for long, where its owner asks for that.
"""

from dataclasses import dataclass

from ibgateway_api import names
from ibgateway_api.accounts import TradingMode
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.spec import IBGatewaySpec
from ibgateway_operator.decide.closures import (
    is_to_run,
    may_be_stopped,
    open_for_a_moment,
    program_due,
)
from ibgateway_operator.decide.gate import GateVerdict
from ibgateway_operator.decide.start_checks import blocker
from ibgateway_operator.decide.stops import drained_for_any
from ibgateway_operator.model.kinds import DEPLOYMENT, STATEFUL_SET
from ibgateway_operator.model.snapshot import Finding, Snapshot


@dataclass(frozen=True)
class Replicas:
    """How many pods of each are wanted, and what kept them from more."""

    gateway: int
    executor: int
    blocker: Finding | None = None
    stopped: bool = False
    """Whether a program of one's own does not run because the gate is closed, or was until a moment ago."""


def replicas(
    spec: IBGatewaySpec, snapshot: Snapshot, verdict: GateVerdict, *, may_stop: bool
) -> Replicas:
    """Wanted replicas: what is blocked is not started, and what runs is left.

    `may_stop`: no stop of a suspended gateway waits for its drain any more.
    """
    found = blocker(spec, snapshot)
    gateway = names.child_names(snapshot.gateway.key.name).gateway
    gateway_now = snapshot.replicas(STATEFUL_SET.kind, gateway)
    not_begun = bool(found and not gateway_now)
    stopped = program_stops(snapshot, verdict)
    return Replicas(
        gateway=_gateway(spec, gateway_now, blocked=found is not None, may_stop=may_stop),
        executor=0 if stopped else _executor(spec, snapshot, not_begun=not_begun),
        blocker=found,
        stopped=stopped,
    )


def program_stops(snapshot: Snapshot, verdict: GateVerdict) -> bool:
    """Whether a program of one's own is to be ended now, or not to be started yet."""
    if not may_be_stopped(snapshot):
        return False
    if is_to_run(snapshot):
        return program_due(snapshot, verdict) and drained_for_any(snapshot)
    return not open_for_a_moment(snapshot, verdict)


def _gateway(spec: IBGatewaySpec, now: int, *, blocked: bool, may_stop: bool) -> int:
    if spec.suspend:
        return 0 if may_stop else now
    return now if blocked else 1


def _executor(spec: IBGatewaySpec, snapshot: Snapshot, *, not_begun: bool) -> int:
    name = names.child_names(snapshot.gateway.key.name).executor
    waits = not_begun or policy_doubt(spec, snapshot)
    return snapshot.replicas(DEPLOYMENT.kind, name) if waits else 1


def logins_allowed(spec: IBGatewaySpec, snapshot: Snapshot) -> bool:
    """Whether the gateway may log in: a live one not before the first proof, nor against a proof.

    One that was logged in before does not lose its nightly restart to a console that is away.
    """
    doubt = policy_doubt(spec, snapshot)
    if doubt is None:
        return True
    before = snapshot.gateway.status.login.full_auth_time is not None
    return before and doubt.reason is ConditionReason.POLICY_UNKNOWN


def policy_doubt(spec: IBGatewaySpec, snapshot: Snapshot) -> Finding | None:
    """Why a live gateway neither logs in nor trades: NetworkPolicies are not known to be enforced."""
    policy = spec.network_policy
    if spec.trading_mode is not TradingMode.LIVE or policy.allow_unenforced:
        return None
    if policy.enabled and snapshot.enforced is True:
        return None
    known = snapshot.enforced is False or not policy.enabled
    return Finding(
        ConditionReason.POLICY_NOT_ENFORCED if known else ConditionReason.POLICY_UNKNOWN,
        "live trading waits for proof that NetworkPolicies are enforced, which the console gives:"
        " enable networkPolicy and novnc on a cluster that enforces policies, or set"
        " spec.networkPolicy.allowUnenforced",
    )
