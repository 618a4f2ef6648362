"""How fast messages leave."""

import asyncio
import itertools

from executor_fakes import ManualClock
from ibgateway_executor.broker.pacing import MessageKind, MessagePacer


class Traffic:
    """Messages with the moments at which they left; time passes only while somebody waits for room."""

    def __init__(self) -> None:
        self.time = ManualClock()
        self.left: list[float] = []
        self.pacer = MessagePacer(self.time.clock.monotonic, self._pass)

    async def send(self, kind: MessageKind) -> None:
        await self.pacer.turn(kind)
        self.left.append(self.time.seconds)

    async def _pass(self, seconds: float) -> None:
        self.time.advance(seconds)

    def most_in_a_second(self) -> int:
        return max(sum(at <= t < at + 1 for t in self.left) for at in self.left)


async def test_a_crowd_of_lookups_and_questions_stays_below_the_rule() -> None:
    traffic = Traffic()
    await asyncio.gather(*(traffic.send(MessageKind.LOOKUP) for _ in range(300)))
    await asyncio.gather(*(traffic.send(MessageKind.QUESTION) for _ in range(50)))
    assert len(traffic.left) == 350
    assert traffic.most_in_a_second() == 25
    assert sum(kind.value for kind in MessageKind) == 45


async def test_an_order_never_waits_behind_lookups() -> None:
    traffic = Traffic()
    for _ in range(15):
        await traffic.send(MessageKind.LOOKUP)
    assert not traffic.pacer.room(MessageKind.LOOKUP)
    assert traffic.pacer.room(MessageKind.ORDER)
    for _ in range(20):
        assert traffic.pacer.room(MessageKind.ORDER)
        traffic.pacer.count(MessageKind.ORDER)
    assert not traffic.pacer.room(MessageKind.ORDER)
    traffic.time.advance(1)
    assert traffic.pacer.room(MessageKind.ORDER)


async def orders(traffic: Traffic, number: int) -> None:
    """So many orders as soon as there is room."""
    for _ in range(number):
        while (pause := traffic.pacer.pause(MessageKind.ORDER)) > 0:
            traffic.time.advance(pause)
            await asyncio.sleep(0)
        traffic.pacer.count(MessageKind.ORDER)
        traffic.left.append(traffic.time.seconds)


async def test_orders_have_what_the_others_leave_evenly_spaced() -> None:
    traffic = Traffic()
    at = traffic.time.seconds
    await orders(traffic, 200)
    assert 200 / 45 - 1 < traffic.time.seconds - at < 200 / 45
    assert traffic.most_in_a_second() == 45
    apart = [round(b - a, 3) for a, b in itertools.pairwise(traffic.left[20:])]
    assert min(apart) == 0.022


async def test_an_order_that_leaves_late_does_not_make_the_later_ones_late() -> None:
    traffic = Traffic()
    await orders(traffic, 20)
    traffic.time.advance(1)
    at, number = traffic.time.seconds, len(traffic.left)
    for late in itertools.islice(itertools.cycle((0.004, 0.018, 0.009)), 450):
        traffic.time.advance(traffic.pacer.pause(MessageKind.ORDER))
        traffic.time.advance(late)
        traffic.pacer.count(MessageKind.ORDER)
        traffic.left.append(traffic.time.seconds)
    assert 9.4 < traffic.time.seconds - at < 10.2, (
        "14 s where each waits from when the last one left"
    )
    assert traffic.most_in_a_second() == 45
    borrowed = traffic.left[number + 20 :]
    assert max(sum(at <= t < at + 0.1 for t in borrowed) for at in borrowed) <= 6


async def test_who_was_late_for_long_makes_up_for_one_message_only() -> None:
    traffic = Traffic()
    await orders(traffic, 30)
    traffic.time.advance(0.3)
    await orders(traffic, 3)
    apart = [round(b - a, 3) for a, b in itertools.pairwise(traffic.left[-3:])]
    assert apart == [0.0, 0.022]


