"""What may be concluded from the broker's answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from executor_fakes import FakeBroker, ManualClock
from ibgateway_executor.broker.reconciliation import AnswerIndex, OrderWatch, ask, conclude
from ibgateway_executor.errors import NoAnswerError
from ibgateway_executor.orders.broker_reports import OrderEvent, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, OrderState, OrderTerms, OrderType, Side

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TERMS = OrderTerms("DU1234567", Contract(265598, "AAPL"), Side.BUY, 10, OrderType.MARKET)
LOST = Order(
    "a1",
    1,
    TERMS,
    accepted_at=NOON,
    valid_until=NOON,
    state=OrderState.UNKNOWN,
    reason="ConnectionLost",
    client_id=17,
    order_id=5,
    sent_at=NOON,
)
FOUND = OrderStatusReport(5, 17, 900, "Submitted", order_ref="ibg-a1")
FOREIGN = OrderStatusReport(5, 17, 901, "Submitted", order_ref="by-hand")


@pytest.mark.parametrize(
    ("order", "answer", "hours", "state", "reason"),
    [
        pytest.param(
            LOST, (FOUND,), 0, "Unknown", "ConnectionLost", id="found: left to the report"
        ),
        pytest.param(LOST, (), 0, "Unknown", "NotFoundAtBroker", id="not found: parked"),
        pytest.param(LOST, (FOREIGN,), 0, "Unknown", "NotFoundAtBroker", id="another's order"),
        pytest.param(LOST, (), 11, "Unknown", "NotFoundAtBroker", id="late the same day"),
        pytest.param(LOST, (), 12, "Unverified", "NotFoundAtBroker", id="after midnight"),
        pytest.param(
            replace(LOST, state=OrderState.WORKING, reason="", perm_id=900),
            (),
            0,
            "Unknown",
            "NotFoundAtBroker",
            id="a working order vanished",
        ),
        pytest.param(
            replace(LOST, state=OrderState.WORKING, reason="", perm_id=900),
            (OrderStatusReport(0, 0, 900, "Filled"),),
            0,
            "Working",
            "",
            id="known by its permanent id",
        ),
        pytest.param(
            replace(LOST, state=OrderState.SENDING, reason=""),
            (),
            0,
            "Sending",
            "",
            id="its acknowledgement is still awaited",
        ),
        pytest.param(
            replace(LOST, state=OrderState.WAITING, reason="NoNews", order_id=0, sent_at=None),
            (),
            0,
            "Waiting",
            "NoNews",
            id="never sent",
        ),
    ],
)
def test_nothing_is_concluded_but_what_is_known(
    order: Order, answer: tuple[OrderEvent, ...], hours: int, state: str, reason: str
) -> None:
    after = conclude(
        order, shown=AnswerIndex(answer).shows(order), now=NOON + timedelta(hours=hours), gone=True
    )
    assert (after.state, after.reason) == (OrderState(state), reason)


class Naps:
    """Sleeps that take no time."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)


@pytest.mark.parametrize(
    ("rounds", "found", "pause"),
    [
        pytest.param([(FOUND,), (FOUND,)], True, 0.05, id="shown twice"),
        pytest.param([(FOUND,), ()], True, 0.05, id="shown once and then not"),
        pytest.param([(), (FOUND,)], True, 2.0, id="the broker was quiet for a moment"),
        pytest.param([(), ()], False, 2.0, id="missing"),
        pytest.param([(FOREIGN,), (FOREIGN,)], False, 2.0, id="another's order"),
    ],
)
async def test_an_order_is_missing_only_when_two_rounds_apart_in_time_show_nothing(
    rounds: list[tuple[OrderEvent, ...]], found: bool, pause: float
) -> None:
    broker, naps = FakeBroker(rounds=rounds), Naps()
    answer = await ask(broker, [LOST], naps)
    assert AnswerIndex(answer).shows(LOST) is found
    assert (broker.asked, naps.taken) == (2, [pause])


async def test_an_order_that_fills_in_small_lots_is_answered_about_at_once() -> None:
    lots: list[tuple[OrderEvent, ...]] = [(replace(FOUND, filled=Decimal(n)),) for n in range(20)]
    broker = FakeBroker(rounds=lots)
    answer = await ask(broker, [LOST], Naps())
    assert AnswerIndex(answer).shows(LOST)
    assert broker.asked == 2


async def test_an_unanswered_question_is_no_answer() -> None:
    broker = FakeBroker(rounds=[(FOUND,)])

    def silent() -> None:
        raise NoAnswerError("no answer to executions in time")

    broker.on_executions = silent
    with pytest.raises(NoAnswerError):
        await ask(broker, [LOST], Naps())


def test_a_moments_silence_never_gives_up_an_order_of_an_earlier_day() -> None:
    gtc = replace(LOST, state=OrderState.WORKING, reason="", perm_id=900)
    after = conclude(gtc, shown=False, now=NOON + timedelta(days=3), gone=False)
    assert (after.state, after.reason) == (OrderState.UNKNOWN, "NotFoundAtBroker")
    assert conclude(after, shown=False, now=NOON + timedelta(days=3), gone=False) == after
    given_up = conclude(after, shown=False, now=NOON + timedelta(days=3), gone=True)
    assert given_up.state is OrderState.UNVERIFIED


def test_an_order_is_gone_after_three_looks_and_two_minutes_without_a_sight_of_it() -> None:
    time = ManualClock()
    watch = OrderWatch(time.clock)
    gone = []
    for seconds, missing in [(0, True), (1, True), (1, True), (119, True)]:
        time.advance(seconds)
        watch.looked([LOST] if missing else [])
        gone.append(watch.gone(LOST))
    assert gone == [False, False, False, True]
    watch.looked([])
    time.advance(500)
    watch.looked([LOST])
    assert not watch.gone(LOST)
