"""From a valid request to a stored order, or a refusal that says what to do."""

from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from ibgateway_executor.broker.reconciliation import IBKR_DAY
from ibgateway_executor.dispatch.submit import exceeds
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.ledger.sqlite import Entry
from ibgateway_executor.ledger.thread import LedgerThread
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.order import Order, OrderTerms

DEFAULT_VALIDITY: Final = timedelta(hours=24)
"""While the contract's sessions are not known; replaced by the session's end as soon as they are."""


class Acceptance:
    """Stores orders."""

    def __init__(
        self,
        ledger: LedgerThread,
        desk: TradingGate,
        metrics: ExecutorMetrics,
        *,
        clock: Callable[[], datetime],
        new_id: Callable[[], str],
    ) -> None:
        self._ledger = ledger
        self._desk = desk
        self._metrics = metrics
        self._clock = clock
        self._new_id = new_id

    async def accept(self, key: str, body: OrderBody) -> tuple[Order, bool]:
        """The stored order, and whether it is new; committed when this returns.

        OrderRefusedError for a limit, a past validity, an account that may not be traded, or a key
        that belongs to another request.
        """
        now = self._clock()
        entry = self._entry(key, body, now)
        order, new = await self._ledger.call(self._ledger.ledger.accept, entry, now)
        if new:
            self._metrics.accepted()
        return order, new

    def _entry(self, key: str, body: OrderBody, now: datetime) -> Entry:
        terms = body.terms(self._account(body.account))
        order = Order(
            id=self._new_id(),
            sequence=0,
            terms=terms,
            accepted_at=now,
            valid_until=body.valid_until or now + DEFAULT_VALIDITY,
            valid_by_default=body.valid_until is None,
        )
        settings = self._desk.settings
        return Entry(
            key=key,
            hash=body.fingerprint(),
            order=order,
            refusal=self._refusal(terms, body.valid_until, now),
            day_start=_day_start(now),
            day_limit=settings.max_orders_per_day,
        )

    def _account(self, named: str) -> str:
        """The account, or empty while none is known: then it is settled before sending."""
        known = self._desk.accounts()
        return known[0] if not named and len(known) == 1 else named

    def _refusal(
        self, terms: OrderTerms, valid_until: datetime | None, now: datetime
    ) -> OrderRefusedError | None:
        """Why a new order is not taken. A repeated request is answered with its order all the same."""
        known = self._desk.accounts()
        if known and terms.account not in known:
            what = (
                f"account {terms.account} may not be traded here"
                if terms.account
                else ("this gateway has several accounts")
            )
            return OrderRefusedError(
                422, "UnknownAccount", f"{what}: name one of {', '.join(known)} as account"
            )
        if valid_until is not None and valid_until <= now:
            return OrderRefusedError(
                422, "ValidityEnded", f"validUntil is past: it is {now.isoformat()} now"
            )
        limit = self._desk.settings.max_order_value
        price = terms.limit_price
        if limit is not None and price is not None and exceeds(terms, price, Decimal(limit)):
            return OrderRefusedError(
                422,
                "OrderValueLimit",
                f"the order is worth {terms.quantity * price}, above spec.executor.limits.maxOrderValue "
                f"{limit}: make it smaller or raise the limit",
            )
        return None


def _day_start(now: datetime) -> datetime:
    local = now.astimezone(IBKR_DAY)
    return local.replace(hour=0, minute=0, second=0, microsecond=0)
