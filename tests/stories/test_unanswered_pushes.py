"""Three gateways whose first push nobody approves in time, side by side and in this order.

`paper`: nobody approves within the limit, then somebody asks for another push. `locked`: the next attempt finds the user name
locked. `late`: somebody presses after the gateway has given up.
"""

from datetime import UTC, datetime, timedelta

import pytest

from ibgateway_stage.ibkr import USER, Ibkr
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

LOCKED, LATE = "locked", "late"
BARE: Json = {"novnc": {"enabled": False}, "executor": {"enabled": False}}
IBC_GIVES_UP_AFTER = timedelta(seconds=182)
"""What closes later than three minutes after its attempt IBC takes for missed."""


@pytest.fixture(scope="module")
def late(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Stage:
    """The first of them: IBKR lets its push wait for longer than IBC does, and another attempt would be allowed by then."""
    ibkr.rules(approval_seconds=360, login_seconds=5)
    ibkr.add_user(LATE, "DU2000001")
    ibkr.add_user(LOCKED, "DU2000002")
    stage.install_operator(long_ago)
    login = {"approvalSeconds": 360, "attemptIntervalSeconds": 120}
    gateway = stage.beside(LATE, {**BARE, "login": login})
    until("its push", lambda: ibkr.waiting(LATE), seconds=240)
    ibkr.rules(login_seconds=0.3)
    return gateway


@pytest.fixture(scope="module")
def paper(stage: Stage, late: Stage) -> Stage:
    """One attempt by itself, within half a minute, then only a person's request."""
    stage.write_credentials()
    stage.install_gateway(
        {
            "novnc": {"enabled": False},
            "login": {"approvalSeconds": 30, "attemptIntervalSeconds": 30, "maxAttempts": 1},
        }
    )
    return stage


@pytest.fixture(scope="module")
def locked(paper: Stage) -> Stage:
    """Three attempts by itself, half a minute apart, if IBKR takes them."""
    login = {"approvalSeconds": 360, "attemptIntervalSeconds": 30, "maxAttempts": 3}
    return paper.beside(LOCKED, {**BARE, "login": login})


def results(ibkr: Ibkr, user: str) -> list[str]:
    """How the user's login attempts ended."""
    return [attempt["result"] for attempt in ibkr.logins(user)]


def test_a_push_that_nobody_approves_is_missed_and_followed_by_none(
    ibkr: Ibkr, paper: Stage, locked: Stage
) -> None:
    [push] = until("the push", lambda: ibkr.waiting(USER), seconds=240)
    ibkr.miss(push, seconds=30)
    paper.wait_for_login("ApprovalMissed")
    paper.wait_for("TradingAllowed", "False", "ApprovalMissed")
    until("it is parked", lambda: "Parked" in paper.condition("GatewayLoggedIn")["message"])
    assert paper.events("ApprovalMissed")
    assert not paper.ready("executor")
    stays("no other attempt", lambda: results(ibkr, USER) == ["push-missed"], seconds=40)
    assert len(ibkr.pushes(USER)) == 1


def test_a_person_who_asks_gets_one_push_and_the_gate_opens(ibkr: Ibkr, paper: Stage) -> None:
    asked = paper.ask_for_login()
    until("the push that was asked for", lambda: ibkr.waiting(USER))
    ibkr.approve(USER)
    paper.wait_for("Ready", "True")
    until("the executor pod is Ready", lambda: paper.ready("executor"))
    assert paper.status()["login"]["handledRequest"] == asked
    assert results(ibkr, USER) == ["push-missed", "logged-in"]
    assert [push["state"] for push in ibkr.pushes(USER)] == ["missed", "approved"]
    assert not any(push["stacked"] for push in ibkr.pushes())


def test_a_locked_user_name_is_not_tried_again(ibkr: Ibkr, locked: Stage) -> None:
    [push] = until("the push", lambda: ibkr.waiting(LOCKED), seconds=240)
    ibkr.rules(lockout_after=1)
    ibkr.miss(push)
    locked.wait_for_login("LockedOut")
    locked.wait_for("TradingAllowed", "False", "LockedOut")
    until("it is parked", lambda: "Parked" in locked.condition("GatewayLoggedIn")["message"])
    assert "IBKR has locked the user name" in " ".join(locked.events("LockedOut"))
    stays("left alone", lambda: results(ibkr, LOCKED) == ["push-missed", "locked"], seconds=40)
    assert len(ibkr.pushes(LOCKED)) == 1


def test_after_the_lock_a_person_asks_and_it_logs_in(ibkr: Ibkr, locked: Stage) -> None:
    ibkr.post(f"/v1/users/{LOCKED}/unlock")
    ibkr.rules(lockout_after=10)
    locked.ask_for_login()
    until("the push that was asked for", lambda: ibkr.waiting(LOCKED))
    ibkr.approve(LOCKED)
    locked.wait_for("Ready", "True")
    assert results(ibkr, LOCKED) == ["push-missed", "locked", "logged-in"]
    assert [push["state"] for push in ibkr.pushes(LOCKED)] == ["missed", "approved"]


def test_a_push_that_is_approved_late_logs_in_without_another(ibkr: Ibkr, late: Stage) -> None:
    [push] = ibkr.waiting(LATE)
    given_up = datetime.fromisoformat(push["sent"]) + IBC_GIVES_UP_AFTER
    until("IBC has given up", lambda: datetime.now(UTC) > given_up, seconds=240)
    ibkr.approve(LATE)
    late.wait_for("Ready", "True")
    log = late.kubectl("logs", "late-gateway-0", "--container=gateway")
    assert "Re-login after second factor authentication timeout not required" in log
    assert results(ibkr, LATE) == ["logged-in"]
    assert [push["state"] for push in ibkr.pushes(LATE)] == ["approved"]
    assert late.status()["login"]["attemptsToday"] == 1
