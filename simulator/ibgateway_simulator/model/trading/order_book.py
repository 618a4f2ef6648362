"""IBKR's order book: accepts, fills, cancels and remembers; survives every gateway.

All methods take the time and return the messages to send; none does input or output. Orders and
accounts are frozen values kept in dictionaries. Prices, hours, rules and faults are set from outside.
"""

import datetime as dt
from collections.abc import Collection
from dataclasses import replace
from decimal import Decimal

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.model.faults import Faults, OrderLoss, RejectSequence
from ibgateway_simulator.model.trading import fills, hours, market, replies
from ibgateway_simulator.model.trading.accounts import Account, totals
from ibgateway_simulator.model.trading.market_rules import MarketRules
from ibgateway_simulator.model.trading.matching import (
    MarketMoment,
    OrderEnds,
    OrderFills,
    OrderStarts,
    OrderTriggers,
    next_step,
)
from ibgateway_simulator.model.trading.order_checks import (
    OrderContext,
    OrderRefusal,
    plain_refusal,
    refusal,
)
from ibgateway_simulator.model.trading.orders import (
    STOPS,
    BookedOrder,
    ErrorMessage,
    Execution,
    OpenOrderMessage,
    OrderKey,
    OrderMessage,
    OrderStatus,
    OrderTicket,
    WhatIfMessage,
)
from ibgateway_simulator.model.trading.price_walk import PriceWalk

FIRST_PERM_ID = 1_000_000_001


