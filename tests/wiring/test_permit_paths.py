"""Each way a login process starts or starts over, and what IBKR sees of it; docs/permits.md has them all."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from host_processes import fill, free, small_volume
from sentinel_world import PodOnHost, pod_on_host
from sentinel_world.accidents import driver_says, evict, kill_gateway, reboot

pytestmark = pytest.mark.timeout(240)

SOON = 2
"""Seconds in which a start that nobody holds up has long asked IBKR for something."""
ROOM = 256 * 1024


async def refused(pod: PodOnHost, why: str, *, ends: int) -> dict[str, Any]:
    """A new start of the container waits, and IBKR hears nothing of it."""

    def waits(report: dict[str, Any]) -> bool:
        return report.get("waiting", {}).get("refusal") == why and len(pod.exits) == ends

    report = await pod.until(waits)
    seen = pod.logins(), pod.pushes()
    await asyncio.sleep(SOON)
    assert (pod.logins(), pod.pushes()) == seen
    return report


async def asked(pod: PodOnHost, report: dict[str, Any]) -> None:
    """A person asks for an attempt."""
    assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202


async def test_a_gateway_that_ends_by_itself_logs_in_again_by_budget_only(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await driver_says(pod, "STOP")
        report = await refused(pod, "Interval", ends=1)
        assert (pod.exits, pod.logins(), pod.pushes()) == ([0], ["logged-in"], ["approved"])
        await asked(pod, report)
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_a_gateway_that_the_kernel_kills_logs_in_again_by_budget_only(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        kill_gateway(pod)
        await refused(pod, "Interval", ends=1)
        assert (pod.exits, pod.logins(), pod.pushes()) == ([137], ["logged-in"], ["approved"])


async def test_a_reboot_while_logged_in_costs_no_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await reboot(pod)
        report = await refused(pod, "Interval", ends=1)
        assert report["attemptsToday"] == 1
        assert (pod.logins(), pod.pushes()) == (["logged-in"], ["approved"])


async def test_a_reboot_while_a_push_waits_sends_no_second_one(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.state("AwaitingApproval")
        await reboot(pod)
        report = await refused(pod, "Interval", ends=1)
        assert report["attemptsToday"] == 1
        assert len(pod.pushes()) == 1


async def test_an_evicted_pod_comes_again_by_its_token(tmp_path: Path) -> None:
    """Long before the interval since its last login is over, and on any node that has its volume."""
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        for _ in range(2):
            await evict(pod)
            assert (await pod.state("LoggedIn"))["attemptsToday"] == 1
        assert pod.logins() == ["logged-in"] * 3
        assert (pod.exits, pod.pushes()) == ([0, 0], ["approved"])


async def test_an_evicted_pod_that_is_killed_before_it_logs_in_comes_by_its_token(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        pod.tell_sentinel(loginsAllowed=False)
        await evict(pod)
        await refused(pod, "PolicyUnproven", ends=1)
        pod.kill_container()
        await pod.crash_sentinel()
        await pod.start_sentinel()
        await refused(pod, "PolicyUnproven", ends=2)
        pod.tell_sentinel(loginsAllowed=True)
        await pod.state("LoggedIn")
        assert (pod.logins(), pod.pushes()) == (["logged-in"] * 2, ["approved"])


async def test_a_pod_of_another_user_does_not_log_in_by_the_token(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        other = {"password": "canary", "account": "DU7654321", "modes": ["paper"]}
        await pod.ibkr_said("PUT", "/v1/users/second", {**other, "two_factor": True})
        pod.secret.write(IB_USERNAME="second", IB_PASSWORD="canary")
        await evict(pod)
        report = await pod.log_in()
        assert report["accounts"] == ["DU7654321"]
        assert (pod.logins(), pod.pushes()) == (["logged-in"] * 2, ["approved"] * 2)


async def test_a_pod_that_lost_its_token_waits_for_its_interval(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        pod.tell_sentinel(loginsAllowed=False)
        await evict(pod)
        await refused(pod, "PolicyUnproven", ends=1)
        for file in pod.tokens():
            file.unlink()
        pod.kill_container()
        await refused(pod, "PolicyUnproven", ends=2)
        pod.tell_sentinel(loginsAllowed=True)
        report = await refused(pod, "Interval", ends=2)
        await asked(pod, report)
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_a_node_drained_during_a_handover_costs_no_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
        asked_for = {"id": "drain", "until": until}
        assert (await pod.call("POST", "/v1/handovers", asked_for))[0] == 202
        await pod.until(lambda r: r["state"] == "WaitingForPermit")
        await evict(pod)
        report = await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "HandedOver")
        assert report["handover"]["costsPush"] is False
        assert (await pod.call("POST", "/v1/handovers", {"id": "drain"}))[0] == 202
        await pod.state("LoggedIn")
        assert (pod.logins(), pod.pushes()) == (["logged-in"] * 2, ["approved"])


async def test_a_lost_volume_waits_for_a_person(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        pod.tell_sentinel(loggedInBefore=True)
        await evict(pod, volume=False)
        report = await refused(pod, "LedgerLost", ends=1)
        assert (pod.logins(), pod.pushes()) == (["logged-in"], ["approved"])
        await asked(pod, report)
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """The sentinel's part of the gateway's volume; skipped, with a reason, where nothing may be mounted."""
    with small_volume(tmp_path / "state", ROOM) as folder:
        yield folder


async def filled_up(pod: PodOnHost, volume: Path) -> None:
    """Not even the last page of the attempt ledger takes another line."""
    fill(volume)
    first = datetime.fromisoformat((await pod.call("GET", "/v1/status"))[1]["at"])
    for number in range(200):
        request = {"id": (first + timedelta(seconds=number)).isoformat()}
        if (await pod.call("POST", "/v1/login-requests", request))[0] >= 500:
            return
    raise AssertionError("the volume never filled up")


async def test_a_full_volume_lets_nothing_start(tmp_path: Path, small: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        await filled_up(pod, small)
        pod.kill_container()
        await pod.until(lambda r: bool(r.get("trouble")) and len(pod.exits) == 1)
        await asyncio.sleep(SOON)
        assert (pod.logins(), pod.pushes()) == (["logged-in"], ["approved"])
        free(small)
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_ibcs_own_cold_start_is_ended_while_the_volume_is_full(
    tmp_path: Path, small: Path
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await filled_up(pod, small)
        await pod.ibkr_said("PATCH", "/v1/login-rules", {"expiry_dialog": "connection-failed"})
        await pod.ibkr_said("POST", "/v1/users/paperuser/expire-token")
        await pod.ibkr_said("POST", "/v1/users/paperuser/restart")
        await pod.logged("IBC will cold-restart shortly")
        await pod.until(lambda _: len(pod.exits) == 1)
        await asyncio.sleep(SOON)
        assert (pod.logins(), pod.pushes()) == (["logged-in", "token-expired"], ["approved"])


async def test_an_edited_spec_and_another_operators_settings_log_nobody_in(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        full = (await pod.log_in())["fullAuthTime"]
        budget = {"attemptIntervalSeconds": 1, "maxAttempts": 9, "dailyAttempts": 9}
        pod.tell_sentinel(login=budget, existingSession="takeOver", loggedInBefore=True)
        pod.tell_sentinel(restart={"restartAt": "11:00:00", "timeZone": "Europe/Berlin"})
        pod.tell_sentinel(loginsAllowed=False)
        await asyncio.sleep(SOON)
        pod.tell_sentinel(loginsAllowed=True)
        await asyncio.sleep(SOON)
        report = await pod.state("LoggedIn")
        assert (report["fullAuthTime"], pod.exits) == (full, [])
        assert (pod.logins(), pod.pushes()) == (["logged-in"], ["approved"])


async def test_two_operators_that_ask_at_once_get_one_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        first = await pod.log_in()
        restart = {"id": f"{first['at'][:10]}T23:59:59Z"}
        answers = await asyncio.gather(
            *(pod.call("POST", "/v1/restarts", restart) for _ in range(4)),
        )
        assert sorted(status for status, _ in answers) == [200, 200, 200, 202]
        await pod.until(lambda r: r["state"] == "AwaitingApproval" and len(pod.pushes()) == 2)
        await asyncio.gather(
            *(pod.call("POST", "/v1/restarts", restart) for _ in range(2)),
            *(pod.call("POST", "/v1/login-requests", {"id": first["at"]}) for _ in range(2)),
        )
        await pod.approve()
        await pod.state("LoggedIn")
        await asyncio.sleep(SOON)
        assert (pod.logins(), pod.pushes()) == (["logged-in"] * 2, ["approved"] * 2)
