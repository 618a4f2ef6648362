"""The operator's own messages by its own sending process, to phones, mail and webhooks on loopback."""

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ibgateway_runtime.notifications.courier import Courier
from notification_world import Receiver, ntfy, smtp, webhook
from operator_fakes import OperatorWorld, operator_world, report

pytestmark = pytest.mark.timeout(240)

DOUBT = b'{"open":true,"inDoubt":1}'
NO_DOUBT = b'{"open":true,"inDoubt":0}'
IN_DOUBT = "trading/paper: 1 order is in doubt"
OVER = "trading/paper: No order is in doubt any more"


@contextlib.asynccontextmanager
async def telling(*addresses: str) -> AsyncIterator[OperatorWorld]:
    """A whole operator whose gateway trades, and whose users gave it these addresses."""
    courier = Courier()
    try:
        async with operator_world(courier=courier) as world:
            world.secret("paper-notifications", URLS="\n".join(addresses))
            secret = {"name": "paper-notifications"}
            world.edit(notifications={"secretRef": secret, "batchSeconds": 0})
            world.http.answers["/v1/gate"] = NO_DOUBT
            await world.log_in()
            yield world
    finally:
        await courier.close()


async def passes(world: OperatorWorld, minutes: int) -> None:
    """Time passes on the operator's clock, with a look at each half minute."""
    for _ in range(2 * minutes):
        world.pass_time(30)
        world.hear_again()
        await world.reconcile()
        world.deliver()


async def told(receiver: Receiver, title: str) -> None:
    await receiver.until(lambda messages: any(title == message.title for message in messages))


async def heard(world: OperatorWorld, result: str, letters: int) -> None:
    """The operator has so many answers: a receiver has a message before the operator knows of it."""
    known = world.app.queues.metrics.registry.get_sample_value
    async with asyncio.timeout(30):
        while (known("ibgateway_notifications_total", {"result": result}) or 0) < letters:  # noqa: ASYNC110 - a count is no event
            await asyncio.sleep(0.01)


async def test_orders_in_doubt_reach_everybody_once_and_so_does_their_end() -> None:
    async with (
        ntfy() as phone,
        smtp() as mail,
        webhook() as hook,
        telling(
            f"ntfy://127.0.0.1:{phone.port}/alerts",
            f"mailto://127.0.0.1:{mail.port}?mode=insecure&from=gw@example.com&to=me@example.com",
            f"json://127.0.0.1:{hook.port}/hook",
        ) as world,
    ):
        world.http.answers["/v1/gate"] = DOUBT
        await passes(world, 12)
        for receiver in (phone, mail, hook):
            await told(receiver, IN_DOUBT)
        await heard(world, "taken", 3)
        assert "POST /v1/orders/{id}/resolve" in phone.messages[-1].body
        await passes(world, 2)
        world.start_again()
        await world.reconcile()
        world.hear(report())
        await passes(world, 20)
        world.http.answers["/v1/gate"] = NO_DOUBT
        await passes(world, 2)
        for receiver in (phone, mail, hook):
            await told(receiver, OVER)
        await heard(world, "taken", 3)
        assert world.condition("NotificationsDelivered") == "True Delivered"
    for receiver in (phone, mail, hook):
        assert [message.title for message in receiver.messages] == [IN_DOUBT, OVER]


async def test_a_receiver_that_hangs_holds_up_neither_the_others_nor_the_operator() -> None:
    async with (
        ntfy() as phone,
        webhook() as hangs,
        telling(
            f"json://127.0.0.1:{hangs.port}/hook", f"ntfy://127.0.0.1:{phone.port}/alerts"
        ) as world,
    ):
        hangs.answers = 0
        world.http.answers["/v1/gate"] = DOUBT
        await passes(world, 12)
        await told(phone, IN_DOUBT)
        await hangs.until(lambda _: hangs.asked == 1)
        async with asyncio.timeout(10):
            await passes(world, 10)
        assert world.condition("Ready") == "True Trading"
    assert hangs.messages == []


async def test_no_address_is_in_a_log_a_status_or_a_process(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        ntfy() as phone,
        telling(
            f"ntfy://user:canary-password@127.0.0.1:{phone.port}/canary-topic",
            "bogus://canary-secret",
        ) as world,
    ):
        world.http.answers["/v1/gate"] = DOUBT
        await passes(world, 12)
        await told(phone, IN_DOUBT)
        await heard(world, "failed", 1)
        processes = await asyncio.to_thread(_workers)
        assert processes
        await passes(world, 5)
        assert world.condition("NotificationsDelivered") == "False Undelivered"
        assert "address 2 (bogus) has taken nothing" in world.message("NotificationsDelivered")
        public = {k: v for k, v in world.api_server.objects.items() if k[0] != "Secret"}
        assert "canary" not in json.dumps([*public.values()])
        assert all(b"canary" not in text for text in processes)
    assert "telling people" in caplog.text
    assert "canary" not in caplog.text


def _workers() -> list[bytes]:
    """Arguments and environment of the sending processes."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            arguments = (place / "cmdline").read_bytes()
            if b"notifications.worker" in arguments:
                found += [arguments, (place / "environ").read_bytes()]
    return found
