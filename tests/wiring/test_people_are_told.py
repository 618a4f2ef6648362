"""A whole sentinel around a simulated Gateway, and phones, mail and webhooks on loopback that it tells."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from aiohttp import web

from host_processes import free_port
from ibgateway_runtime.http_server import served
from notification_world import Receiver, ntfy, smtp, webhook
from sentinel_world import PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

HELLO = "trading/paper: Messages about this gateway come here"


def titles(receiver: Receiver) -> list[str]:
    """Without what differs from run to run."""
    return [message.title.split(" until ")[0] for message in receiver.messages]


async def told(receiver: Receiver, title: str) -> None:
    await receiver.until(lambda messages: any(title in message.title for message in messages))


async def begun(pod: PodOnHost, *addresses: str) -> None:
    """The addresses are given before anything happens to the login."""
    pod.tell_people(*addresses)
    await pod.state("AwaitingApproval")


async def test_a_push_is_told_to_everybody_and_so_is_the_login(tmp_path: Path) -> None:
    async with ntfy() as phone, smtp() as mail, webhook() as hook, pod_on_host(tmp_path) as pod:
        await begun(
            pod,
            f"ntfy://127.0.0.1:{phone.port}/alerts",
            f"mailto://127.0.0.1:{mail.port}?mode=insecure&from=gw@example.com&to=me@example.com",
            f"json://127.0.0.1:{hook.port}/hook",
        )
        for receiver in (phone, mail, hook):
            await told(receiver, "Approve IBKR's push")
        await pod.approve()
        await pod.state("LoggedIn")
        for receiver in (phone, mail, hook):
            await told(receiver, "IB Gateway is logged in")
    assert titles(phone) == [
        HELLO,
        "trading/paper: Approve IBKR's push",
        "trading/paper: IB Gateway is logged in",
    ] or titles(phone) == [
        "trading/paper: Approve IBKR's push",
        "trading/paper: IB Gateway is logged in",
    ]
    assert "press Approve" in phone.messages[-2].body
    assert pod.pushes() == ["approved"]


async def test_a_missed_push_is_told_and_a_killed_sentinel_tells_nothing_twice(
    tmp_path: Path,
) -> None:
    async with ntfy() as phone, pod_on_host(tmp_path, maxAttempts=1) as pod:
        await begun(pod, f"ntfy://127.0.0.1:{phone.port}/alerts")
        await told(phone, "Approve IBKR's push")
        await pod.ibkr_said("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
        await told(phone, "The push was not approved")
        kept = tmp_path / "state" / "told.json"
        async with asyncio.timeout(30):
            while "PushMissed" not in kept.read_text():  # noqa: ASYNC110 - a file tells
                await asyncio.sleep(0.02)
        before = titles(phone)
        await pod.crash_sentinel()
        await pod.start_sentinel()
        await pod.state("ApprovalMissed")
        request = {"id": (await pod.call("GET", "/v1/status"))[1]["at"]}
        assert (await pod.call("POST", "/v1/login-requests", request))[0] == 202
        await phone.until(lambda messages: len(messages) > len(before))
        await pod.approve()
        await told(phone, "IB Gateway is logged in")
    slow = "trading/paper: No login is tried until you ask for one"  # told after half a minute
    assert [title for title in titles(phone)[len(before) :] if title != slow] == [
        "trading/paper: Approve IBKR's push",
        "trading/paper: IB Gateway is logged in",
    ]


async def test_receivers_that_hang_or_refuse_hold_up_neither_the_others_nor_the_login(
    tmp_path: Path,
) -> None:
    async with (
        ntfy() as phone,
        webhook() as hangs,
        webhook() as refuses,
        pod_on_host(tmp_path) as pod,
    ):
        hangs.answers, refuses.answers = 0, 500
        await begun(
            pod,
            f"json://127.0.0.1:{hangs.port}/hook?rto=15",
            f"json://user:canary-password@127.0.0.1:{refuses.port}/hook",
            f"ntfy://127.0.0.1:{phone.port}/alerts",
        )
        await told(phone, "Approve IBKR's push")
        await pod.approve()
        await pod.state("LoggedIn")
        await told(phone, "IB Gateway is logged in")
        await refuses.until(lambda _: refuses.asked >= 2)
    assert refuses.messages == hangs.messages == []


async def test_a_sending_process_that_dies_is_replaced_before_it_is_needed(tmp_path: Path) -> None:
    async with ntfy() as phone, pod_on_host(tmp_path) as pod:
        await begun(pod, f"ntfy://127.0.0.1:{phone.port}/alerts")
        await told(phone, "Approve IBKR's push")
        first = await asyncio.to_thread(_workers, tmp_path)
        for worker in first:
            os.kill(worker, signal.SIGKILL)
        async with asyncio.timeout(60):
            while not set(await asyncio.to_thread(_workers, tmp_path)) - set(first):  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await pod.approve()
        await told(phone, "IB Gateway is logged in")
    assert len(first) == 1


def _workers(folder: Path) -> list[int]:
    """Sending processes of this test's sentinel."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
            mine = str(folder).encode() in Path(f"/proc/{parent}/environ").read_bytes()
            if mine and b"notifications.worker" in (place / "cmdline").read_bytes():
                found.append(int(place.name))
        except OSError:
            continue
    return found


