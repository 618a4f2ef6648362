"""From a valid request to a stored order, or a refusal that says what to do."""

from collections.abc import Callable
from datetime import datetime

from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.idempotency import IdempotencyKey
from ibgateway_executor.intake.replacing import OrderReplacementBody, replacement_refusal
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Entry
from ibgateway_executor.orders.limits import breach, day_start, trading_limits
from ibgateway_executor.orders.market_hours import default_validity
from ibgateway_executor.orders.order import Order, OrderTerms
from ibgateway_runtime.clock import Clock


class Acceptance:
    """Stores orders. `accounts` are those an order may name, empty while none is known; `new_id` makes an
    order's id of its key.
    """

    def __init__(
        self,
        *,
        ledger: Ledger,
        settings: Callable[[], ExecutorSettings],
        accounts: Callable[[], tuple[str, ...]],
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._ledger = ledger
        self._settings = settings
        self._accounts = accounts
        self._clock = clock
        self._new_id = new_id
        self._in_flight: set[str] = set()

    async def accept(
        self, key: IdempotencyKey, body: OrderBody, *, rebalance: str = ""
    ) -> tuple[Order, bool]:
        """The stored order, and whether it is new; committed when this returns. `rebalance`: id of the one that places it.

        OrderRefusedError for a limit, a past validity, an account that may not be traded, or a key
        that belongs to another request or to one that is being stored.
        """
        if key.key in self._in_flight:
            raise OrderRefusedError(
                409,
                "RequestInFlight",
                "a request with this Idempotency-Key is being stored: send it again in a second",
            )
        self._in_flight.add(key.key)
        try:
            name = await self._stored_name(key) if key.quoted else key.key
            entry = self._entry(name, body, self._clock.now(), rebalance)
            return await self._ledger.accept(entry)
        finally:
            self._in_flight.discard(key.key)

    async def replace(
        self, key: IdempotencyKey, old: Order, body: OrderReplacementBody
    ) -> tuple[Order, bool]:
        """The order that takes the place of `old`, stored; whether it is new. It is not sent before `old` has ended.

        OrderRefusedError as `accept`, and where `old` can't be replaced.
        """
        now = self._clock.now()
        order = body.order(old, self._new_id(key.key), now)
        entry = Entry(
            key=key.key,
            hash=body.fingerprint(old.id),
            order=order,
            refusal=replacement_refusal(old, body)
            or self._refusal(order.terms, body.valid_until, now),
            day_start=day_start(now),
            day_limit=self._settings().max_orders_per_day,
        )
        return await self._ledger.accept(entry)

    async def _stored_name(self, key: IdempotencyKey) -> str:
        """What a ledger calls a key that came as a string: earlier versions kept the quotation marks."""
        known = await self._ledger.find(self._new_id(key.field))
        return key.field if known is not None else key.key

    def _entry(self, key: str, body: OrderBody, now: datetime, rebalance: str) -> Entry:
        terms = body.terms(self._account(body.account))
        order = Order(
            id=self._new_id(key),
            sequence=0,
            terms=terms,
            accepted_at=now,
            valid_until=body.valid_until or default_validity(max(now, body.not_before or now)),
            valid_by_default=body.valid_until is None,
            not_before=body.not_before,
            market_closed=str(body.market_closed or ""),
            priority=body.priority,
            client_reference=body.client_reference,
            rebalance=rebalance,
        )
        return Entry(
            key=key,
            hash=body.fingerprint(),
            earlier_hashes=body.earlier_fingerprints,
            order=order,
            refusal=self._refusal(terms, body.valid_until, now),
            day_start=day_start(now),
            day_limit=self._settings().max_orders_per_day,
        )

    def _account(self, named: str) -> str:
        """The account, or empty while none is known: then it is filled in before sending."""
        known = self._accounts()
        return known[0] if not named and len(known) == 1 else named

    def _refusal(
        self, terms: OrderTerms, valid_until: datetime | None, now: datetime
    ) -> OrderRefusedError | None:
        """Why a new order is not taken. A repeated request is answered with its order all the same."""
        known = self._accounts()
        if known and terms.account not in known:
            what = (
                f"account {terms.account} may not be traded here"
                if terms.account
                else "this gateway has several accounts"
            )
            return OrderRefusedError(
                422, "UnknownAccount", f"{what}: name one of {', '.join(known)} as account"
            )
        if valid_until is not None and valid_until <= now:
            return OrderRefusedError(
                422, "ValidityEnded", f"validUntil is past: it is {now.isoformat()} now"
            )
        found = breach(terms, trading_limits(self._settings()), None)
        return None if found is None else OrderRefusedError(422, str(found.reason), found.message)
