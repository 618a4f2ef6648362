"""A question that was under way when IBKR was lost holds nothing up once the link is back."""

import asyncio
from datetime import datetime
from typing import NoReturn

import pytest

from executor_fakes import ConnectionWorld, FakeBroker
from ibgateway_executor.broker.answer_watch import RESTORED_SECONDS, AnswerWatch
from ibgateway_executor.broker.protocol import LinkLost, LinkRestored
from ibgateway_executor.errors import NoAnswerError, RequestRefusedError
from ibgateway_executor.orders.broker_reports import OrderEvent


async def silence() -> NoReturn:
    await asyncio.get_running_loop().create_future()
    raise AssertionError


async def test_an_answer_is_an_answer_and_an_error_an_error() -> None:
    async def refused() -> str:
        raise RequestRefusedError(321, "read-only")

    watch = AnswerWatch()
    assert await watch.answer(asyncio.sleep(0, "here")) == "here"
    with pytest.raises(RequestRefusedError):
        await watch.answer(refused())


async def test_a_restored_link_gives_the_gateway_a_moment_to_answer() -> None:
    loop = asyncio.get_running_loop()
    slept, late = list[float](), loop.create_future()

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        late.set_result("late")
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    watch = AnswerWatch(sleep)
    loop.call_soon(watch.restored)
    assert await watch.answer(late) == "late"
    assert slept == [RESTORED_SECONDS]


async def test_what_is_not_answered_by_then_is_given_up() -> None:
    watch, asked = AnswerWatch(lambda _: asyncio.sleep(0)), asyncio.create_task(silence())
    asyncio.get_running_loop().call_soon(watch.restored)
    with pytest.raises(NoAnswerError, match="IBKR was lost"):
        await watch.answer(asked)
    assert asked.cancelled()


async def test_a_link_that_was_restored_before_the_question_gives_up_nothing() -> None:
    watch = AnswerWatch(lambda _: asyncio.sleep(0))
    watch.restored()
    assert await watch.answer(asyncio.sleep(0.01, "here")) == "here"


class SilentBroker(FakeBroker):
    """Answers nothing more."""

    async def server_time(self) -> datetime:
        await self._silence()

    async def open_orders(self) -> tuple[OrderEvent, ...]:
        await self._silence()

    async def _silence(self) -> NoReturn:
        self.on_executions()
        await silence()


@pytest.mark.parametrize("reconciled", [True, False])
async def test_a_connection_whose_question_was_lost_with_the_link_is_made_anew_at_once(
    gateway: ConnectionWorld, reconciled: bool
) -> None:
    broker, asked = await gateway.connect(), asyncio.Event()
    broker.on_executions = asked.set
    broker.__class__ = SilentBroker
    gateway.time.advance(2)
    if not reconciled:
        gateway.current.request_reconciliation()
    async with asyncio.timeout(20):
        asking = asyncio.create_task(gateway.connection.check())
        await asked.wait()
        gateway.receive(LinkLost("1100"))
        gateway.receive(LinkRestored())
        with pytest.raises(NoAnswerError, match="IBKR was lost"):
            await asking
    assert await gateway.connection.recover_from(NoAnswerError("lost")) == 0.3
    assert broker.closed
    gateway.outcomes.append(FakeBroker(clock=lambda: gateway.time.now))
    await gateway.connection.check()
    await gateway.connection.check()
    assert gateway.state.reconciled