class OrderBook:
    """Accounts, orders and executions of everybody; `orders` by permId, in the order in which they were booked."""

    def __init__(self) -> None:
        self.accounts: dict[str, Account] = {}
        self.orders: dict[int, BookedOrder] = {}
        self.executions: list[Execution] = []
        self.next_ids: dict[tuple[str, int], int] = {}
        self.prices = {contract.con_id: contract.price for contract in market.CONTRACTS}
        self.hours = hours.Hours()
        self.rules = MarketRules()
        self.faults = Faults()
        self._walk = PriceWalk()
        self._perm_ids = FIRST_PERM_ID
        self._by_key: dict[OrderKey, int] = {}
        self._working_ids: dict[int, None] = {}

    def next_valid_id(self, login: str, client_id: int) -> int:
        """The lowest id a new order of this client may have; `login` is its login's first account."""
        return self.next_ids.get((login, client_id), 1)

    def open_orders(self, accounts: Collection[str]) -> tuple[BookedOrder, ...]:
        """Every order of these accounts that is not done."""
        return tuple(order for order in self._working() if order.ticket.account in accounts)

    def known(self, key: OrderKey) -> BookedOrder | None:
        """The order that was booked last under this key."""
        perm_id = self._by_key.get(key)
        return None if perm_id is None else self.orders[perm_id]

    def place(self, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        """Take a new order, a change of a working one or a what-if."""
        known = self.known(ticket.key)
        if known is not None and not known.done and not ticket.what_if:
            return self._modify(known, ticket, now)
        login = ticket.login or ticket.account
        if ticket.order_id < self.next_valid_id(login, ticket.client_id):
            return [ErrorMessage(ticket, 103, "Duplicate order id")]
        self.next_ids[login, ticket.client_id] = ticket.order_id + 1
        asked, self.faults = self.faults.refuse_next, replace(self.faults, refuse_next=0)
        refused = plain_refusal(asked) or refusal(self._context(ticket, now))
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

    def place_late(self, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        """Take an order that was long on its way, also where its id was used again since: that makes two of it."""
        login = ticket.login or ticket.account
        following = max(self.next_valid_id(login, ticket.client_id), ticket.order_id + 1)
        self.next_ids[login, ticket.client_id] = following
        return self._accept(replace(ticket, tif=ticket.tif or "DAY"), now)

    def cancel(self, key: OrderKey, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        """Cancel a working order; `ticket` names it when it is unknown."""
        order = self.known(key)
        if order is None:
            return replies.not_found(ticket)
        if order.done:
            return replies.not_cancellable(order)
        return replies.cancelled(self._keep(order.ended(OrderStatus.CANCELLED, now)))

    def tick(self, now: dt.datetime) -> list[OrderMessage]:
        """Everything that has become due by `now`."""
        messages: list[OrderMessage] = []
        for order in self._working():
            messages += self._advance(order, now)
        return messages

    def pass_time(self, now: dt.datetime) -> bool:
        """Settle and move prices up to `now`; whether an account or a price is another one."""
        today = now.astimezone(hours.EASTERN).date()
        settled = {name: account.settled(today) for name, account in self.accounts.items()}
        changed = any(settled[name] is not account for name, account in self.accounts.items())
        prices = self._walk.moved(self.prices, self.rules, now)
        self.accounts, self.prices = settled, prices or self.prices
        return changed or prices is not None

    def fill(
        self, perm_id: int, quantity: Decimal | None, price: Decimal | None, now: dt.datetime
    ) -> list[OrderMessage]:
        """Fill a working order from the control API: by default the rest, at the market."""
        order = self.by_perm_id(perm_id)
        if order.done:
            raise SimulatorConflictError(f"order {perm_id} is {order.status}")
        amount = min(quantity or order.remaining, order.remaining)
        by_itself = fills.fill_price(order, self._quote(order.ticket), self.rules)
        return self._fill(order, amount, price or by_itself, now)

    def release(self) -> None:
        """Let held orders fill again."""
        self.faults = replace(self.faults, hold_fills=False)
        for order in self._working():
            if order.held:
                self._keep(replace(order, held=False))

    def take_loss(self) -> OrderLoss:
        """How the next order is to be lost; asking uses it up."""
        mode, self.faults = self.faults.lose_next, replace(self.faults, lose_next=OrderLoss.NONE)
        return mode

    def by_perm_id(self, perm_id: int) -> BookedOrder:
        """The order with this permanent number."""
        order = self.orders.get(perm_id)
        if order is None:
            raise SimulatorNotFoundError(f"no order has permId {perm_id}")
        return order

    def _working(self) -> list[BookedOrder]:
        return [self.orders[perm_id] for perm_id in self._working_ids]

    def _context(self, ticket: OrderTicket, now: dt.datetime) -> OrderContext:
        return OrderContext(
            ticket,
            self.accounts.get(ticket.account, Account("", {})),
            self.prices,
            self.open_orders((ticket.account,)),
            self.rules,
            now,
            self._auction(ticket, now),
            self.hours.is_open(now),
        )

    def _quoted(self, ticket: OrderTicket, now: dt.datetime) -> WhatIfMessage:
        account = self.accounts[ticket.account]
        cost = ticket.quantity * self.prices[ticket.con_id] * ticket.sign * account.margin_rate
        equity = totals(account, self.prices)["EquityWithLoanValue"]
        fee = fills.commission(ticket.quantity, self.rules)
        order = BookedOrder(ticket, 0, OrderStatus.PRE_SUBMITTED, now, commission=fee)
        return WhatIfMessage(order, margin=cost, equity=equity)

    def _accept(self, ticket: OrderTicket, now: dt.datetime) -> list[OrderMessage]:
        self._perm_ids += 1
        order = BookedOrder(
            ticket,
            self._perm_ids,
            OrderStatus.PRE_SUBMITTED,
            now,
            expires=self._expiry(ticket, now),
            auction=self._auction(ticket, now),
        )
        if self.faults.reject_next:
            reason, self.faults = self.faults.reject_next, replace(self.faults, reject_next="")
            return self._reject(order, reason, now)
        if not self._moment(ticket, now).fills(order):
            return replies.closed(self._keep(order), self.hours.next_open(now))
        order = self._working_from(order, now)
        return [
            OpenOrderMessage(replace(order, status=OrderStatus.PRE_SUBMITTED)),
            OpenOrderMessage(order),
        ]

    def _working_from(self, order: BookedOrder, now: dt.datetime) -> BookedOrder:
        """It is at the exchange, but for a stop: IBKR holds that back until its price is met."""
        slices, self.faults = self.faults.partial_next, replace(self.faults, partial_next=())
        due = now + dt.timedelta(seconds=self.faults.fill_delay)
        held_back = order.ticket.order_type in STOPS
        status = OrderStatus.PRE_SUBMITTED if held_back else OrderStatus.SUBMITTED
        return self._keep(replace(order, status=status, slices=slices, due=due))

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
        error_first = self.faults.reject_order is RejectSequence.ERROR_FIRST
        return replies.rejected(inactive, error_first=error_first)

    def _modify(
        self, known: BookedOrder, ticket: OrderTicket, now: dt.datetime
    ) -> list[OrderMessage]:
        same = (ticket.con_id, ticket.action) == (known.ticket.con_id, known.ticket.action)
        if not same or ticket.quantity < known.filled:
            return [
                ErrorMessage(ticket, 105, "Order being modified does not match original order.")
            ]
        refused = refusal(self._context(ticket, now))
        if refused is not None:
            return [ErrorMessage(ticket, refused.code, refused.text)]
        ticket = replace(ticket, tif=ticket.tif or known.ticket.tif)
        due = now + dt.timedelta(seconds=self.faults.fill_delay)
        return [OpenOrderMessage(self._keep(replace(known, ticket=ticket, due=due)))]

    def _advance(self, order: BookedOrder, now: dt.datetime) -> list[OrderMessage]:
        match next_step(order, self._moment(order.ticket, now)):
            case OrderStarts():
                return [OpenOrderMessage(self._working_from(order, now))]
            case OrderTriggers():
                met = replace(order, triggered=True, status=OrderStatus.SUBMITTED, due=now)
                return [OpenOrderMessage(self._keep(met))]
            case OrderFills(after, quantity, price):
                return self._fill(after, quantity, price, now)
            case OrderEnds(reason):
                return replies.cancelled(
                    self._keep(order.ended(OrderStatus.CANCELLED, now, reason))
                )
            case None:
                return []

    def _fill(
        self, order: BookedOrder, quantity: Decimal, price: Decimal, now: dt.datetime
    ) -> list[OrderMessage]:
        ticket = order.ticket
        fee = fills.commission(quantity, self.rules)
        account = self.accounts[ticket.account]
        after = account.traded(
            *(ticket.con_id, quantity * ticket.sign, price, fee), settles=self.hours.settles(now)
        )
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
        return replies.filled(order, execution)

    def _moment(self, ticket: OrderTicket, now: dt.datetime) -> MarketMoment:
        return MarketMoment(now, self.hours, self._quote(ticket), self.rules, self.faults)

    def _quote(self, ticket: OrderTicket) -> market.Quote:
        return market.quote(self.prices[ticket.con_id])

    def _expiry(self, ticket: OrderTicket, now: dt.datetime) -> dt.datetime | None:
        if ticket.tif != "DAY":
            return None
        if not ticket.outside_rth:
            return self.hours.next_close(now)
        return next((end for _, end in self.hours.trading(now) if end > now), None)

    def _auction(self, ticket: OrderTicket, now: dt.datetime) -> dt.datetime | None:
        if ticket.on_open:
            return self.hours.next_open(now)
        return self.hours.next_close(now) if ticket.on_close else None

    def _keep(self, order: BookedOrder) -> BookedOrder:
        self.orders[order.perm_id] = order
        if order.perm_id > self._by_key.get(order.ticket.key, 0):
            self._by_key[order.ticket.key] = order.perm_id
        if order.done:
            self._working_ids.pop(order.perm_id, None)
        else:
            self._working_ids[order.perm_id] = None
        return order
