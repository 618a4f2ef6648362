"""How many pods of each program are wanted, and why a live executor waits."""

from typing import Any

import pytest

from ibgateway_api.week import Calendar
from ibgateway_operator.decide.decision import decide
from ibgateway_operator.decide.gate import judge
from ibgateway_operator.decide.replicas import policy_doubt, replicas
from ibgateway_operator.desired.config import sentinel_settings
from ibgateway_operator.model.manifests import Manifest
from ibgateway_operator.model.snapshot import Credentials
from ibgateway_operator.settings import OperatorSettings
from operator_fakes import IMAGES, LIVE, SCRIPTS, deployment, snapshot, stateful_set

MISSING = Credentials("ib-credentials")


@pytest.mark.parametrize(
    ("spec", "more", "gateway"),
    [
        pytest.param({}, {}, 1, id="a new gateway starts"),
        pytest.param({}, {"credentials": MISSING}, 0, id="not without credentials"),
        pytest.param(
            {},
            {"credentials": MISSING, "bodies": (stateful_set(1),)},
            1,
            id="one that runs is not stopped for them",
        ),
        pytest.param({}, {"bodies": (stateful_set(0),)}, 1, id="resumed"),
    ],
)
def test_gateway_replicas(spec: dict[str, Any], more: dict[str, Any], gateway: int) -> None:
    seen = snapshot(spec, **more)
    assert seen.gateway.spec is not None
    assert (
        replicas(seen.gateway.spec, seen, judge(seen, Calendar()), may_stop=True).gateway == gateway
    )


@pytest.mark.parametrize(("may_stop", "gateway"), [(False, 1), (True, 0)])
def test_a_suspend_waits_for_the_drain_and_then_stops(may_stop: bool, gateway: int) -> None:
    seen = snapshot({"suspend": True}, bodies=(stateful_set(1),))
    assert seen.gateway.spec is not None
    assert (
        replicas(seen.gateway.spec, seen, judge(seen, Calendar()), may_stop=may_stop).gateway
        == gateway
    )


@pytest.mark.parametrize(
    ("spec", "enforced", "stored", "reason", "executor"),
    [
        pytest.param({}, False, (), None, 1, id="paper never minds"),
        pytest.param(LIVE, True, (), None, 1, id="live with proof"),
        pytest.param(LIVE, False, (), "PolicyNotEnforced", 0, id="live against proof"),
        pytest.param(LIVE, None, (), "PolicyUnknown", 0, id="live without proof"),
        pytest.param(LIVE, None, (deployment(),), "PolicyUnknown", 1, id="one that runs, runs"),
        pytest.param(
            {**LIVE, "networkPolicy": {"allowUnenforced": True}}, False, (), None, 1, id="allowed"
        ),
        pytest.param(
            {**LIVE, "networkPolicy": {"enabled": False}},
            True,
            (),
            "PolicyNotEnforced",
            0,
            id="policies off",
        ),
    ],
)
def test_a_live_executor_starts_only_with_proof_of_enforced_policies(
    spec: dict[str, Any],
    enforced: bool | None,
    stored: tuple[Manifest, ...],
    reason: str | None,
    executor: int,
) -> None:
    seen = snapshot(spec, enforced=enforced, bodies=stored)
    assert seen.gateway.spec is not None
    doubt = policy_doubt(seen.gateway.spec, seen)
    assert (doubt.reason if doubt else None) == reason
    assert (
        replicas(seen.gateway.spec, seen, judge(seen, Calendar()), may_stop=True).executor
        == executor
    )


KNOWN = {"login": {"fullAuthTime": "2026-11-15T14:03:00Z"}}


@pytest.mark.parametrize(
    ("spec", "enforced", "status", "allowed"),
    [
        pytest.param({}, None, {}, True, id="paper never waits"),
        pytest.param(LIVE, None, {}, False, id="live waits for the first proof"),
        pytest.param(LIVE, True, {}, True, id="live with proof"),
        pytest.param(LIVE, None, KNOWN, True, id="a console that is away costs no restart"),
        pytest.param(LIVE, False, KNOWN, False, id="never against proof"),
        pytest.param(
            {**LIVE, "networkPolicy": {"allowUnenforced": True}}, None, {}, True, id="allowed"
        ),
    ],
)
def test_a_live_gateway_logs_in_only_with_proof_of_enforced_policies(
    spec: dict[str, Any], enforced: bool | None, status: Manifest, allowed: bool
) -> None:
    seen = snapshot(spec, enforced=enforced, status=status)
    decision = decide(seen, OperatorSettings(images=IMAGES), SCRIPTS)
    assert decision.given is not None
    assert sentinel_settings(decision.given).logins_allowed is allowed