async def test_no_address_is_in_a_log_a_file_or_a_process(tmp_path: Path) -> None:
    async with ntfy() as phone, pod_on_host(tmp_path) as pod:
        await begun(
            pod,
            f"ntfy://user:canary-password@127.0.0.1:{phone.port}/canary-topic",
            "canary-token-without-schema",
            "bogus://canary-secret",
            "tgram://123456789:canary_token_abcdefg12345678/canary/",
        )
        await told(phone, "Approve IBKR's push")
        await pod.until(lambda r: "address 2 has taken nothing" in r.get("undelivered", ""))
        report = json.dumps((await pod.call("GET", "/v1/status"))[1])
        processes = await asyncio.to_thread(_processes, tmp_path)
    assert len(processes) >= 4
    texts = [report, (tmp_path / "sentinel.log").read_text()]
    texts += [p.read_text() for p in (tmp_path / "state").iterdir()]
    assert "telling people" in texts[1]
    assert all("canary" not in text for text in texts)
    assert all(b"canary" not in text for text in processes)


def _processes(folder: Path) -> list[bytes]:
    """Arguments and environment of the sentinel and of what it has started."""
    return [
        (place / name).read_bytes()
        for place in Path("/proc").glob("[0-9]*")
        for name in ("cmdline", "environ")
        if _ours(place, folder)
    ]


def _ours(place: Path, folder: Path) -> bool:
    """The sentinel and what it has started."""
    try:
        text = (place / "cmdline").read_bytes()
        mine = str(folder).encode() in (place / "environ").read_bytes()
    except OSError:
        return False
    return (b"ibgateway_agent" in text and mine) or b"notifications.worker" in text


async def test_a_dead_mans_switch_hears_it_while_messages_are_taken(tmp_path: Path) -> None:
    beats: list[str] = []

    async def beat(request: web.Request) -> web.Response:
        beats.append(request.path)
        return web.Response()

    app, port = web.Application(), free_port()
    app.add_routes([web.get("/ping/canary", beat)])
    async with served(app, bind="127.0.0.1", port=port), ntfy() as phone:
        async with pod_on_host(tmp_path) as pod:
            pod.tell_people(
                f"ntfy://127.0.0.1:{phone.port}/alerts",
                heartbeat=f"http://127.0.0.1:{port}/ping/canary",
            )
            await told(phone, "Approve IBKR's push")
            async with asyncio.timeout(90):
                while not beats:  # noqa: ASYNC110 - a server of this test tells
                    await asyncio.sleep(0.05)
        assert "canary" not in (tmp_path / "sentinel.log").read_text()