async def test_nothing_is_lent_while_others_wait_and_they_wait_a_second_at_most() -> None:
    traffic = Traffic()
    await orders(traffic, 200)
    looked = asyncio.Event()

    async def sleep(seconds: float) -> None:
        end = traffic.time.seconds + seconds
        while traffic.time.seconds < end:  # noqa: ASYNC110 - time passes when the test says so
            await asyncio.sleep(0)

    traffic.pacer._sleep = sleep

    async def look_up() -> None:
        for _ in range(15):
            await traffic.send(MessageKind.LOOKUP)
        looked.set()

    asking = asyncio.create_task(look_up())
    await asyncio.sleep(0)
    steps = 0
    while not looked.is_set():
        steps += 1
        traffic.time.advance(0.01)
        if traffic.pacer.room(MessageKind.ORDER):
            await orders(traffic, 1)
        await asyncio.sleep(0)
    assert steps <= 40, "0.4 s; 0.45 where orders go on borrowing"
    await asking
    assert traffic.most_in_a_second() <= 45


async def test_an_error_100_halves_the_rate_and_a_minute_without_one_restores_it() -> None:
    traffic = Traffic()
    traffic.pacer.too_fast()
    await asyncio.gather(*(traffic.send(MessageKind.LOOKUP) for _ in range(60)))
    assert traffic.most_in_a_second() == 7
    traffic.pacer.too_fast()
    for _ in range(5):
        assert traffic.pacer.room(MessageKind.ORDER)
        traffic.pacer.count(MessageKind.ORDER)
    assert not traffic.pacer.room(MessageKind.ORDER)
    traffic.time.advance(60)
    traffic.left.clear()
    await asyncio.gather(*(traffic.send(MessageKind.LOOKUP) for _ in range(60)))
    assert traffic.most_in_a_second() == 15


async def test_after_an_error_100_orders_have_their_share_alone() -> None:
    traffic = Traffic()
    traffic.pacer.too_fast()
    for _ in range(10):
        assert traffic.pacer.room(MessageKind.ORDER)
        traffic.pacer.count(MessageKind.ORDER)
    traffic.time.advance(0.5)
    assert not traffic.pacer.room(MessageKind.ORDER)
    traffic.time.advance(0.5)
    assert traffic.pacer.room(MessageKind.ORDER)


async def test_who_waits_for_a_share_of_ones_own_keeps_nobody_from_borrowing() -> None:
    traffic = Traffic()
    for _ in range(15):
        await traffic.send(MessageKind.LOOKUP)
    traffic.pacer._sleep = lambda _: asyncio.Event().wait()  # type: ignore[assignment, return-value]
    waiting = asyncio.create_task(traffic.send(MessageKind.LOOKUP))
    await asyncio.sleep(0)
    for _ in range(20):
        traffic.pacer.count(MessageKind.ORDER)
    traffic.time.advance(0.05)
    assert traffic.pacer.room(MessageKind.ORDER)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)


async def test_what_was_not_lent_for_a_while_is_lent_again() -> None:
    traffic = Traffic()
    await orders(traffic, 45)
    await traffic.send(MessageKind.LOOKUP)
    assert traffic.most_in_a_second() == 45, "the lookup had to wait for the orders"
    await orders(traffic, 200)
    assert traffic.most_in_a_second() == 45
    apart = [b - a for a, b in itertools.pairwise(traffic.left[-100:])]
    assert max(apart) < 0.1


async def test_no_number_of_errors_100_stops_everything() -> None:
    traffic = Traffic()
    for _ in range(10):
        traffic.pacer.too_fast()
    for kind, most in ((MessageKind.ORDER, 2), (MessageKind.LOOKUP, 1)):
        for _ in range(most):
            assert traffic.pacer.room(kind)
            traffic.pacer.count(kind)
        assert not traffic.pacer.room(kind)
    await asyncio.gather(*(traffic.send(MessageKind.QUESTION) for _ in range(5)))
    assert traffic.most_in_a_second() == 1
    assert traffic.left[-1] - traffic.left[0] == 4
