"""The connection's life: when it is made, what it proves, when it is given up."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ibgateway_api.login import LoginState
from ibgateway_api.reports import SentinelReport
from ibgateway_executor.broker.connection import GatewayConnection, Parts
from ibgateway_executor.broker.protocol import (
    BrokerEvent,
    Disconnected,
    LinkLost,
    LinkRestored,
    Listener,
)
from ibgateway_executor.errors import BrokerError, ClientIdInUseError, NotConnectedError
from ibgateway_executor.ledger.recorder import ReportRecorder
from ibgateway_executor.ledger.sqlite import Entry, open_ledger
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.news import News
from ibgateway_executor.orders.broker_reports import OrderEvent, OrderStatusReport
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
    move,
)

NOON = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)
TERMS = OrderTerms("DU1234567", Contract(265598, "AAPL"), Side.BUY, 10, OrderType.MARKET)


class FakeBroker:
    """Answers with `orders`; `asked` is called at each question for executions."""

    def __init__(self) -> None:
        self.accounts = ("DU1234567",)
        self.next_valid_id = 1
        self.connected = True
        self.closed = False
        self.orders: tuple[OrderEvent, ...] = ()
        self.asked: Any = lambda: None
        self.skew = 0.0

    async def executions(self) -> tuple[OrderEvent, ...]:
        self.asked()
        return ()

    async def completed_orders(self) -> tuple[OrderEvent, ...]:
        return ()

    async def open_orders(self) -> tuple[OrderEvent, ...]:
        return self.orders

    async def server_time(self) -> datetime:
        return NOON - timedelta(seconds=self.skew)

    def close(self) -> None:
        self.connected, self.closed = False, True


class Scene:
    """A link with a broker that a test scripts: each attempt takes the next outcome."""

    def __init__(self, ledger: LedgerThread) -> None:
        self.ledger = ledger
        self.outcomes: list[BrokerError | FakeBroker] = []
        self.attempts = 0
        self.listener: Listener = lambda _: None
        self.news = News(lambda: None)
        metrics = ExecutorMetrics()
        recorder = ReportRecorder(ledger, metrics, lambda: NOON)
        any_connect: Any = self._connect
        self.link = GatewayConnection(
            Parts(any_connect, self.news, ledger, recorder, metrics),
            trusted=lambda proof: True,
            changed=lambda: None,
            clock=lambda: NOON,
        )

    async def _connect(self, listener: Listener) -> FakeBroker:
        self.attempts += 1
        self.listener = listener
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, BrokerError):
            raise outcome
        return outcome

    def hears(self, event: BrokerEvent) -> None:
        self.listener(event)

    def login(self, state: LoginState = LoginState.LOGGED_IN) -> None:
        self.news.tell(SentinelReport(boot="b", sequence=1, at=NOON, state=state, since=NOON))

    async def order(self, name: str, state: OrderState) -> Order:
        """An order that has been sent at noon and is in `state`."""
        ledger = self.ledger.ledger
        fresh = Order(name, 0, TERMS, accepted_at=NOON, valid_until=NOON + timedelta(hours=4))
        await self.ledger.call(ledger.accept, Entry(name, "h", fresh, None, NOON, None), NOON)
        await self.ledger.call(ledger.reserve, name, client_id=17, next_valid_id=1, at=NOON)
        if state is OrderState.SENDING:
            return await self.now(name)
        return await self.ledger.call(ledger.change, name, lambda j: move(j, state), NOON)

    async def now(self, name: str) -> Order:
        found = await self.ledger.call(self.ledger.ledger.find, name)
        assert found is not None
        return found


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    ledger = LedgerThread(open_ledger(tmp_path / "ledger.db"))
    ledger.ledger.stamp("paper")
    yield Scene(ledger)
    ledger.close()


async def connected(scene: Scene) -> FakeBroker:
    broker = FakeBroker()
    scene.outcomes.append(broker)
    scene.login()
    await scene.link._turn()
    await scene.link._turn()
    return broker


async def test_nothing_is_dialled_before_the_sentinel_says_logged_in(scene: Scene) -> None:
    scene.login(LoginState.AWAITING_APPROVAL)
    await scene.link._turn()
    assert scene.attempts == 0


async def test_a_new_connection_is_proven_step_by_step(scene: Scene) -> None:
    broker = FakeBroker()
    scene.outcomes.append(broker)
    scene.login()
    await scene.link._turn()
    assert (scene.link.proof.connected, scene.link.proof.reconciled) == (True, False)
    assert scene.link.proof.skew == -0.5
    await scene.link._turn()
    assert scene.link.proof.reconciled
    assert scene.link.proof.ledger_accounts == ("DU1234567",)


async def test_a_refused_connection_is_tried_again_soon(scene: Scene) -> None:
    assert await scene.link._failed(NotConnectedError("refused")) == 0.3


async def test_a_client_id_in_use_is_tried_again_later_and_later(scene: Scene) -> None:
    error = ClientIdInUseError("17")
    assert [await scene.link._failed(error) for _ in range(6)] == [2, 4, 8, 16, 30, 30]
    await connected(scene)
    assert await scene.link._failed(error) == 2


async def test_a_lost_link_takes_the_proof_away_until_the_broker_was_asked_again(
    scene: Scene,
) -> None:
    broker = await connected(scene)
    questions: list[int] = []
    broker.asked = lambda: questions.append(1)
    scene.hears(LinkLost("1100: lost"))
    assert (scene.link.proof.link_lost, scene.link.proof.reconciled) == (True, False)
    await scene.link._turn()
    assert questions == []
    scene.hears(LinkRestored())
    assert (scene.link.proof.link_lost, scene.link.proof.reconciled) == (False, False)
    await scene.link._turn()
    assert (len(questions), scene.link.proof.reconciled) == (2, True)


async def test_a_restore_that_was_missed_ends_in_a_new_connection(scene: Scene) -> None:
    broker = await connected(scene)
    scene.hears(LinkLost("1100: lost"))
    scene.login(LoginState.CONNECTION_LOST)
    await scene.link._turn()
    assert not broker.closed
    scene.login()
    scene.link._lost_at -= 6
    await scene.link._turn()
    assert broker.closed


async def test_what_was_being_sent_when_the_connection_ended_is_unknown(scene: Scene) -> None:
    broker = await connected(scene)
    await scene.order("a", OrderState.SENDING)
    scene.hears(Disconnected("reset by peer"))
    broker.connected = False
    scene.login(LoginState.STARTING)
    await scene.link._turn()
    after = await scene.now("a")
    assert (after.state, after.reason) == (OrderState.UNKNOWN, "ConnectionLost")
    assert not scene.link.proof.connected


async def test_an_order_sent_while_the_broker_was_being_asked_is_not_called_lost(
    scene: Scene,
) -> None:
    broker = await connected(scene)
    await scene.order("lost", OrderState.UNKNOWN)
    tasks: list[asyncio.Task[Order]] = []

    def asked() -> None:
        if not tasks:
            tasks.append(asyncio.create_task(scene.order("new", OrderState.WORKING)))

    broker.asked = asked
    await scene.link._reconcile(broker)  # type: ignore[arg-type]  # a broker in memory
    await tasks[0]
    assert (await scene.now("lost")).reason == "NotFoundAtBroker"
    assert (await scene.now("new")).state is OrderState.WORKING


async def test_a_found_order_is_adopted_while_reconciling(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    broker = FakeBroker()
    lost = await scene.order("lost", OrderState.UNKNOWN)
    seen = OrderStatusReport(lost.order_id, 17, 900, "Submitted", order_ref="ibg-lost")
    broker.orders = (replace(seen, filled=Decimal(4)),)
    scene.outcomes.append(broker)
    scene.login()
    with caplog.at_level(logging.INFO):
        await scene.link._turn()
        await scene.link._turn()
    after = await scene.now("lost")
    assert (after.state, after.perm_id, after.filled) == (OrderState.WORKING, 900, Decimal(4))
    assert scene.link.proof.reconciled
    assert "order lost is Working (4 of 10 filled)" in caplog.text
