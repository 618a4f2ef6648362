"""What is said of a gateway after a run: what was seen before it, what was decided, and what came of it. Pure."""

from collections.abc import Iterable
from dataclasses import replace

from ibgateway_operator.decide.decision import Decision
from ibgateway_operator.model.snapshot import Finding, Snapshot
from ibgateway_operator.status.conditions import Assessment


def assess(
    snapshot: Snapshot, decision: Decision, findings: Iterable[Finding], *, enforced: bool | None
) -> Assessment:
    """`enforced`: the console's word by now. It may have come within the run, and is no reason for a second status."""
    seen = snapshot if enforced is None else replace(snapshot, enforced=enforced)
    return Assessment(
        seen,
        decision.verdict,
        refusal=decision.refusal,
        blocker=decision.blocker,
        overdue=decision.overdue,
        findings=tuple(findings),
        handover=decision.handover,
        turn=decision.turn,
        pending=decision.pending,
        program_stopped=decision.program_stopped,
    )
