"""Ledgers that are full already, for benches."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import insert

from bench_stores import BenchLedger
from ibgateway_api.order_ids import order_uid
from ibgateway_executor.ledger import tables
from ibgateway_executor.ledger.rows import row_of
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
)

SYMBOLS: Final = ("AAPL", "MSFT", "IBM", "NVDA", "AMZN", "TSLA", "SPY", "QQQ", "VOO", "BND")
ACCOUNT: Final = "DU1234567"
ROWS_AT_ONCE: Final = 5000


def fill_ledger(ledger: BenchLedger, *, finished: int, waiting: int) -> None:
    """A paper ledger with filled orders of the last ten days and others that wait for a login."""
    ledger.make()
    rows = _rows(finished, waiting)
    with contextlib.closing(ledger.opened()) as store, store._database.writing() as connection:
        while batch := [row for _, row in zip(range(ROWS_AT_ONCE), rows, strict=False)]:
            connection.execute(insert(tables.orders), batch)


def _rows(finished: int, waiting: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC)
    for number in range(finished + waiting):
        old = number < finished
        at = now - timedelta(days=10) * (1 - number / max(finished, 1)) if old else now
        order = _finished(number, at) if old else _waiting(number, at)
        yield row_of(order, at) | {"idempotency_key": f"filled-{number}", "request_hash": "h"}


def _waiting(number: int, at: datetime) -> Order:
    contract = Contract(symbol=SYMBOLS[number % len(SYMBOLS)])
    return Order(
        id=order_uid(f"filled-{number}", gateway="paper", namespace="trading"),
        sequence=0,
        terms=OrderTerms(ACCOUNT, contract, Side.BUY, 10, OrderType.MARKET),
        accepted_at=at,
        valid_until=at + timedelta(days=1),
        valid_by_default=True,
        state=OrderState.WAITING,
        reason="AwaitingApproval",
        message="a push waits",
    )


def _finished(number: int, at: datetime) -> Order:
    contract = Contract(con_id=265598, symbol="AAPL", primary_exchange="NASDAQ")
    return Order(
        id=order_uid(f"filled-{number}", gateway="paper", namespace="trading"),
        sequence=0,
        terms=OrderTerms(ACCOUNT, contract, Side.BUY, 10, OrderType.MARKET),
        accepted_at=at,
        valid_until=at + timedelta(days=1),
        state=OrderState.FILLED,
        client_id=17,
        order_id=number + 1,
        perm_id=10**6 + number,
        sent_at=at,
        filled=Decimal(10),
        average_price=Decimal("190.01"),
    )
