"""IBKR's order book: accepts, fills, cancels and remembers; survives every gateway.

All methods take the time and return the messages to send; none does input or output. Orders and
accounts are frozen values kept in dictionaries. Prices, hours and faults are set from outside.
"""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.model import fills, market
from ibgateway_simulator.model.accounts import Account, totals
from ibgateway_simulator.model.faults import Faults, OrderLoss, RejectSequence
from ibgateway_simulator.model.order_checks import (
    OrderContext,
    OrderRefusal,
    plain_refusal,
    refusal,
)
from ibgateway_simulator.model.orders import (
    BookedOrder,
    CommissionReportMessage,
    ErrorMessage,
    ExecDetailsMessage,
    Execution,
    OpenOrderMessage,
    OrderKey,
    OrderMessage,
    OrderStatus,
    OrderStatusMessage,
    OrderTicket,
    WhatIfMessage,
)

FIRST_PERM_ID = 1_000_000_001


class OrderBook:
    """Accounts, orders and executions of everybody."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.orders: dict[OrderKey, BookedOrder] = {}
        self.executions: list[Execution] = []
        self.next_ids: dict[tuple[str, int], int] = {}
        self.prices = {contract.con_id: contract.price for contract in market.CONTRACTS}
        self.hours = market.Hours()
        self.faults = Faults()
        self._perm_ids = FIRST_PERM_ID

    def next_valid_id(self, account: str, client_id: int) -> int:
        """The lowest id a new order of this client may have."""
        return self.next_ids.get((account, client_id), 1)

    def open_orders(self, account: str) -> tuple[BookedOrder, ...]:
        """Every order of the account that is not done."""
        return tuple(
            order
            for order in self.orders.values()
            if order.ticket.account == account and not order.done
        )

    def place(self, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        """Take a new order, a change of a working one or a what-if."""
        known = self.orders.get(ticket.key)
        if known is not None and not known.done and not ticket.what_if:
            return self._modify(known, ticket, now)
        if ticket.order_id < self.next_valid_id(ticket.account, ticket.client_id):
            return [ErrorMessage(ticket, 103, "Duplicate order id")]
        self.next_ids[ticket.account, ticket.client_id] = ticket.order_id + 1
        asked, self.faults = self.faults.refuse_next, replace(self.faults, refuse_next=0)
        refused = plain_refusal(asked) or refusal(self._context(ticket))
        if refused is not None:
            return self._refused(ticket, refused, now)
        if ticket.what_if:
            return [self._quoted(ticket, now)]
        notices: list[OrderMessage] = []
        if not ticket.tif and self.faults.tif_preset:
            notices.append(
                ErrorMessage(ticket, 10349, "Order TIF was set to DAY based on order preset.")
            )
        return notices + self._accept(replace(ticket, tif=ticket.tif or "DAY"), now)

    def cancel(self, key: OrderKey, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        """Cancel a working order; `ticket` names it when it is unknown."""
        order = self.orders.get(key)
        if order is None:
            text = f"OrderId {key[2]} that needs to be cancelled is not found."
            return [ErrorMessage(ticket, 10147, text)]
        if order.done:
            text = f"OrderId {key[2]} that needs to be cancelled cannot be cancelled, "
            return [ErrorMessage(order.ticket, 10148, f"{text}state: {order.status}.")]
        ended = self._keep(order.ended(OrderStatus.CANCELLED, now))
        return [
            OrderStatusMessage(ended),
            ErrorMessage(order.ticket, 202, "Order Canceled - reason:"),
        ]

    def tick(self, now: dt.datetime) -> list[OrderMessage]:
        """Everything that has become due by `now`."""
        messages: list[OrderMessage] = []
        for order in [order for order in self.orders.values() if not order.done]:
            messages += self._advance(order, now)
        return messages

    def fill(
        self, perm_id: int, quantity: Decimal | None, price: Decimal | None, now: dt.datetime
    ) -> list[OrderMessage]:
        """Fill a working order from the control API: by default the rest, at the market."""
        order = self.by_perm_id(perm_id)
        if order.done:
            raise SimulatorConflictError(f"order {perm_id} is {order.status}")
        amount = min(quantity or order.remaining, order.remaining)
        return self._fill(order, amount, price or self._price(order), now)

    def release(self) -> None:
        """Let held orders fill again."""
        self.faults = replace(self.faults, hold_fills=False)
        for order in self.orders.values():
            if order.held and not order.done:
                self.orders[order.ticket.key] = replace(order, held=False)

    def take_loss(self) -> OrderLoss:
        """How the next order is to be lost; asking uses it up."""
        mode, self.faults = self.faults.lose_next, replace(self.faults, lose_next=OrderLoss.NONE)
        return mode

    def by_perm_id(self, perm_id: int) -> BookedOrder:
        """The order with this permanent number."""
        for order in self.orders.values():
            if order.perm_id == perm_id:
                return order
        raise SimulatorNotFoundError(f"no order has permId {perm_id}")

    def _context(self, ticket: OrderTicket) -> OrderContext:
        account = self.accounts.get(ticket.account, Account("", {}))
        return OrderContext(ticket, account, self.prices, self.open_orders(ticket.account))

    def _quoted(self, ticket: OrderTicket, now: dt.datetime) -> WhatIfMessage:
        cost = ticket.quantity * self.prices[ticket.con_id] * ticket.sign
        equity = totals(self.accounts[ticket.account], self.prices)["EquityWithLoanValue"]
        order = BookedOrder(
            ticket, 0, OrderStatus.PRE_SUBMITTED, now, commission=fills.commission(ticket.quantity)
        )
        return WhatIfMessage(order, margin=cost, equity=equity)

    def _accept(self, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        self._perm_ids += 1
        order = BookedOrder(
            ticket,
            self._perm_ids,
            OrderStatus.PRE_SUBMITTED,
            now,
            expires=self._expiry(ticket, now),
        )
        if self.faults.reject_next:
            reason, self.faults = self.faults.reject_next, replace(self.faults, reject_next="")
            return self._reject(order, reason, now)
        if not self.hours.is_open(now):
            order = self._keep(order)
            opens = f"{self.hours.next_open(now):%Y-%m-%d %H:%M:%S} {market.TIME_ZONE_ID}"
            return [OpenOrderMessage(order), ErrorMessage(ticket, 399, _closed_text(ticket, opens))]
        order = self._working(order, now)
        return [
            OpenOrderMessage(replace(order, status=OrderStatus.PRE_SUBMITTED)),
            OpenOrderMessage(order),
        ]

    def _working(self, order: BookedOrder, now: dt.datetime) -> BookedOrder:
        slices, self.faults = self.faults.partial_next, replace(self.faults, partial_next=())
        due = now + dt.timedelta(seconds=self.faults.fill_delay)
        return self._keep(replace(order, status=OrderStatus.SUBMITTED, slices=slices, due=due))

    def _refused(
        self, ticket: OrderTicket, why: OrderRefusal, now: dt.datetime
    ) -> list[OrderMessage]:
        if why.code != 201 or ticket.what_if:
            text = f"Order rejected - reason:{why.text}" if why.code == 201 else why.text
            return [ErrorMessage(ticket, why.code, text)]
        self._perm_ids += 1
        return self._reject(
            BookedOrder(ticket, self._perm_ids, OrderStatus.PRE_SUBMITTED, now), why.text, now
        )

    def _reject(self, order: BookedOrder, reason: str, now: dt.datetime) -> list[OrderMessage]:
        inactive = self._keep(order.ended(OrderStatus.INACTIVE, now, reason))
        error = ErrorMessage(order.ticket, 201, f"Order rejected - reason:{reason}")
        if self.faults.reject_order is RejectSequence.ERROR_FIRST:
            return [error, OpenOrderMessage(inactive)]
        return [OpenOrderMessage(inactive), error]

    def _modify(
        self, known: BookedOrder, ticket: OrderTicket, now: dt.datetime
    ) -> list[OrderMessage]:
        same = (ticket.con_id, ticket.action) == (known.ticket.con_id, known.ticket.action)
        if not same or ticket.quantity < known.filled:
            return [
                ErrorMessage(ticket, 105, "Order being modified does not match original order.")
            ]
        refused = refusal(self._context(ticket))
        if refused is not None:
            return [ErrorMessage(ticket, refused.code, refused.text)]
        tif = ticket.tif or known.ticket.tif
        due = now + dt.timedelta(seconds=self.faults.fill_delay)
        return [
            OpenOrderMessage(self._keep(replace(known, ticket=replace(ticket, tif=tif), due=due)))
        ]

    def _advance(self, order: BookedOrder, now: dt.datetime) -> list[OrderMessage]:
        if order.expires is not None and now >= order.expires:
            return [
                OrderStatusMessage(self._keep(order.ended(OrderStatus.CANCELLED, now, "expired")))
            ]
        if not self.hours.is_open(now):
            return []
        if order.due is None:
            working = self._working(order, now)
            return [OpenOrderMessage(working)]
        if now < order.due:
            return []
        if (
            order.held
            or self.faults.hold_fills
            or not fills.marketable(order.ticket, self._quote(order.ticket))
        ):
            return self._unfillable(order, now)
        quantity = min(order.slices[0], order.remaining) if order.slices else order.remaining
        left = order.slices[1:]
        held = bool(order.slices) and not left
        due = now + dt.timedelta(seconds=self.faults.fill_delay)
        order = replace(order, slices=left, held=held, due=due)
        return self._fill(order, quantity, self._price(order), now)

    def _unfillable(self, order: BookedOrder, now: dt.datetime) -> list[OrderMessage]:
        if order.ticket.tif not in ("IOC", "FOK"):
            return []
        ended = self._keep(order.ended(OrderStatus.CANCELLED, now))
        return [
            OrderStatusMessage(ended),
            ErrorMessage(order.ticket, 202, "Order Canceled - reason:"),
        ]

    def _fill(
        self, order: BookedOrder, quantity: Decimal, price: Decimal, now: dt.datetime
    ) -> list[OrderMessage]:
        ticket = order.ticket
        fee = fills.commission(quantity)
        account = self.accounts[ticket.account]
        after = account.traded(ticket.con_id, quantity * ticket.sign, price, fee)
        self.accounts[account.id] = after
        order = self._keep(
            replace(order.with_fill(quantity, price, now), commission=order.commission + fee)
        )
        closing = account.position(ticket.con_id).quantity * ticket.sign < 0
        execution = Execution(
            number=len(self.executions) + 1,
            ticket=ticket,
            perm_id=order.perm_id,
            quantity=quantity,
            price=price,
            cumulative=order.filled,
            average_price=order.average_price,
            commission=fee,
            realized=after.realized - account.realized if closing else None,
            at=now,
        )
        self.executions.append(execution)
        without_commission = replace(order, commission=Decimal(0))
        return [
            ExecDetailsMessage(execution),
            OpenOrderMessage(without_commission),
            OpenOrderMessage(order),
            CommissionReportMessage(execution),
        ]

    def _price(self, order: BookedOrder) -> Decimal:
        return fills.fill_price(order.ticket, self._quote(order.ticket))

    def _quote(self, ticket: OrderTicket) -> market.Quote:
        return market.quote(self.prices[ticket.con_id])

    def _expiry(self, ticket: OrderTicket, now: dt.datetime) -> dt.datetime | None:
        if ticket.tif != "DAY":
            return None
        return next((end for _, end in self.hours.liquid(now) if end > now), None)

    def _keep(self, order: BookedOrder) -> BookedOrder:
        self.orders[order.ticket.key] = order
        return order


def _closed_text(ticket: OrderTicket, opens: str) -> str:
    contract = market.BY_ID[ticket.con_id]
    return (
        f"Order Message:\n{ticket.action} {ticket.quantity} {ticket.symbol} {contract.primary}\n"
        f"Warning: your order will not be placed at the exchange until {opens}"
    )
