"""What a server tells its clients, whichever protocol carries it, pure.

A WireMessage is one message as its protocol puts it; ServerMessages makes them, in the words of the TWS API.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

from ibgateway_simulator.model.trading.accounts import AccountValue, Position
from ibgateway_simulator.model.trading.hours import TIME_ZONE_ID
from ibgateway_simulator.model.trading.market import ListedContract
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    CommissionReportMessage,
    ErrorMessage,
    ExecDetailsMessage,
    Execution,
    OpenOrderMessage,
    OrderMessage,
    OrderStatusMessage,
    WhatIfMessage,
)

ORDER_TYPES = "ACTIVETIM,ALLOC,DAY,GTC,IOC,LMT,LOC,LOO,MKT,MOC,MOO,OPG,STP,STPLMT,WHATIF"


@dataclass(frozen=True, slots=True)
class WireMessage:
    """The body of a frame, and what is recorded of it: fields as text, the first one the message's number.

    `content` has the values by name where the protocol has names.
    """

    body: bytes
    fields: tuple[str, ...]
    content: dict[str, Any] | None = None


class ServerMessages(Protocol):
    """Makes messages of the model's values."""

    def error(self, req_id: int, code: int, message: str, now: dt.datetime) -> WireMessage:
        """error (4)."""

    def managed_accounts(self, accounts: str) -> WireMessage:
        """managedAccounts (15)."""

    def next_valid_id(self, order_id: int) -> WireMessage:
        """nextValidId (9)."""

    def current_time(self, now: dt.datetime) -> WireMessage:
        """currentTime (49), whole seconds."""

    def current_time_in_millis(self, now: dt.datetime) -> WireMessage:
        """currentTimeInMillis (109)."""

    def open_order(self, order: BookedOrder, what_if: WhatIfMessage | None = None) -> WireMessage:
        """openOrder (5); with `what_if` the answer to a what-if."""

    def completed_order(self, order: BookedOrder) -> WireMessage:
        """completedOrder (101): no order id and no client id."""

    def order_status(self, order: BookedOrder) -> WireMessage:
        """orderStatus (3)."""

    def exec_details(self, execution: Execution, req_id: int) -> WireMessage:
        """execDetails (11); `req_id` is -1 for a fill as it happens."""

    def commission_report(self, execution: Execution) -> WireMessage:
        """commissionReport (59); profit is unset unless the fill closed something."""

    def account_value(self, value: AccountValue, account: str) -> WireMessage:
        """updateAccountValue (6)."""

    def account_value_multi(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """accountUpdateMulti (73)."""

    def account_summary(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """accountSummary (63)."""

    def portfolio(
        self, con_id: int, position: Position, price: Decimal, account: str
    ) -> WireMessage:
        """updatePortfolio (7)."""

    def position(self, con_id: int, held: Position, account: str) -> WireMessage:
        """position (61)."""

    def contract_details(
        self,
        known: ListedContract,
        req_id: int,
        *,
        hours: tuple[str, str],
        zone: str = TIME_ZONE_ID,
    ) -> WireMessage:
        """contractDetails (10); `hours` is trading hours and liquid hours, in the time zone `zone`."""

    def tick_price(self, req_id: int, tick: int, price: Decimal, size: int) -> WireMessage:
        """tickPrice (1)."""

    def tick_size(self, req_id: int, tick: int, size: int) -> WireMessage:
        """tickSize (2)."""

    def account_update_time(self, now: dt.datetime) -> WireMessage:
        """updateAccountTime (8)."""

    def market_data_type(self, req_id: int) -> WireMessage:
        """marketDataType (58): real time."""

    def contract_details_end(self, req_id: int) -> WireMessage:
        """contractDetailsEnd (52)."""

    def account_download_end(self, account: str) -> WireMessage:
        """accountDownloadEnd (54)."""

    def exec_details_end(self, req_id: int) -> WireMessage:
        """execDetailsEnd (55)."""

    def tick_snapshot_end(self, req_id: int) -> WireMessage:
        """tickSnapshotEnd (57)."""

    def account_summary_end(self, req_id: int) -> WireMessage:
        """accountSummaryEnd (64)."""

    def account_update_multi_end(self, req_id: int) -> WireMessage:
        """accountUpdateMultiEnd (74)."""

    def open_order_end(self) -> WireMessage:
        """openOrderEnd (53)."""

    def position_end(self) -> WireMessage:
        """positionEnd (62)."""

    def completed_orders_end(self) -> WireMessage:
        """completedOrdersEnd (102)."""


def of_order(
    message: OrderMessage, say: ServerMessages, now: dt.datetime
) -> tuple[WireMessage, ...]:
    """What the client of an order is sent."""
    match message:
        case OpenOrderMessage(order):
            return (say.open_order(order), say.order_status(order))
        case OrderStatusMessage(order):
            return (say.order_status(order),)
        case ExecDetailsMessage(execution):
            return (say.exec_details(execution, -1),)
        case CommissionReportMessage(execution):
            return (say.commission_report(execution),)
        case ErrorMessage(ticket, code, text):
            return (say.error(ticket.order_id, code, text, now),)
        case WhatIfMessage(order):
            return (say.open_order(order, message),)
