"""Server to client messages of the TWS text protocol, pure: values in, fields out.

The arities are exact: one field more breaks ib_async and ib_insync, one less breaks ibapi.
"""

import datetime as dt
from decimal import Decimal

from ibgateway_simulator.model.trading.accounts import AccountValue, Position
from ibgateway_simulator.model.trading.hours import EASTERN, TIME_ZONE_ID
from ibgateway_simulator.model.trading.market import BY_ID, ListedContract
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    Execution,
    OrderAction,
    WhatIfMessage,
)
from ibgateway_simulator.tws import wire
from ibgateway_simulator.tws.messages import ORDER_TYPES, WireMessage
from ibgateway_simulator.tws.text import order_fields
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, Field


def sent(*values: Field) -> WireMessage:
    """The message that has these fields."""
    fields = tuple(wire.text(value) for value in values)
    return WireMessage(wire.body(fields), fields)


class TextMessages:
    """Messages as a server version has them."""

    def __init__(self, version: int) -> None:
        self._version = version

    def error(self, req_id: int, code: int, message: str, now: dt.datetime) -> WireMessage:
        """error (4); the JSON of advanced rejects exists from version 166."""
        tail = ("",) if self._version >= 166 else ()
        return sent(4, 2, req_id, code, message, *tail)

    def managed_accounts(self, accounts: str) -> WireMessage:
        """managedAccounts (15)."""
        return sent(15, 1, accounts)

    def next_valid_id(self, order_id: int) -> WireMessage:
        """nextValidId (9)."""
        return sent(9, 1, order_id)

    def current_time(self, now: dt.datetime) -> WireMessage:
        """currentTime (49), whole seconds."""
        return sent(49, 1, int(now.timestamp()))

    def current_time_in_millis(self, now: dt.datetime) -> WireMessage:
        """currentTimeInMillis (109); server versions below 197 are not asked for it."""
        return sent(109, int(now.timestamp() * 1000))

    def order_status(self, order: BookedOrder) -> WireMessage:
        """orderStatus (3); it has no version field."""
        ticket = order.ticket
        return sent(
            *(3, ticket.order_id, order.status, order.filled, order.remaining),
            *(order.average_price, order.perm_id, 0, order.last_price, ticket.client_id, "", 0),
        )

    def exec_details(self, execution: Execution, req_id: int) -> WireMessage:
        """execDetails (11); `req_id` is -1 for a fill as it happens."""
        ticket = execution.ticket
        at = execution.at.astimezone(EASTERN)
        side = "BOT" if ticket.action is OrderAction.BUY else "SLD"
        venue = BY_ID[ticket.con_id].primary
        tail = ("0",) if self._version >= 178 else ()
        return sent(
            *(11, req_id, ticket.order_id, *order_fields.contract(ticket.con_id)),
            *(*order_fields.routed(ticket.con_id, venue), execution.exec_id),
            *(f"{at:%Y%m%d %H:%M:%S} {TIME_ZONE_ID}", ticket.account, venue, side),
            *(execution.quantity, execution.price, execution.perm_id, ticket.client_id, "0"),
            *(execution.cumulative, execution.average_price, ticket.order_ref, "", UNSET_DOUBLE),
            *("", "2", *tail),
        )

    def commission_report(self, execution: Execution) -> WireMessage:
        """commissionReport (59); profit is unset unless the fill closed something."""
        realized: Field = UNSET_DOUBLE if execution.realized is None else execution.realized
        return sent(
            59, 1, execution.exec_id, execution.commission, "USD", realized, UNSET_DOUBLE, ""
        )

    def account_value(self, value: AccountValue, account: str) -> WireMessage:
        """updateAccountValue (6)."""
        return sent(6, 2, value.key, value.value, value.currency, account)

    def account_value_multi(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """accountUpdateMulti (73)."""
        return sent(73, 1, req_id, account, "", value.key, value.value, value.currency)

    def account_summary(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """accountSummary (63)."""
        return sent(63, 1, req_id, account, value.key, value.value, value.currency)

    def portfolio(
        self, con_id: int, position: Position, price: Decimal, account: str
    ) -> WireMessage:
        """updatePortfolio (7)."""
        known = BY_ID[con_id]
        worth = position.quantity * price
        profit = worth - position.quantity * position.average_cost
        return sent(
            *(7, 8, con_id, known.symbol, "STK", "", "0.0", "0", "", known.primary, known.currency),
            *(known.symbol, known.symbol, position.quantity, price, worth),
            *(position.average_cost, profit, Decimal(0), account),
        )

    def position(self, con_id: int, held: Position, account: str) -> WireMessage:
        """position (61)."""
        known = BY_ID[con_id]
        return sent(
            *(61, 3, account, con_id, known.symbol, "STK", "", "0.0", "", ""),
            *(known.primary, known.currency, known.symbol, known.symbol),
            *(held.quantity, held.average_cost),
        )

    def contract_details(
        self,
        known: ListedContract,
        req_id: int,
        *,
        hours: tuple[str, str],
        zone: str = TIME_ZONE_ID,
    ) -> WireMessage:
        """contractDetails (10); `hours` is trading hours and liquid hours, in the time zone `zone`."""
        old = self._version < 164
        trading, liquid = hours
        trading_class = "NMS" if known.primary == "NASDAQ" else known.symbol
        sizes = () if old else ("1", "1", "100")
        return sent(
            *((10, 8, req_id) if old else (10, req_id)),
            *(known.symbol, "STK", "", "0", "", "SMART", known.currency, known.symbol),
            *(trading_class, trading_class, known.con_id, "0.01", *(("100",) if old else ())),
            *("", ORDER_TYPES, f"SMART,{known.primary}", "1", "0", known.name, known.primary, ""),
            *("Technology", "Computers", "Computers", zone, trading, liquid, "", "0", "0"),
            *("1", "", "", "26", "", known.kind, *sizes),
        )

    def tick_price(self, req_id: int, tick: int, price: Decimal, size: int) -> WireMessage:
        """tickPrice (1)."""
        return sent(1, 6, req_id, tick, price, size, 1)

    def tick_size(self, req_id: int, tick: int, size: int) -> WireMessage:
        """tickSize (2)."""
        return sent(2, 6, req_id, tick, size)

    def account_update_time(self, now: dt.datetime) -> WireMessage:
        """updateAccountTime (8)."""
        return sent(8, 1, f"{now:%H:%M}")

    def market_data_type(self, req_id: int) -> WireMessage:
        """marketDataType (58): real time."""
        return sent(58, 1, req_id, 1)

    def contract_details_end(self, req_id: int) -> WireMessage:
        """contractDetailsEnd (52)."""
        return sent(52, 1, req_id)

    def account_download_end(self, account: str) -> WireMessage:
        """accountDownloadEnd (54)."""
        return sent(54, 1, account)

    def exec_details_end(self, req_id: int) -> WireMessage:
        """execDetailsEnd (55)."""
        return sent(55, 1, req_id)

    def tick_snapshot_end(self, req_id: int) -> WireMessage:
        """tickSnapshotEnd (57)."""
        return sent(57, 1, req_id)

    def account_summary_end(self, req_id: int) -> WireMessage:
        """accountSummaryEnd (64)."""
        return sent(64, 1, req_id)

    def account_update_multi_end(self, req_id: int) -> WireMessage:
        """accountUpdateMultiEnd (74)."""
        return sent(74, 1, req_id)

    def open_order(self, order: BookedOrder, what_if: WhatIfMessage | None = None) -> WireMessage:
        """openOrder (5); with `what_if` the answer to a what-if."""
        return sent(*order_fields.open_order(order, self._version, what_if))

    def completed_order(self, order: BookedOrder) -> WireMessage:
        """completedOrder (101)."""
        return sent(*order_fields.completed_order(order, self._version))

    def open_order_end(self) -> WireMessage:
        """openOrderEnd (53)."""
        return sent(53, 1)

    def position_end(self) -> WireMessage:
        """positionEnd (62)."""
        return sent(62, 1)

    def completed_orders_end(self) -> WireMessage:
        """completedOrdersEnd (102)."""
        return sent(102)
