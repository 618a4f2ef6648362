"""One login attempt, and the sentinel is killed at each of its steps: while it waits for a permit, as the permit is given, while
the push waits, and as the API opens after the approval. One permit, one push, and the true state again each time.

The kubelet lets the sentinel wait longer each time (0, 10, 20, 40 seconds): the attempt goes on without it.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ibgateway_stage.accidents import (
    kill,
    killed_when,
    on_node,
    only_pod,
    restarts,
    run_folder,
)
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.sentinel import attempts, next_report, report
from ibgateway_stage.stage import Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(600)]

Json = dict[str, Any]


def around(now: datetime) -> Json:
    """Quiet hours in which it is now: nothing pushes by itself, and a person may ask."""
    start, end = now - timedelta(hours=2), now + timedelta(hours=4)
    return {"start": f"{start:%H:%M}", "end": f"{end:%H:%M}", "timeZone": "UTC"}


@pytest.fixture(scope="module")
def waiting(stage: Stage, long_ago: Json) -> Json:
    """A new gateway that nothing may log in by itself: what its sentinel says."""
    now = datetime.now(UTC)
    restart = {"restartAt": f"{now + timedelta(hours=12):%H:%M}", "timeZone": "UTC"}
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway({"login": {"quietHours": around(now)}, "weeklyRestart": restart})
    stage.wait_for_login("WaitingForPermit", seconds=240)
    found = until("the sentinel answers", lambda: report(stage), seconds=60)
    assert found["waiting"]["refusal"] == "QuietHours"
    return found


def seen(stage: Stage, ibkr: Ibkr) -> tuple[int, int, int]:
    """Permits that were written down, logins and pushes that IBKR has seen."""
    return len(attempts(stage)), len(ibkr.logins()), len(ibkr.pushes())


def test_killed_while_a_start_waits_it_lets_nothing_start(
    stage: Stage, ibkr: Ibkr, waiting: Json
) -> None:
    kill(stage, only_pod(stage), "sentinel")
    next_report(stage, waiting, "WaitingForPermit", "QuietHours")
    stays("nothing starts", lambda: seen(stage, ibkr) == (0, 0, 0), seconds=5)


def test_killed_as_it_gives_the_permit_it_gives_no_second_one(stage: Stage, ibkr: Ibkr) -> None:
    pod, before = only_pod(stage), until("it answers", lambda: report(stage), seconds=60)
    run = run_folder(pod)
    with killed_when(stage, pod, "sentinel", f"[[ -e {run}/permit || -e {run}/permit.taken ]]"):
        asked = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        stage.kubectl("annotate", "ibgw/paper", f"ibgateway.dev/login-requested-at={asked}")
    until("the push", ibkr.waiting, seconds=60)
    next_report(stage, before, "AwaitingApproval")
    assert seen(stage, ibkr) == (1, 1, 1)


def test_killed_while_the_push_waits_it_knows_until_when(stage: Stage, ibkr: Ibkr) -> None:
    before = until("it answers", lambda: report(stage), seconds=60)
    kill(stage, only_pod(stage), "sentinel")
    again = next_report(stage, before, "AwaitingApproval")
    assert again["deadline"] == before["deadline"]
    stays("one push", lambda: seen(stage, ibkr) == (1, 1, 1), seconds=5)


def test_killed_as_the_api_opens_it_proves_the_login_anew(stage: Stage, ibkr: Ibkr) -> None:
    pod, before = only_pod(stage), until("it answers", lambda: report(stage), seconds=60)
    log = f"{run_folder(pod)}/gateway.log"
    ibkr.patch("/v1/faults", {"handshake_seconds": 5})
    with killed_when(stage, pod, "sentinel", f"grep -q 'Login has completed' {log}"):
        ibkr.approve()
    ibkr.patch("/v1/faults", {"handshake_seconds": 0})
    killed = restarts(only_pod(stage), "sentinel")
    while restarts(only_pod(stage), "sentinel") == killed:
        assert not stage.ready("executor")
    next_report(stage, before, "LoggedIn")
    stage.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: stage.ready("executor"), seconds=60)


def test_of_all_that_ibkr_has_seen_one_login(stage: Stage, ibkr: Ibkr) -> None:
    assert [attempt["result"] for attempt in ibkr.logins()] == ["logged-in"]
    assert [push["state"] for push in ibkr.pushes()] == ["approved"]
    assert [line["request"] != "" for line in attempts(stage)] == [True]
    pod = only_pod(stage)
    assert (restarts(pod, "gateway"), restarts(pod, "sentinel")) == (0, 4)
    said = on_node(stage, pod["spec"]["nodeName"], f"cat {run_folder(pod)}/gateway.log")
    assert said.count("wrapper: permit 1 taken") == 1
