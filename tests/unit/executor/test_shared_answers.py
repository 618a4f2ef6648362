"""Two who ask at once what has no id on the wire: one question, one answer for both, and the connection stands."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ibgateway_executor.broker import ib
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.errors import NoAnswerError, NotConnectedError


class CountingClient:
    """Writes nothing and counts what it was to write."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.asked = asyncio.Event()

    def __getattr__(self, name: str) -> Callable[..., None]:
        def write(*_: Any, **__: Any) -> None:
            self.written.append(name)
            self.asked.set()

        return write


def connected(patience: float = 60.0) -> tuple[ib.IbBroker, CountingClient]:
    limits = ib.RequestLimits(answer=patience, ping=patience)
    address = ib.GatewayAddress("127.0.0.1", 1, 17)
    broker = ib.IbBroker(address, lambda _: None, MessagePacer(time.monotonic), limits)
    client = CountingClient()
    broker._client, broker._ready = client, True
    return broker, client


Ask = Callable[[ib.IbBroker], Awaitable[Any]]
QUESTIONS = [
    pytest.param(
        lambda b: b.completed_orders(),
        "reqCompletedOrders",
        ("completedOrdersEnd",),
        id="completed",
    ),
    pytest.param(
        lambda b: b.server_time(), "reqCurrentTime", ("currentTime", 1_795_000_000), id="clock"
    ),
]


@pytest.mark.parametrize(("ask", "request_name", "answer"), QUESTIONS)
async def test_both_have_the_answer_of_one_question(
    ask: Ask, request_name: str, answer: tuple[Any, ...]
) -> None:
    broker, client = connected()
    both = [asyncio.ensure_future(ask(broker)) for _ in range(2)]
    await client.asked.wait()
    await asyncio.sleep(0)
    assert client.written == [request_name]
    broker._on_callback(answer[0], answer[1:])
    first, second = await asyncio.gather(*both)
    assert (first == second, broker.connected) == (True, True)


@pytest.mark.parametrize(("ask", "request_name", "answer"), QUESTIONS)
async def test_who_gives_up_takes_the_question_from_nobody(
    ask: Ask, request_name: str, answer: tuple[Any, ...]
) -> None:
    broker, client = connected()
    gone, patient = (asyncio.ensure_future(ask(broker)) for _ in range(2))
    await client.asked.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    broker._on_callback(answer[0], answer[1:])
    await patient
    assert client.written == [request_name]


async def test_a_question_that_nobody_waits_for_is_over_and_the_next_one_is_asked_anew() -> None:
    broker, client = connected()
    gone = asyncio.ensure_future(broker.completed_orders())
    await client.asked.wait()
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    client.asked.clear()
    again = asyncio.ensure_future(broker.completed_orders())
    await client.asked.wait()
    broker._on_callback("completedOrdersEnd", ())
    await asyncio.sleep(0)
    assert not again.done(), "that end was the first question's"
    broker._on_callback("completedOrdersEnd", ())
    assert await again == ()


async def test_what_the_question_fails_with_both_are_told() -> None:
    broker, client = connected(patience=0.01)
    both = await asyncio.gather(broker.server_time(), broker.server_time(), return_exceptions=True)
    assert [type(each) for each in both] == [NoAnswerError, NoAnswerError]
    client.asked.clear()
    lost = asyncio.ensure_future(broker.server_time())
    await client.asked.wait()
    broker._on_callback("connectionClosed", ())
    with pytest.raises(NotConnectedError):
        await lost
