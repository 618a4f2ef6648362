"""Permits and tokens with a real sentinel, the real wrapper and the image's own scripts: what IBKR saw of them."""

import asyncio
import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sentinel_world import PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

SOON = 3
"""Seconds in which a start that nobody holds up has long asked IBKR for something."""


async def token_dies(pod: PodOnHost, **rules: str) -> None:
    """The week's token dies and the Gateway restarts with it."""
    await pod.ibkr_said("PATCH", "/v1/login-rules", rules)
    await pod.ibkr_said("POST", "/v1/users/paperuser/expire-token")
    await pod.ibkr_said("POST", "/v1/users/paperuser/restart")


def notes(pod: PodOnHost, name: str) -> int:
    lines = (pod.folder / "state" / "attempts.jsonl").read_text().splitlines()
    return sum(json.loads(line).get("note") == name for line in lines)


async def test_a_cold_start_of_ibcs_own_is_counted_and_left_to_log_in(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        await token_dies(pod, expiry_dialog="connection-failed")
        report = await pod.log_in()
        assert report["attemptsToday"] == 2
        assert pod.pushes() == ["approved", "approved"]
        assert pod.logins() == ["logged-in", "token-expired", "logged-in"]
        assert pod.exits == [], "it went on in the container in which it began"


@pytest.mark.parametrize("file", ["deleted", "stays"])
async def test_a_cold_start_of_ibcs_own_without_budget_is_ended_before_it_pushes(
    tmp_path: Path, file: str
) -> None:
    async with pod_on_host(tmp_path, dailyAttempts=1, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        await token_dies(pod, expiry_dialog="connection-failed", dead_token_file=file)
        await pod.logged("IBC will cold-restart shortly")
        report = await pod.until(lambda r: "waiting" in r and len(pod.exits) == 1)
        assert report["waiting"]["refusal"] == "DailyBudget"
        await asyncio.sleep(SOON)
        assert pod.pushes() == ["approved"]
        assert pod.logins() == ["logged-in", "token-expired"]


@pytest.mark.parametrize(
    ("file", "removed"),
    [("deleted", True), ("stays", True), ("stays", False)],
    ids=["by the Gateway", "by the wrapper", "killed meanwhile"],
)
async def test_a_dead_token_is_tried_once_whoever_deletes_its_file(
    tmp_path: Path, file: str, *, removed: bool
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await token_dies(pod, dead_token_file=file)
        await pod.state("TokenExpired")
        report = await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "Interval")
        assert notes(pod, "tokenDead") == 1
        await pod.until(lambda _: not removed or pod.tokens() == [])
        pod.kill_container()
        await pod.until(lambda r: r["state"] == "WaitingForPermit" and len(pod.exits) == 1)
        await asyncio.sleep(SOON)
        assert pod.logins() == ["logged-in", "token-expired"]
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        await pod.log_in()
        assert pod.logins() == ["logged-in", "token-expired", "logged-in"]
        assert pod.pushes() == ["approved", "approved"]


async def test_a_dead_tokens_file_does_not_outlive_the_stop_before_the_next_attempt(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        await token_dies(pod, dead_token_file="stays")
        await pod.log_in()
        assert pod.logins() == ["logged-in", "token-expired", "logged-in"]
        assert pod.exits == [0], "one STOP, and IBC's start script found nothing to go on with"


async def permit_for_a_frozen_start(pod: PodOnHost) -> dict[str, str]:
    """A start that stands still in the moment in which it gets its permit."""
    await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "PolicyUnproven")
    pod.freeze_container(on=True)
    pod.tell_sentinel(loginsAllowed=True)
    await pod.until(lambda _: bool(pod.permit()))
    return pod.permit()


@pytest.mark.parametrize("crashes", [False, True], ids=["sentinel lives", "sentinel crashes"])
async def test_a_permit_of_a_killed_start_is_not_used_by_the_next(
    tmp_path: Path, *, crashes: bool
) -> None:
    async with pod_on_host(tmp_path, allowed=False) as pod:
        permit = await permit_for_a_frozen_start(pod)
        if crashes:
            await pod.crash_sentinel()
        pod.kill_container()
        if crashes:
            await pod.logged(f"permit {permit['id']} does not hold: it is for another start")
            await pod.start_sentinel()
        report = await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "Interval")
        assert report["attemptsToday"] == 1
        await asyncio.sleep(SOON)
        assert (pod.logins(), pod.permit()) == ([], {})
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        await pod.log_in()
        assert pod.logins() == ["logged-in"]


async def test_a_permit_is_over_after_half_a_minute(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, allowed=False) as pod:
        permit = await permit_for_a_frozen_start(pod)
        assert int(permit["expires"]) - int(permit["given"]) == 30
        await pod.crash_sentinel()
        await asyncio.sleep(int(permit["expires"]) - time.time())
        pod.freeze_container(on=False)
        await pod.logged(f"permit {permit['id']} does not hold: it has expired")
        await pod.start_sentinel()
        await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "Interval")
        assert pod.logins() == []


async def test_a_push_waits_for_its_turn_and_is_sent_once(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path, allowed=False, attemptIntervalSeconds=1) as pod:
        pod.tell_sentinel(loginsAllowed=True, needsTurn=True)
        report = await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "AwaitsTurn")
        assert (await pod.call("POST", "/v1/login-requests", {"id": report["at"]}))[0] == 202
        await asyncio.sleep(SOON)
        assert pod.logins() == [], "a person's request waits for its turn too"
        until = (datetime.now(UTC) + timedelta(minutes=5)).isoformat()
        given = {"id": "t1", "until": until}
        assert (await pod.call("POST", "/v1/turns", given))[0] == 202
        await pod.state("AwaitingApproval")
        await pod.crash_sentinel()
        await pod.start_sentinel()
        report = await pod.state("AwaitingApproval")
        assert (await pod.call("POST", "/v1/turns", given))[0] == 200
        assert report["turn"] == {"id": "t1", "over": False}
        pod.kill_container()
        report = await pod.until(lambda r: r.get("waiting", {}).get("refusal") == "AwaitsTurn")
        assert report["turn"]["over"] is True
        await asyncio.sleep(SOON)
        assert len(pod.pushes()) == 1
