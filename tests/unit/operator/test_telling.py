"""A whole operator that tells people: what, once, over its own restarts, and never at the cost of a reconcile."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ibgateway_operator.errors import ApiError
from ibgateway_operator.model.manifests import Manifest
from ibgateway_runtime.notifications.notifier import Notifier
from operator_fakes import OperatorWorld, operator_world, report

URLS = "ntfy://user:canary-password@phone/topic"
DOUBT = b'{"open":true,"inDoubt":1}'
STUCK = b'{"open":true,"rebalances":[{"id":"9f1c0d35","state":"Stopped","reason":"NotSettled","message":"m"}]}'
UNCOPIED = b'{"open":true,"backupProblem":"no room"}'
NO_DOUBT = b'{"open":true,"inDoubt":0}'


@pytest.fixture
async def world() -> AsyncIterator[OperatorWorld]:
    async with operator_world() as made:
        made.secret("paper-notifications", URLS=f"{URLS}\n")
        made.edit(notifications={"secretRef": {"name": "paper-notifications"}, "batchSeconds": 0})
        made.http.answers["/v1/gate"] = NO_DOUBT
        await made.log_in()
        yield made


async def looks(world: OperatorWorld, seconds: float, *, heard: bool = True) -> list[str]:
    """Time passes in steps, with a look at each; what people were told meanwhile."""
    before = len(world.letters)
    for _ in range(int(seconds // 30)):
        world.pass_time(30)
        if heard:
            world.hear_again()
        await world.reconcile()
        world.deliver()
        await settle(world)
    return [letter.removeprefix(f"{URLS} ") for letter in world.letters[before:]]


async def settle(world: OperatorWorld) -> None:
    """What is to be sent is sent."""
    memory = world.app.memories.get(world.key)
    for _ in range(20):
        if memory is not None and memory.people.telling is not None:
            memory.people.telling._woken.set()  # type: ignore[attr-defined]
        await asyncio.sleep(0)


async def test_a_gateway_that_trades_is_no_news(world: OperatorWorld) -> None:
    assert await looks(world, 3600) == []
    assert world.condition("NotificationsDelivered") == "True Delivered"


async def test_a_silent_gateway_is_told_after_a_while_and_that_it_is_back(
    world: OperatorWorld,
) -> None:
    assert await looks(world, 300, heard=False) == []
    assert await looks(world, 60, heard=False) == [
        "trading/paper: Nothing is heard from the gateway"
    ]
    assert await looks(world, 3600, heard=False) == []
    world.hear(report(sequence=8))
    assert await looks(world, 30) == ["trading/paper: The gateway is heard again"]


async def test_orders_in_doubt_are_told_and_more_of_them_anew(world: OperatorWorld) -> None:
    world.http.answers["/v1/gate"] = DOUBT
    assert await looks(world, 600) == []
    assert await looks(world, 120) == ["trading/paper: 1 order is in doubt"]
    world.http.answers["/v1/gate"] = b'{"open":true,"inDoubt":3}'
    assert await looks(world, 90) == ["trading/paper: 3 orders are in doubt"]
    world.http.answers["/v1/gate"] = NO_DOUBT
    assert await looks(world, 90) == ["trading/paper: No order is in doubt any more"]


async def test_a_rebalance_that_stopped_is_told_once_and_that_it_is_over(
    world: OperatorWorld,
) -> None:
    world.http.answers["/v1/gate"] = STUCK
    assert await looks(world, 600) == []
    assert await looks(world, 120) == ["trading/paper: A rebalance needs a person"]
    assert await looks(world, 3600) == []
    world.start_again()
    await world.reconcile()
    world.hear(report())
    assert await looks(world, 1200) == []
    world.http.answers["/v1/gate"] = NO_DOUBT
    assert await looks(world, 90) == ["trading/paper: No rebalance needs a person any more"]


async def test_a_ledger_that_is_not_copied_is_told_once_and_that_it_is_again(
    world: OperatorWorld,
) -> None:
    world.http.answers["/v1/gate"] = UNCOPIED
    assert await looks(world, 900) == []
    assert await looks(world, 120) == ["trading/paper: The ledger is not copied"]
    world.http.answers["/v1/gate"] = b'{"open":true,"backupProblem":"it is away"}'
    assert await looks(world, 3600) == []
    world.http.answers["/v1/gate"] = NO_DOUBT
    assert await looks(world, 90) == ["trading/paper: The ledger is copied again"]


async def test_the_next_operator_tells_nothing_twice_and_ends_what_was_begun(
    world: OperatorWorld,
) -> None:
    world.http.answers["/v1/gate"] = DOUBT
    assert await looks(world, 720) == ["trading/paper: 1 order is in doubt"]
    assert world.stored()["status"]["told"][0]["told"] == ["OrdersInDoubt/1"]
    world.start_again()
    await world.reconcile()
    world.hear(report())
    assert await looks(world, 1200) == []
    world.http.answers["/v1/gate"] = NO_DOUBT
    assert await looks(world, 90) == ["trading/paper: No order is in doubt any more"]
    assert world.reconciles_due() == 1
    await world.reconcile()
    assert world.stored()["status"].get("told", []) == []


async def test_a_setup_that_waits_for_the_user_is_told_without_account_ids(
    world: OperatorWorld,
) -> None:
    world.hear(report(accounts=("DU7654321",), sequence=8))
    world.edit(
        executor={"accounts": ["DU1234567"]},
        notifications={"secretRef": {"name": "paper-notifications"}, "batchSeconds": 0},
    )
    assert await looks(world, 240) == [
        "trading/paper: Something is wrong with the gateway's setup: UnexpectedAccount"
    ]


async def test_messages_that_nobody_takes_are_a_condition_and_cost_trading_nothing(
    world: OperatorWorld,
) -> None:
    world.refuses = "it was not reached, or did not take the message"
    world.http.answers["/v1/gate"] = DOUBT
    await looks(world, 900)
    assert world.condition("NotificationsDelivered") == "False Undelivered"
    assert world.message("NotificationsDelivered").startswith(
        "operator: address 1 (ntfy) has taken nothing since 2026-"
    )
    assert world.condition("TradingAllowed") == "True GateOpen"
    world.refuses = ""
    await looks(world, 120)
    assert world.condition("NotificationsDelivered") == "True Delivered"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, "operator: Secret paper-notifications has no key URLS"),
        ({"URLS": "# none yet\n"}, "operator: Secret paper-notifications: the key URLS has no"),
    ],
)
async def test_a_secret_without_addresses_is_said_and_read_again_within_a_minute(
    world: OperatorWorld, values: dict[str, str], words: str
) -> None:
    world.secret("paper-notifications", **values)
    await looks(world, 3630)
    assert world.message("NotificationsDelivered").startswith(words)
    world.secret("paper-notifications", URLS=URLS)
    await looks(world, 90)
    assert world.condition("NotificationsDelivered") == "True Delivered"


async def test_an_api_server_that_is_away_takes_no_address_away(
    world: OperatorWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object) -> Manifest:
        raise ApiError(503, "away")

    with monkeypatch.context() as outage:
        outage.setattr(world.api_server, "get", away)
        told = await looks(world, 4200)
        silent = await looks(world, 390, heard=False)
    assert told == ["trading/paper: Something is wrong with the gateway's setup: ApplyFailed"]
    assert silent == ["trading/paper: Nothing is heard from the gateway"]


async def test_a_corrected_address_is_read_within_a_minute(world: OperatorWorld) -> None:
    world.refuses = "it was not reached, or did not take the message"
    world.http.answers["/v1/gate"] = DOUBT
    await looks(world, 900)
    world.refuses = ""
    world.secret("paper-notifications", URLS="ntfy://phone/right")
    await looks(world, 120)
    assert world.letters == ["ntfy://phone/right trading/paper: 1 order is in doubt"]


async def test_a_new_word_of_the_executor_brings_a_reconcile_and_an_old_one_none(
    world: OperatorWorld,
) -> None:
    await looks(world, 600)
    world.pass_time(61)
    assert await world.app.reconciler.still(world.key) is not None
    world.http.answers["/v1/gate"] = DOUBT
    world.pass_time(61)
    assert await world.app.reconciler.still(world.key) is None


async def test_nobody_is_told_of_a_gateway_that_is_gone(world: OperatorWorld) -> None:
    world.refuses = "it was not reached, or did not take the message"
    world.http.answers["/v1/gate"] = DOUBT
    await looks(world, 900)
    memory = world.app.memories.get(world.key)
    assert memory is not None
    telling = memory.people.telling
    assert isinstance(telling, Notifier)
    world.app.memories.forget(world.key)
    world.refuses = ""
    world.pass_time(3600)
    for _ in range(20):
        telling._woken.set()
        await asyncio.sleep(0)
    assert world.letters == []


async def test_it_ends_when_the_user_asks_for_no_messages(world: OperatorWorld) -> None:
    world.edit(notifications={})
    world.http.answers["/v1/gate"] = DOUBT
    assert await looks(world, 900) == []
    assert world.condition("NotificationsDelivered") == "Unknown NotConfigured"


async def test_no_address_is_in_the_status_an_event_or_a_log(
    world: OperatorWorld, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    world.refuses = "it was not reached, or did not take the message"
    world.http.answers["/v1/gate"] = DOUBT
    await looks(world, 900)
    stored = [str(body) for body in world.api_server.objects.values() if body["kind"] != "Secret"]
    assert any("MessagesUndelivered" in text for text in stored)
    assert "canary" not in "".join(stored) + caplog.text
    assert "canary" not in repr(world.app.memories.get(world.key))
