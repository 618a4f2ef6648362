"""Answers that come too late, and positions that are no numbers: nothing that is not known counts as nothing held."""

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from ibgateway_executor.broker import ib
from ibgateway_executor.broker.ib.translation import position
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.protocol import BrokerEvent, Disconnected
from ibgateway_executor.errors import (
    AccountUnavailableError,
    NoAnswerError,
    RequestRefusedError,
)

DU = "DU1234567"
NO_NUMBERS = [float("nan"), float("inf"), float("-inf"), 1.7976931348623157e308]


class MuteClient:
    """Writes nothing. A question for the positions sets `asked` and calls `answer`."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.answer: Callable[[], None] = lambda: None

    def reqPositions(self) -> None:  # noqa: N802 - the library's name
        self.asked.set()
        self.answer()

    def __getattr__(self, _: str) -> Callable[..., None]:
        return lambda *_, **__: None


class Wire:
    """A connection over which a test answers; `patience` is how many seconds a question has."""

    def __init__(self, patience: float = 60.0) -> None:
        self.heard: list[BrokerEvent] = []
        self.broker = ib.IbBroker(
            ib.GatewayAddress("127.0.0.1", 1, 17),
            self.heard.append,
            MessagePacer(time.monotonic),
            ib.RequestLimits(answer=patience),
        )
        self.client = MuteClient()
        self.broker._client = self.client
        self.broker._ready = True

    def tell(self, name: str, *args: Any) -> None:
        self.broker._on_callback(name, args)

    def holds(self, con_id: int, shares: float) -> None:
        self.tell("position", DU, contract(con_id), shares, 1.0)

    async def asked(self) -> asyncio.Task[dict[int, int]]:
        """A question for the positions that has been written."""
        task = asyncio.create_task(self._held())
        self.client.asked.clear()
        await self.client.asked.wait()
        return task

    async def _held(self) -> dict[int, int]:
        return {row.contract.con_id: int(row.quantity) for row in await self.broker.positions()}

    async def give_up(self, question: asyncio.Task[dict[int, int]]) -> None:
        """Nobody waits for the answer any more."""
        question.cancel()
        await asyncio.gather(question, return_exceptions=True)


def contract(con_id: int) -> SimpleNamespace:
    return SimpleNamespace(
        conId=con_id,
        symbol=f"S{con_id}",
        secType="STK",
        currency="USD",
        exchange="ARCA",
        primaryExchange="",
        multiplier="",
    )


@pytest.mark.parametrize("shares", NO_NUMBERS)
def test_a_position_that_is_no_number_is_not_a_position_of_none(shares: float) -> None:
    with pytest.raises(AccountUnavailableError, match=f"how much {DU} holds of S1"):
        position(DU, contract(1), shares, 1.0)
    assert position(DU, contract(1), 0.0, shares).quantity == 0


async def test_where_one_position_is_no_number_none_is_known() -> None:
    wire = Wire()
    question = await wire.asked()
    wire.holds(1, 10)
    wire.holds(2, float("nan"))
    wire.tell("positionEnd")
    with pytest.raises(AccountUnavailableError):
        await question
    again = await wire.asked()
    wire.holds(1, 10)
    wire.tell("positionEnd")
    assert await again == {1: 10}


async def test_the_end_of_an_answer_that_came_too_late_does_not_end_the_next_one() -> None:
    """Else what was not told yet would count as not held: a rebalance would buy it again."""
    wire = Wire()
    await wire.give_up(await wire.asked())
    question = await wire.asked()
    wire.holds(1, 10)
    wire.holds(3, 30)
    wire.tell("positionEnd")
    await asyncio.sleep(0)
    assert not question.done()
    wire.holds(1, 7)
    wire.holds(2, 20)
    wire.tell("positionEnd")
    assert await question == {1: 7, 2: 20}
    after = await wire.asked()
    wire.tell("positionEnd")
    assert await after == {}


async def test_each_question_that_was_given_up_has_its_late_end() -> None:
    wire = Wire()
    for _ in range(2):
        await wire.give_up(await wire.asked())
    wire.tell("positionEnd")
    question = await wire.asked()
    wire.tell("positionEnd")
    wire.holds(1, 10)
    wire.tell("positionEnd")
    assert await question == {1: 10}


async def test_where_it_can_not_be_told_whose_end_came_the_connection_is_given_up() -> None:
    """The gateway may have dropped the first question: then the end that was dropped was the second one's."""
    wire = Wire(patience=0.01)
    with pytest.raises(NoAnswerError):
        await wire.broker.positions()
    wire.client.answer = lambda: wire.tell("positionEnd")
    with pytest.raises(NoAnswerError):
        await wire.broker.positions()
    assert wire.heard == [Disconnected("the answers to positions can't be told apart any more")]
    assert not wire.broker.connected


async def test_a_question_that_is_not_answered_at_all_ends_no_connection() -> None:
    wire = Wire(patience=0.01)
    for _ in range(3):
        with pytest.raises(NoAnswerError):
            await wire.broker.positions()
    assert (wire.heard, wire.broker.connected) == ([], True)


async def test_a_question_that_was_refused_has_no_end_that_could_come_late() -> None:
    wire = Wire()
    question = await wire.asked()
    wire.tell("error", -1, 321, "the API is read-only", "", None)
    with pytest.raises(RequestRefusedError):
        await question
    again = await wire.asked()
    wire.holds(1, 10)
    wire.tell("positionEnd")
    assert await again == {1: 10}
