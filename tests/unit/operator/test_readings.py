"""How the operator's subjects stand: which troubles are told, and what is fine."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.notifications import OPERATOR_SUBJECTS, Concern, Fine, Reading, Subject
from ibgateway_api.reasons import ConditionReason
from ibgateway_api.reports import ExecutorReport, PauseReport, RebalanceFinding
from ibgateway_operator.model.people import Delivery, PeopleReport
from ibgateway_operator.model.snapshot import Finding, Snapshot
from ibgateway_operator.status.conditions import Assessment
from ibgateway_operator.status.readings import readings
from operator_fakes import assessment, pod, report, snapshot


def reading(subject: Subject, seen: Assessment | Snapshot) -> Reading:
    judged = assessment(seen) if isinstance(seen, Snapshot) else seen
    return readings(judged)[subject]


def concern(subject: Subject, seen: Assessment | Snapshot) -> Concern:
    found = reading(subject, seen)
    assert isinstance(found, Concern)
    return found


def test_the_operator_reads_its_own_subjects_and_no_other() -> None:
    assert readings(assessment(snapshot())).keys() == OPERATOR_SUBJECTS


def test_a_gateway_that_trades_gives_no_concern() -> None:
    fine = snapshot()
    found = readings(assessment(fine))
    assert not [each for each in found.values() if isinstance(each, Concern)]


def test_a_silent_sentinel_is_told_with_what_its_pod_waits_for() -> None:
    waiting = pod("gateway")
    state = {"waiting": {"reason": "ImagePullBackOff"}}
    waiting["status"]["containerStatuses"] = [{"name": "gateway", "state": state}]
    silent = concern(Subject.GATEWAY, snapshot(age_of_news=6, bodies=(waiting,)))
    assert (silent.topic, silent.patience) == ("GatewaySilent", timedelta(minutes=5))
    assert "(ImagePullBackOff)" in silent.text
    assert silent.text.endswith("kubectl describe pod -n trading paper-gateway-0")


@pytest.mark.parametrize(
    "seen",
    [
        snapshot({"suspend": True}, age_of_news=600, bodies=()),
        snapshot(heard=report(LoginState.REJECTED)),
    ],
    ids=["suspended", "what the sentinel tells itself"],
)
def test_what_is_no_silence(seen: Snapshot) -> None:
    assert isinstance(reading(Subject.GATEWAY, seen), Fine)


def test_a_gateway_that_is_not_started_is_told_by_what_is_missing() -> None:
    missing = Finding(ConditionReason.CREDENTIALS_MISSING, "Secret ib-credentials does not exist")
    seen = assessment(snapshot(heard=None, age_of_news=1e9, bodies=()), blocker=missing)
    assert reading(Subject.GATEWAY, seen) is None
    told = concern(Subject.SETUP, seen)
    assert told.title == "Something is wrong with the gateway's setup: CredentialsMissing"
    assert told.text == "Secret ib-credentials does not exist."


def test_a_setup_that_waits_for_nobody_is_fine() -> None:
    waits = snapshot(heard=report(LoginState.AWAITING_APPROVAL))
    assert isinstance(reading(Subject.SETUP, waits), Fine)


def bodies(ready: bool) -> tuple[dict[str, object], ...]:
    return pod("gateway"), pod("executor", ready=ready), pod("novnc")


def test_an_executor_that_is_not_ready_under_an_open_gate_is_told() -> None:
    told = concern(Subject.EXECUTOR, snapshot(bodies=bodies(ready=False)))
    assert (told.topic, told.patience) == ("ExecutorNotReady", timedelta(minutes=3))
    assert "PodNotReady" in told.text


def test_a_pause_is_told_at_once_with_who_and_why_and_is_no_trouble() -> None:
    since = datetime(2026, 11, 23, 17, tzinfo=UTC)
    paused = PauseReport(by="R.", reason="earnings", since=since)
    says = ExecutorReport(open=False, reason="Paused", paused=paused)
    told = concern(
        Subject.EXECUTOR, replace(snapshot(bodies=bodies(ready=False)), executor_says=says)
    )
    assert (told.topic, told.patience) == ("TradingPaused", timedelta())
    assert told.text.startswith("R. has paused trading since 2026-11-23T17:00:00Z: earnings")


def test_an_executor_that_waits_for_the_gate_is_nobodys_trouble() -> None:
    closed = snapshot(heard=report(LoginState.RESTARTING), bodies=bodies(ready=False))
    assert reading(Subject.EXECUTOR, closed) is None


@pytest.mark.parametrize("spec", [{"executor": {"enabled": False}}, {"suspend": True}])
def test_an_executor_that_nobody_wants_is_fine(spec: dict[str, object]) -> None:
    assert isinstance(reading(Subject.EXECUTOR, snapshot(spec, bodies=())), Fine)


def test_orders_in_doubt_are_told_with_their_number_and_more_of_them_anew() -> None:
    def of(count: int | None) -> Reading:
        says = None if count is None else PeopleReport(in_doubt=count)
        return reading(Subject.ORDERS, snapshot(delivery=Delivery(executor=says)))

    one, two = of(1), of(2)
    assert isinstance(one, Concern)
    assert isinstance(two, Concern)
    assert (one.title, two.title) == ("1 order is in doubt", "2 orders are in doubt")
    assert one.instance != two.instance
    assert one.patience == timedelta(minutes=10)
    assert isinstance(of(0), Fine)
    assert of(None) is None


STOPPED = RebalanceFinding(
    id="9f1c0d35a1b2", state="Stopped", reason="NotSettled", message="nothing was bought"
)
DOUBTED = RebalanceFinding(
    id="77aa00bb11cc", state="Buying", reason="UnknownOrder", message="nobody knows"
)


def saying(says: PeopleReport | None) -> Snapshot:
    return snapshot(delivery=Delivery(executor=says))


def test_a_rebalance_that_needs_a_person_is_told_with_why_and_another_one_anew() -> None:
    one = concern(Subject.REBALANCES, saying(PeopleReport(rebalances=(STOPPED,))))
    two = concern(Subject.REBALANCES, saying(PeopleReport(rebalances=(DOUBTED, STOPPED))))
    assert (one.topic, one.title) == ("RebalanceStuck", "A rebalance needs a person")
    assert one.text.startswith("9f1c0d35a1b2 is Stopped, NotSettled: nothing was bought.\n")
    assert two.title == "2 rebalances need a person"
    assert "Buying, UnknownOrder: nobody knows." in two.text
    assert (one.instance, two.instance) == (
        "9f1c0d35-NotSettled",
        "77aa00bb-UnknownOrder,9f1c0d35-NotSettled",
    )
    assert one.patience == timedelta(minutes=10)
    assert isinstance(reading(Subject.REBALANCES, saying(PeopleReport())), Fine)
    assert reading(Subject.REBALANCES, saying(None)) is None


def test_a_ledger_that_is_not_copied_is_told_with_why() -> None:
    told = concern(Subject.BACKUP, saying(PeopleReport(backup_problem="no room")))
    assert (told.topic, told.text, told.instance) == ("BackupFailing", "no room.", "")
    assert told.patience == timedelta(minutes=15)
    assert isinstance(reading(Subject.BACKUP, saying(PeopleReport())), Fine)
    assert reading(Subject.BACKUP, saying(None)) is None
