"""The real sending process and apprise, against receivers on loopback."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ibgateway_api.notifications import Letter, Severity
from ibgateway_runtime.notifications.answers import NOT_TAKEN, UNUSABLE
from ibgateway_runtime.notifications.courier import Courier
from notification_world import ntfy, smtp, webhook

LETTER = Letter(
    Severity.CRITICAL, "trading/paper: Approve the push", "Until 09:03 <now> & *not* later\n\nGo."
)


@pytest.fixture
async def courier() -> AsyncIterator[Courier]:
    made = Courier()
    yield made
    await made.close()


async def test_ntfy_takes_a_letter_with_the_topics_credentials(courier: Courier) -> None:
    async with ntfy() as receiver:
        address = f"ntfy://someone:canary-password@127.0.0.1:{receiver.port}/alerts"
        assert await courier.send(address, LETTER) == ""
    (message,) = receiver.messages
    assert message.title == LETTER.title
    assert message.body == LETTER.body
    assert message.user.startswith("Basic ")
    assert "http" not in message.raw


async def test_a_webhook_takes_one(courier: Courier) -> None:
    async with webhook() as receiver:
        assert await courier.send(f"json://127.0.0.1:{receiver.port}/hook", LETTER) == ""
    (message,) = receiver.messages
    assert (message.title, message.body) == (LETTER.title, LETTER.body)
    assert '"type": "failure"' in message.raw


async def test_a_mail_server_takes_one(courier: Courier) -> None:
    async with smtp() as receiver:
        address = (
            f"mailto://127.0.0.1:{receiver.port}?mode=insecure&from=gateway@example.com"
            "&to=desk@example.com&format=text"
        )
        assert await courier.send(address, LETTER) == ""
    (message,) = receiver.messages
    assert message.title == LETTER.title
    assert message.body.replace("\r\n", "\n") == LETTER.body


async def test_why_a_letter_was_not_taken_is_told_without_a_word_of_the_address(
    courier: Courier,
) -> None:
    async with webhook() as receiver:
        receiver.answers = 403
        refused = await courier.send(
            f"json://user:canary-password@127.0.0.1:{receiver.port}/hook", LETTER
        )
    assert refused == f"{NOT_TAKEN} (HTTP 403)"
    assert await courier.send("json://user:canary@127.0.0.1:9/canary-path", LETTER) == NOT_TAKEN
    assert await courier.send("bogus://canary", LETTER) == UNUSABLE
    assert await courier.check("canary-without-schema") == UNUSABLE
    assert await courier.check("ntfy://127.0.0.1/alerts") == ""


async def test_a_receiver_that_hangs_holds_up_no_other(courier: Courier) -> None:
    async with webhook() as hangs, ntfy() as well:
        hangs.answers = 0
        slow = asyncio.create_task(
            courier.send(f"json://127.0.0.1:{hangs.port}/hook?rto=15", LETTER)
        )
        async with asyncio.timeout(30):
            while not hangs.asked:
                hangs.changed.clear()
                await hangs.changed.wait()
        assert await courier.send(f"ntfy://127.0.0.1:{well.port}/alerts", LETTER) == ""
        assert not slow.done()
        slow.cancel()
        await asyncio.gather(slow, return_exceptions=True)


async def test_neither_arguments_nor_environment_of_the_process_have_an_address(
    courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOMEBODYS_TOKEN", "canary-token")
    async with ntfy() as receiver:
        address = f"ntfy://someone:canary-password@127.0.0.1:{receiver.port}/canary-topic"
        assert await courier.send(address, LETTER) == ""
        worker = courier._worker
        assert worker is not None
        process = Path(f"/proc/{worker._process.pid}")
        assert b"notifications.worker" in (process / "cmdline").read_bytes()
        for name in ("cmdline", "environ"):
            assert b"canary" not in (process / name).read_bytes()
