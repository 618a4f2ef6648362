"""A gateway that was just made: it may come up before anything is said of it, unless somebody has to know."""

from collections.abc import AsyncIterator

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from operator_fakes import OperatorWorld, operator_world, pod, report


@pytest.fixture
async def patient() -> AsyncIterator[OperatorWorld]:
    """A gateway that was just created, and an operator that says nothing of it for five seconds."""
    async with operator_world(patience=5.0) as world:
        yield world


def begin_pods(world: OperatorWorld, *, ready: bool = True) -> None:
    for component in ("gateway", "novnc"):
        world.api_server.put(pod(component))
    world.api_server.put(pod("executor", ready=ready))


def just_now(world: OperatorWorld) -> SentinelReport:
    """It has just logged in."""
    return report(full_auth_time=world.time, since=world.time)


def said(world: OperatorWorld) -> bool:
    return "status" in world.stored()


async def test_a_start_that_needs_nobody_costs_25_requests(patient: OperatorWorld) -> None:
    """19 children, three Secrets and a look at the user's; the gate and one status. No Event: nothing has changed."""
    asked = [*await patient.reconcile()]
    begin_pods(patient, ready=False)
    asked += await patient.keep_gate()
    asked += await patient.reconcile()
    patient.hear(just_now(patient))
    asked += await patient.keep_gate()
    asked += await patient.reconcile()
    begin_pods(patient)
    for _ in range(4):
        asked += await patient.reconcile()
    assert patient.api_server.reads == ["get Secret ib-credentials"]
    assert [w for w in asked if not w.startswith(("apply", "create"))] == [
        "condition True GateOpen",
        "status",
    ]
    assert len(asked) + len(patient.api_server.reads) == 25
    assert patient.condition("Ready") == "True Trading"


async def test_the_consoles_first_word_is_no_reason_for_a_second_status(
    patient: OperatorWorld,
) -> None:
    await patient.reconcile()
    begin_pods(patient)
    await patient.reconcile()
    patient.hear(just_now(patient))
    await patient.keep_gate()
    patient.http.answers["/network-policy"] = b'{"enforced": true}'
    patient.pass_time(10.0)
    patient.hear_again()
    assert await patient.reconcile() == ["status"]
    assert patient.condition("NetworkPolicyEnforced") == "True PolicyEnforced"
    assert await patient.reconcile() == []


async def test_what_does_not_come_up_is_said_after_five_seconds(patient: OperatorWorld) -> None:
    await patient.reconcile()
    assert not said(patient)
    assert 0 < patient.next_look() <= 5.0
    patient.pass_time(4.9)
    await patient.reconcile()
    assert not said(patient)
    patient.pass_time(0.2)
    await patient.reconcile()
    assert patient.condition("Ready") == "False NoNews"


async def test_a_new_executors_gate_has_no_condition_before_the_first_news_could_have_come(
    patient: OperatorWorld,
) -> None:
    """A condition that is missing is a closed gate to Kubernetes, so nothing opens by it."""
    await patient.reconcile()
    begin_pods(patient, ready=False)
    patient.pass_time(4.9)
    assert await patient.keep_gate() == []
    patient.pass_time(0.2)
    await patient.reconcile()
    patient.pass_time(5.1)
    assert await patient.keep_gate() == ["condition False NoNews"]


async def test_the_first_news_opens_it_at_once(patient: OperatorWorld) -> None:
    await patient.reconcile()
    begin_pods(patient, ready=False)
    await patient.reconcile()
    patient.hear(report())
    assert await patient.keep_gate() == ["condition True GateOpen"]


@pytest.mark.parametrize("state", [LoginState.AWAITING_APPROVAL, LoginState.NEEDS_PERSON])
async def test_whoever_has_to_do_something_is_told_at_once(
    patient: OperatorWorld, state: LoginState
) -> None:
    await patient.reconcile()
    begin_pods(patient, ready=False)
    await patient.reconcile()
    patient.hear(report(state))
    writes = await patient.reconcile()
    assert "status" in writes
    assert [w for w in writes if w.startswith("create Event")] != []


async def test_a_missing_secret_is_named_at_once(patient: OperatorWorld) -> None:
    patient.api_server.remove("Secret", "ib-credentials")
    await patient.reconcile()
    assert patient.condition("Ready") == "False CredentialsMissing"


async def test_a_spec_that_is_not_served_is_named_at_once(patient: OperatorWorld) -> None:
    patient.edit(weeklyRestart={"timeZone": "Mars/Olympus"})
    await patient.reconcile()
    assert patient.condition("SpecAccepted") == "False UnknownTimeZone"


async def test_an_operator_that_starts_again_meanwhile_closes_no_gate(
    patient: OperatorWorld,
) -> None:
    await patient.reconcile()
    begin_pods(patient, ready=False)
    await patient.reconcile()
    patient.hear(report())
    assert await patient.keep_gate() == ["condition True GateOpen"]
    patient.start_again()
    await patient.app.reconciler.listen(patient.key)
    assert await patient.keep_gate() == []
    patient.hear(report())
    assert await patient.keep_gate() == []


async def test_the_note_that_there_was_a_login_waits_for_another_change(
    patient: OperatorWorld,
) -> None:
    await patient.log_in(just_now(patient))
    patient.pass_time(60)
    patient.hear_again()
    assert await patient.reconcile() == []
    assert noted(patient) is False
    patient.edit(login={"maxAttempts": 1})
    assert "apply ConfigMap paper-gateway" in await patient.reconcile()
    assert noted(patient) is True


async def test_it_comes_before_the_next_start(patient: OperatorWorld) -> None:
    await patient.log_in(just_now(patient))
    patient.api_server.remove("Pod", "paper-gateway-0")
    await patient.reconcile()
    assert noted(patient) is True


async def test_it_comes_after_a_quarter_of_an_hour(patient: OperatorWorld) -> None:
    await patient.log_in(just_now(patient))
    assert noted(patient) is False
    patient.pass_time(900)
    patient.hear_again()
    await patient.reconcile()
    assert noted(patient) is True


def noted(world: OperatorWorld) -> bool:
    settings = world.api_server.named("ConfigMap", "paper-gateway")["data"]["settings.json"]
    return '"loggedInBefore":true' in settings.replace(" ", "")
