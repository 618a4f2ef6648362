"""Rows as the executor writes them, in any number."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

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

LANES = 200
TERMS = OrderTerms("", Contract(symbol="AAPL"), Side.BUY, 10, OrderType.LIMIT, Decimal("190.25"))


def rows(names: Iterator[str], *, waiting: bool, now: datetime) -> Iterator[dict[str, Any]]:
    """A row for each name: an order that waits for the gate, or one that was filled yesterday."""
    for number, name in enumerate(names):
        contract = Contract(1000 + number % LANES, f"S{number % LANES}")
        order = Order(
            order_uid(name, gateway="paper", namespace="trading"),
            0,
            replace(TERMS, contract=contract),
            accepted_at=now if waiting else now - timedelta(days=2),
            valid_until=now + timedelta(days=30),
            state=OrderState.WAITING if waiting else OrderState.FILLED,
            reason="NoNews" if waiting else "",
            client_id=0 if waiting else 17,
            order_id=0 if waiting else number + 1,
            perm_id=0 if waiting else 10_000_000 + number,
            sent_at=None if waiting else now - timedelta(days=2),
            filled=Decimal(0 if waiting else 10),
            average_price=None if waiting else Decimal("190.25"),
        )
        yield {**row_of(order, now), "idempotency_key": name, "request_hash": f"2:{order.id:>064}"}


def fill(ledger: BenchLedger, count: int, *, waiting: bool, now: datetime) -> None:
    """A paper ledger of `count` orders."""
    ledger.make()
    store = ledger.opened()
    names = (f"stored-{number}" for number in range(count))
    with store._database.writing() as connection:
        made = rows(names, waiting=waiting, now=now)
        while some := list(islice(made, 1000)):
            connection.execute(insert(tables.orders), some)
    store.close()
