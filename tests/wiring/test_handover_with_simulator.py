"""A person has the login for a while: real sentinel, real wrapper, the image's own scripts. IBKR counts the pushes."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ibgateway_stage.calendar import calendar
from notification_world import ntfy
from sentinel_world import PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

FAR = timedelta(hours=1)


async def hands_over(pod: PodOnHost, span: timedelta = FAR) -> dict[str, Any]:
    """Whoever wants the login for so long is told what its return costs."""
    until = (datetime.now(UTC) + span).isoformat()
    status, said = await pod.call("POST", "/v1/handovers", {"id": "lunch", "until": until})
    assert status == 202
    assert isinstance(said, dict)
    return said


async def takes_back(pod: PodOnHost) -> None:
    assert (await pod.call("POST", "/v1/handovers", {"id": "lunch"}))[0] == 202


def is_free(report: dict[str, Any]) -> bool:
    """The gateway's process has ended, and its next start waits for the person."""
    return bool(report.get("waiting", {}).get("refusal") == "HandedOver") and (
        report["state"] == "WaitingForPermit"
    )


def held(report: dict[str, Any]) -> list[str]:
    return [hold["reason"] for hold in report.get("holds", [])]


async def test_a_person_has_the_login_and_its_return_costs_no_push(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        said = await hands_over(pod, timedelta(seconds=30))
        assert said["costsPush"] is False
        assert "HandedOver" in held(await pod.until(lambda r: bool(held(r))))
        await pod.until(is_free)
        await pod.ibkr_said("POST", "/v1/users/paperuser/kick", {"style": "relogin"})
        await pod.ibkr_said("POST", "/v1/users/paperuser/free")
        report = await pod.state("LoggedIn")
        assert "handover" not in report
        assert held(report) == []
        assert pod.logins() == ["logged-in", "logged-in"]
        assert [login.kind for login in pod.ibkr.ibkr.logins.attempts] == ["full", "token"]
        assert pod.pushes() == ["approved"]
        assert pod.exits == [0]


@pytest.mark.parametrize("killed", ["nobody", "sentinel", "container"])
async def test_taken_back_early_it_returns_at_once_whoever_was_killed_meanwhile(
    tmp_path: Path, killed: str
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await hands_over(pod)
        await pod.until(is_free)
        if killed == "container":
            pod.kill_container()
            await pod.until(lambda r: len(pod.exits) == 2 and is_free(r))
        if killed == "sentinel":
            await pod.crash_sentinel()
            await pod.start_sentinel()
            report = await pod.until(is_free)
            assert report["handover"]["costsPush"] is False
        await takes_back(pod)
        await pod.state("LoggedIn")
        assert pod.logins() == ["logged-in", "logged-in"]
        assert pod.pushes() == ["approved"]


async def test_a_sentinel_that_dies_while_the_process_pauses_tells_it_no_second_time(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await hands_over(pod)
        await pod.logged("CommandServer received command: PAUSE")
        await pod.crash_sentinel()
        await pod.start_sentinel()
        report = await pod.until(is_free)
        assert report["handover"]["costsPush"] is False
        log = (pod.run / "gateway.log").read_text()
        assert log.count("CommandServer received command") == 1
        await takes_back(pod)
        await pod.state("LoggedIn")
        assert pod.pushes() == ["approved"]


async def test_taken_back_while_the_process_pauses_it_comes_back_by_its_token(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        await hands_over(pod)
        await pod.logged("CommandServer received command: PAUSE")
        await takes_back(pod)
        report = await pod.until(lambda r: r["state"] == "LoggedIn" and "handover" not in r)
        assert "PlannedStop" in held(report), "orders wait: its process is about to end"
        report = await pod.until(lambda r: r["state"] == "LoggedIn" and len(pod.exits) == 1)
        assert held(report) == []
        assert pod.pushes() == ["approved"]


async def test_where_the_week_has_no_token_the_push_of_the_return_is_said_beforehand(
    tmp_path: Path,
) -> None:
    async with pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        await pod.log_in()
        dies_soon = calendar(datetime.now(UTC) - timedelta(days=7) + timedelta(minutes=30))
        await pod.settings_taken(calendar=dies_soon)
        said = await hands_over(pod)
        assert said["costsPush"] is True
        assert "weekly token boundary" in said["why"]
        await pod.until(is_free)
        assert "CommandServer received command: PAUSE" not in (pod.run / "gateway.log").read_text()
        await asyncio.sleep(2)
        assert pod.pushes() == ["approved"]
        await takes_back(pod)
        await pod.log_in()
        assert pod.pushes() == ["approved", "approved"]


async def test_a_token_that_dies_meanwhile_is_told_before_its_push_and_at_the_end(
    tmp_path: Path,
) -> None:
    async with ntfy() as phone, pod_on_host(tmp_path, attemptIntervalSeconds=1) as pod:
        pod.tell_people(f"ntfy://127.0.0.1:{phone.port}/alerts", reminderSeconds=0)
        await pod.log_in()
        assert (await hands_over(pod))["costsPush"] is False
        await pod.until(is_free)
        dies_soon = calendar(datetime.now(UTC) - timedelta(days=7) + timedelta(minutes=30))
        pod.tell_sentinel(calendar=dies_soon)
        await phone.until(lambda messages: any("handover ends" in m.title for m in messages))
        assert "weekly token boundary" in phone.messages[-1].body
        died = datetime.now(UTC) - timedelta(seconds=3)
        restart = {"restartAt": f"{died + timedelta(seconds=2):%H:%M:%S}", "timeZone": "UTC"}
        pod.tell_sentinel(calendar=calendar(died), restart=restart)
        await pod.until(lambda r: "no full login yet" in r["handover"]["why"])
        assert pod.pushes() == ["approved"]
        await takes_back(pod)
        await phone.until(lambda messages: "Approve IBKR's push" in messages[-1].title)
        await pod.approve()
        await pod.state("LoggedIn")
        await phone.until(lambda messages: "is logged in" in messages[-1].title)
    said = [m.title.removeprefix("trading/paper: ") for m in phone.messages]
    assert [title for title in said if "handover" in title] == [
        next(title for title in said if title.startswith("The handover ends on")),
        "The handover is over",
    ]
    assert said.index("The handover is over") < len(said) - 2


async def test_a_handover_that_can_not_be_is_refused_by_name(tmp_path: Path) -> None:
    async with pod_on_host(tmp_path) as pod:
        await pod.log_in()
        for span, words in ((timedelta(0), "not ahead"), (timedelta(days=4), "more than 3 days")):
            until = (datetime.now(UTC) + span).isoformat()
            status, said = await pod.call("POST", "/v1/handovers", {"id": "x", "until": until})
            assert status == 409
            assert words in said
        assert held(await pod.state("LoggedIn")) == []
