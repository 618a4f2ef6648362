"""Limits on single orders, held against the settings, prices and positions of now. What is not known fails closed."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Final

from ibgateway_api.executor_spec import ResendPolicy
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.positions import FRESH_SECONDS, RECENT_SECONDS, AccountPositions
from ibgateway_executor.broker.prices import Prices
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.limits import (
    LimitBreach,
    breach,
    never_short,
    refuse,
    short_sale,
    trading_limits,
)
from ibgateway_executor.orders.order import Order, OrderReason, Side
from ibgateway_executor.orders.queue import Waiting

COMMIT_SECONDS: Final = 1.0
"""So long the commit between the check and the last look may take."""


@dataclass(frozen=True)
class _Missing:
    """A price, a position or a symbol is not known."""

    reason: OrderReason


class LimitCheck:
    """Rejects what is above a limit; has the broker asked where that can't be told yet."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        settings: Callable[[], ExecutorSettings],
        prices: Prices,
        positions: AccountPositions,
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._settings = settings
        self._prices = prices
        self._positions = positions
        self._held: set[int] = set()

    def put(self, number: int) -> None:
        """The order has changed, or has ended: it is looked at anew, if at all."""
        self._held.discard(number)

    def wait(self, order: Order) -> Waiting | None:
        """What an order waits for that `allows` has said no to, while there is no need to look again."""
        if order.sequence not in self._held:
            return None
        found = self._verdict(order)
        if isinstance(found, _Missing) and self._awaited(order, found):
            return self._missing(order, found)
        if isinstance(found, LimitBreach) and found.reason is OrderReason.POSITION_TOO_SMALL:
            return Waiting(found.reason, found.message)
        self._held.discard(order.sequence)
        return None

    async def allows(self, order: Order) -> bool:
        """Whether the order may be sent. One above a limit is refused in the ledger; else it waits."""
        found = self._verdict(order)
        if found is None:
            return True
        if isinstance(found, LimitBreach) and found.reason is not OrderReason.POSITION_TOO_SMALL:
            await self._ledger.advance(order.id, partial(refuse, found=found))
            return False
        if isinstance(found, _Missing):
            self._ask(order, found)
        self._held.add(order.sequence)
        return False

    def obstacle(self, order: Order) -> Waiting | None:
        """What forbids the order at the last moment."""
        found = self._verdict(order, spare=COMMIT_SECONDS)
        if found is None:
            return None
        text = found.message if isinstance(found, LimitBreach) else "what was known became too old"
        return Waiting(found.reason, text)

    def learn(self, order: Order) -> None:
        """Have the broker asked for what is missing to check the order."""
        found = self._verdict(order)
        if isinstance(found, _Missing) and not self._awaited(order, found):
            self._ask(order, found)

    def position(self, order: Order) -> Decimal | None:
        """What the account holds of the order's contract now, where lost orders may be sent again; None where it is not known."""
        if self._settings().resend is not ResendPolicy.PROVEN:
            return None
        account, con_id = order.terms.account, order.terms.contract.con_id
        held, broker = self._positions.held(account, con_id), self._connection.broker
        if held is None and broker is not None:
            self._positions.refresh(broker, account, con_id)
        return held

    def _verdict(self, order: Order, *, spare: float = 0.0) -> LimitBreach | _Missing | None:
        """`spare`: by so many seconds what a rebalance sells may be known for longer."""
        limits, terms = trading_limits(self._settings()), order.terms
        if limits.symbols and not terms.contract.symbol:
            return _Missing(OrderReason.CONTRACT_UNRESOLVED)
        needed = limits.needs_price(terms)
        price = self._prices.price(terms.contract) if needed else None
        if (found := breach(terms, limits, price)) is not None:
            return found
        if needed and price is None:
            return _Missing(OrderReason.NO_PRICE)
        selling = never_short(order, limits)
        recent = selling and order.rebalance
        within = RECENT_SECONDS + spare if recent else FRESH_SECONDS
        held = self._positions.held(terms.account, terms.contract.con_id, within=within)
        if not selling:
            return _Missing(OrderReason.POSITION_UNKNOWN) if self._noted(held) else None
        if held is None:
            return _Missing(OrderReason.POSITION_UNKNOWN)
        return short_sale(order, held, self._ledger.active.beside(order))

    def _noted(self, held: Decimal | None) -> bool:
        """Whether the position is asked for only to be noted with the order; one that is not told holds up nothing."""
        if held is not None or self._settings().resend is not ResendPolicy.PROVEN:
            return False
        return not self._positions.failure()

    def _ask(self, order: Order, missing: _Missing) -> None:
        """Of the contract `Preparation` has the broker asked."""
        broker = self._connection.broker
        if broker is None or missing.reason is OrderReason.CONTRACT_UNRESOLVED:
            return
        if missing.reason is OrderReason.NO_PRICE:
            self._prices.refresh(broker, order.terms.contract)
        else:
            terms = order.terms
            self._positions.refresh(broker, terms.account, terms.contract.con_id)

    def _awaited(self, order: Order, missing: _Missing) -> bool:
        if missing.reason is OrderReason.CONTRACT_UNRESOLVED:
            return True
        if missing.reason is OrderReason.NO_PRICE:
            return self._prices.awaited(order.terms.contract)
        return self._positions.awaited(order.terms.account, order.terms.contract.con_id)

    def _missing(self, order: Order, missing: _Missing) -> Waiting:
        if missing.reason is OrderReason.CONTRACT_UNRESOLVED:
            return _no_symbol(order)
        if missing.reason is OrderReason.NO_PRICE:
            return self._no_price(order)
        detail = self._positions.failure()
        text = (
            f"a sale needs the position of {order.terms.account}: {detail or 'the broker is being asked'}. It is asked "
            "again"
        )
        if not order.rebalance:
            text = f"{text}; spec.executor.limits.shortSelling does without"
        return Waiting(missing.reason, text, brief=not detail)

    def _no_price(self, order: Order) -> Waiting:
        contract = order.terms.contract
        detail = self._prices.failure(contract)
        advice = "subscribe to market data, or remove the limit"
        if order.terms.side is Side.BUY:
            advice = f"use a limit order, {advice}"
        text = (
            f"the order needs a price of {contract} to be checked against maxOrderValue or priceCollarPercent: "
            f"{detail or 'the broker is being asked'}. To do without, {advice}"
        )
        asking = self._prices.asking(contract)
        return Waiting(OrderReason.NO_PRICE, text, brief=asking and not detail)


def _no_symbol(order: Order) -> Waiting:
    return Waiting(
        OrderReason.CONTRACT_UNRESOLVED,
        f"the broker has told no symbol of {order.terms.contract} yet, and spec.executor.limits.allowedSymbols needs it: "
        "cancel the order and name its contract by symbol, or remove the limit",
    )
