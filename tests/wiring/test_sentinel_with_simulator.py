"""A real sentinel and the real wrapper around a whole simulated Gateway: window, log, API."""

import asyncio
from pathlib import Path

import pytest

from sentinel_world import pod_on_host

pytestmark = pytest.mark.timeout(240)


async def test_an_approved_push_logs_in(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        report = await pod.log_in()
        assert report["accounts"] == ["DU1234567"]
        assert report["attemptsToday"] == 1
        assert (await pod.call("GET", "/readyz"))[0] == 200
        assert pod.pushes() == ["approved"]


async def test_a_missed_push_leaves_the_window_up_and_parks_by_budget(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, maxAttempts=1) as pod:
        await pod.state("AwaitingApproval")
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        report = await pod.until(lambda r: r["state"] == "ApprovalMissed" and "waiting" in r)
        assert report["waiting"] == {"refusal": "Parked"}
        assert pod.pushes() == ["missed"]
        assert pod.exits == []


async def test_a_missed_push_is_followed_by_one_more_after_the_interval(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=8) as pod:
        await pod.state("AwaitingApproval")
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        await pod.state("ApprovalMissed")
        await pod.log_in()
        assert pod.pushes() == ["missed", "approved"]
        assert not any(push.stacked for push in pod.ibkr.ibkr.logins.pushes)


async def test_a_ledger_that_is_removed_again_and_again_brings_no_pushes(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.state("AwaitingApproval")
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        for _ in range(3):
            await pod.crash_sentinel()
            (tmp_path / "state" / "attempts.jsonl").unlink()
            await pod.start_sentinel()
            report = await pod.until(lambda r: r["state"] == "ApprovalMissed" and "waiting" in r)
            assert report["waiting"]["refusal"] == "LedgerLost"
            await asyncio.sleep(2)
        assert pod.pushes() == ["missed"]


@pytest.mark.parametrize("dialog", ["unrecognized", "login-failed"])
async def test_a_wrong_password_is_tried_once(tmp_path: Path, dialog: str) -> None:
    async with pod_on_host(tmp_path, password="mistyped") as pod:
        await pod.ibkr_said("PATCH", "/v1/login-rules", {"rejection": dialog})
        report = await pod.until(lambda r: r["state"] == "Rejected" and "waiting" in r)
        assert report["waiting"] == {"refusal": "Parked"}
        ends = 1 if dialog == "login-failed" else 0
        await pod.until(lambda r: r["state"] == "Rejected" and len(pod.exits) == ends)
        await asyncio.sleep(3)  # IBC would have typed the password again within this time
        assert pod.logins() == ["wrong-password"]
        assert len(pod.exits) == ends


async def test_a_locked_user_name_is_not_tried_again(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=4) as pod:
        await pod.state("AwaitingApproval")
        await pod.ibkr_said("PATCH", "/v1/login-rules", {"lockout_after": 1})
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        missed = await pod.state("ApprovalMissed")
        assert (await pod.call("POST", "/v1/login-requests", {"id": missed["at"]}))[0] == 202
        report = await pod.until(lambda r: r["state"] == "LockedOut" and "waiting" in r)
        assert report["waiting"] == {"refusal": "Parked"}
        await asyncio.sleep(6)  # the interval is over
        assert pod.logins() == ["push-missed", "locked"]
        assert pod.pushes() == ["missed"]


async def test_a_session_is_taken_back_where_that_was_asked_for(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, takes_over=True) as pod:
        full = (await pod.log_in())["fullAuthTime"]
        await pod.ibkr_said("POST", "/v1/users/paperuser/kick", {"style": "waits"})
        await pod.state("SessionConflict")
        await pod.ibkr_said("POST", "/v1/users/paperuser/free")
        assert (await pod.state("LoggedIn"))["fullAuthTime"] == full
        assert pod.pushes() == ["approved"]
        assert pod.exits == []


async def test_a_person_comes_first_and_is_left_alone_until_they_go(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=6) as pod:
        await pod.log_in()
        await pod.ibkr_said("POST", "/v1/users/paperuser/kick", {"style": "waits"})
        report = await pod.until(lambda r: r["state"] == "SessionConflict" and "waiting" in r)
        assert report["waiting"]["refusal"] == "SessionConflict"
        assert len(pod.exits) == 1
        assert pod.pushes() == ["approved"]
        await pod.ibkr_said("POST", "/v1/users/paperuser/free")
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_a_restart_request_costs_exactly_one_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        first = await pod.log_in()
        # A week that was authenticated after its boundary is left alone, so this one lies ahead.
        request = {"id": f"{first['at'][:10]}T23:59:59Z"}
        assert (await pod.call("POST", "/v1/restarts", request))[0] == 202
        await pod.until(lambda r: r["state"] == "AwaitingApproval" and len(pod.pushes()) == 2)
        await pod.approve()
        second = await pod.state("LoggedIn")
        assert second["fullAuthTime"] > first["fullAuthTime"]
        assert second["handledRestart"] == request["id"]
        assert (await pod.call("POST", "/v1/restarts", request))[0] == 200
        assert pod.pushes() == ["approved", "approved"]
        assert pod.exits == [0]


async def test_a_killed_container_waits_for_a_permit(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        pod.kill_container()
        report = await pod.until(lambda r: r["state"] == "WaitingForPermit" and "waiting" in r)
        assert report["waiting"]["refusal"] == "Interval"
        assert pod.logins() == ["logged-in"]
        request = {"id": report["at"]}
        assert (await pod.call("POST", "/v1/login-requests", request))[0] == 202
        await pod.log_in()
        assert pod.logins() == ["logged-in", "logged-in"]


async def test_a_clock_that_differs_from_ibkrs_holds_trading(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        assert (await pod.log_in())["holds"] == []
        await pod.ibkr_said("PATCH", "/v1/clock", {"offset_seconds": -10})
        report = await pod.until(lambda r: r["holds"] == [{"reason": "ClockSkew"}])
        assert report["state"] == "LoggedIn"
        await pod.ibkr_said("PATCH", "/v1/clock", {"offset_seconds": 0})
        await pod.until(lambda r: r["holds"] == [])


async def test_a_start_by_a_wrong_clock_waits_for_a_person(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        await pod.ibkr_said("PATCH", "/v1/clock", {"offset_seconds": 90})
        await pod.until(lambda r: r["holds"] == [{"reason": "ClockSkew"}])
        pod.kill_container()
        report = await pod.until(lambda r: r["state"] == "WaitingForPermit" and "waiting" in r)
        assert report["waiting"] == {"refusal": "ClockSkew"}
        await pod.ibkr_said("PATCH", "/v1/clock", {"offset_seconds": 0})
        await asyncio.sleep(2)  # the interval is over
        assert pod.pushes() == ["approved"]
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        assert (await pod.log_in())["holds"] == []
        assert pod.pushes() == ["approved", "approved"]


async def test_a_dead_token_costs_one_push_by_budget(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=5) as pod:
        await pod.log_in()
        await pod.ibkr_said("POST", "/v1/users/paperuser/expire-token")
        await pod.ibkr_said("POST", "/v1/users/paperuser/restart")
        await pod.state("TokenExpired")
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]
        assert pod.logins() == ["logged-in", "token-expired", "logged-in"]


async def test_the_nightly_restart_by_token_pushes_nobody(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        full = (await pod.log_in())["fullAuthTime"]
        await pod.ibkr_said("POST", "/v1/users/paperuser/restart")
        await pod.state("Restarting")
        assert (await pod.state("LoggedIn"))["fullAuthTime"] == full
        assert pod.pushes() == ["approved"]


async def test_a_crashed_sentinel_knows_where_the_login_stood(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        before = await pod.log_in()
        await pod.crash_sentinel()
        await pod.start_sentinel()
        after = await pod.state("LoggedIn")
        assert after["fullAuthTime"] == before["fullAuthTime"]
        assert after["boot"] != before["boot"]
        assert after["sequence"] > before["sequence"]
        assert pod.logins() == ["logged-in"]


async def test_a_person_asks_at_the_window_of_a_missed_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, maxAttempts=1) as pod:
        await pod.state("AwaitingApproval")
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        report = await pod.state("ApprovalMissed")
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        report = await pod.log_in()
        assert report["attemptsToday"] == 2
        assert pod.pushes() == ["missed", "approved"]
        assert not any(push.stacked for push in pod.ibkr.ibkr.logins.pushes)
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        await pod.until(lambda r: r["handledLoginRequest"] == report["at"])
        await asyncio.sleep(1)
        assert pod.pushes() == ["missed", "approved"]


async def test_a_session_that_is_given_up_is_asked_for_now_and_then(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=6) as pod:
        await pod.log_in()
        await pod.ibkr_said("POST", "/v1/users/paperuser/kick", {"style": "contest"})
        report = await pod.until(lambda r: r["state"] == "SessionConflict" and "waiting" in r)
        assert report["waiting"]["refusal"] == "SessionConflict"
        assert len(pod.exits) == 1
        await pod.ibkr_said("POST", "/v1/users/paperuser/free")
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_the_prestop_hook_logs_out_before_term(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        assert await pod.prestop() == 0
        report = await pod.until(lambda r: r["state"] != "LoggedIn" and len(pod.exits) == 1)
        assert report["holds"] == [{"reason": "PlannedStop"}]
        assert pod.exits == [0]
        assert not pod.ibkr.ibkr.logins.sessions


async def test_a_short_loss_of_the_link_is_ridden_out(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        full = (await pod.log_in())["fullAuthTime"]
        await pod.ibkr_said("POST", "/v1/connectivity", {"state": "lost"})
        await pod.state("ConnectionLost")
        await pod.ibkr_said("POST", "/v1/connections/drop", {})
        await pod.ibkr_said("POST", "/v1/connectivity", {"state": "restored"})
        assert (await pod.state("LoggedIn"))["fullAuthTime"] == full
        assert pod.logins() == ["logged-in"]


async def test_a_sentinel_that_crashes_again_and_again_costs_no_second_push(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.until(lambda r: r["attemptsToday"] == 1 and r["state"] != "WaitingForPermit")
        for pause in (0.0, 0.3, 0.6, 0.9, 1.5):
            await pod.crash_sentinel()
            await pod.start_sentinel()
            await asyncio.sleep(pause)
        report = await pod.log_in()
        assert report["attemptsToday"] == 1
        assert pod.pushes() == ["approved"]
        assert pod.exits == []
