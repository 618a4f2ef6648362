"""What may be concluded from the broker's answers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from executor_fakes import FakeBroker
from ibgateway_executor.broker.reconciliation import ask, conclude
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
    after = conclude(order, answer, NOON + timedelta(hours=hours))
    assert (after.state, after.reason) == (OrderState(state), reason)


async def test_two_equal_answers_are_needed() -> None:
    broker = FakeBroker(rounds=[(), (FOUND,), (FOUND,)])
    assert await ask(broker, [LOST]) == (FOUND,)
    assert broker.asked == 3


async def test_changes_of_other_peoples_orders_do_not_matter() -> None:
    broker = FakeBroker(rounds=[(FOREIGN,), (replace(FOREIGN, status="Filled"),)])
    await ask(broker, [LOST])
    assert broker.asked == 2


async def test_answers_that_never_agree_are_no_answer() -> None:
    changing: list[tuple[OrderEvent, ...]] = [(replace(FOUND, perm_id=n),) for n in range(20)]
    with pytest.raises(NoAnswerError, match="kept changing"):
        await ask(FakeBroker(rounds=changing), [LOST])
