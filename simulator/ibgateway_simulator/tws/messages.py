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
    CommissionReportMessage,
    ErrorMessage,
    ExecDetailsMessage,
    Execution,
    OpenOrderMessage,
    OrderAction,
    OrderMessage,
    OrderStatusMessage,
    WhatIfMessage,
)
from ibgateway_simulator.tws import order_fields
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, Field, Message

ORDER_TYPES = "ACTIVETIM,ALLOC,DAY,GTC,IOC,LMT,LOC,LOO,MKT,MOC,MOO,OPG,STP,STPLMT,WHATIF"


def error(req_id: int, code: int, message: str, version: int) -> Message:
    """error (4); the JSON of advanced rejects exists from version 166."""
    tail = ("",) if version >= 166 else ()
    return (4, 2, req_id, code, message, *tail)


def managed_accounts(accounts: str) -> Message:
    """managedAccounts (15)."""
    return (15, 1, accounts)


def next_valid_id(order_id: int) -> Message:
    """nextValidId (9)."""
    return (9, 1, order_id)


def current_time(now: dt.datetime) -> Message:
    """currentTime (49), whole seconds."""
    return (49, 1, int(now.timestamp()))


def order_status(order: BookedOrder) -> Message:
    """orderStatus (3); it has no version field."""
    ticket = order.ticket
    return (
        *(3, ticket.order_id, order.status, order.filled, order.remaining),
        *(order.average_price, order.perm_id, 0, order.last_price, ticket.client_id, "", 0),
    )


def exec_details(execution: Execution, req_id: int, version: int) -> Message:
    """execDetails (11); `req_id` is -1 for a fill as it happens."""
    ticket = execution.ticket
    at = execution.at.astimezone(EASTERN)
    side = "BOT" if ticket.action is OrderAction.BUY else "SLD"
    venue = BY_ID[ticket.con_id].primary
    tail = ("0",) if version >= 178 else ()
    return (
        *(11, req_id, ticket.order_id, *order_fields.contract(ticket.con_id)),
        *(*order_fields.routed(ticket.con_id, venue), execution.exec_id),
        *(f"{at:%Y%m%d %H:%M:%S} {TIME_ZONE_ID}", ticket.account, venue, side),
        *(execution.quantity, execution.price, execution.perm_id, ticket.client_id, "0"),
        *(execution.cumulative, execution.average_price, ticket.order_ref, "", UNSET_DOUBLE),
        *("", "2", *tail),
    )


def commission_report(execution: Execution) -> Message:
    """commissionReport (59); profit is unset unless the fill closed something."""
    realized: Field = UNSET_DOUBLE if execution.realized is None else execution.realized
    return (59, 1, execution.exec_id, execution.commission, "USD", realized, UNSET_DOUBLE, "")


def account_value(value: AccountValue, account: str) -> Message:
    """updateAccountValue (6)."""
    return (6, 2, value.key, value.value, value.currency, account)


def account_value_multi(value: AccountValue, account: str, req_id: int) -> Message:
    """accountUpdateMulti (73)."""
    return (73, 1, req_id, account, "", value.key, value.value, value.currency)


def account_summary(value: AccountValue, account: str, req_id: int) -> Message:
    """accountSummary (63)."""
    return (63, 1, req_id, account, value.key, value.value, value.currency)


def portfolio(con_id: int, position: Position, price: Decimal, account: str) -> Message:
    """updatePortfolio (7)."""
    known = BY_ID[con_id]
    worth = position.quantity * price
    profit = worth - position.quantity * position.average_cost
    return (
        *(7, 8, con_id, known.symbol, "STK", "", "0.0", "0", "", known.primary, known.currency),
        *(known.symbol, known.symbol, position.quantity, price, worth),
        *(position.average_cost, profit, Decimal(0), account),
    )


def position(con_id: int, held: Position, account: str) -> Message:
    """position (61)."""
    known = BY_ID[con_id]
    return (
        *(61, 3, account, con_id, known.symbol, "STK", "", "0.0", "", ""),
        *(known.primary, known.currency, known.symbol, known.symbol),
        *(held.quantity, held.average_cost),
    )


def contract_details(
    known: ListedContract,
    req_id: int,
    *,
    hours: tuple[str, str],
    version: int,
    zone: str = TIME_ZONE_ID,
) -> Message:
    """contractDetails (10); `hours` is trading hours and liquid hours, in the time zone `zone`."""
    old = version < 164
    trading, liquid = hours
    trading_class = "NMS" if known.primary == "NASDAQ" else known.symbol
    sizes = () if old else ("1", "1", "100")
    return (
        *((10, 8, req_id) if old else (10, req_id)),
        *(known.symbol, "STK", "", "0", "", "SMART", known.currency, known.symbol),
        *(trading_class, trading_class, known.con_id, "0.01", *(("100",) if old else ())),
        *("", ORDER_TYPES, f"SMART,{known.primary}", "1", "0", known.name, known.primary, ""),
        *("Technology", "Computers", "Computers", zone, trading, liquid, "", "0", "0"),
        *("1", "", "", "26", "", known.kind, *sizes),
    )


def tick_price(req_id: int, tick: int, price: Decimal, size: int) -> Message:
    """tickPrice (1)."""
    return (1, 6, req_id, tick, price, size, 1)


def tick_size(req_id: int, tick: int, size: int) -> Message:
    """tickSize (2)."""
    return (2, 6, req_id, tick, size)


def account_update_time(now: dt.datetime) -> Message:
    """updateAccountTime (8)."""
    return (8, 1, f"{now:%H:%M}")


def market_data_type(req_id: int) -> Message:
    """marketDataType (58): real time."""
    return (58, 1, req_id, 1)


def contract_details_end(req_id: int) -> Message:
    """contractDetailsEnd (52)."""
    return (52, 1, req_id)


def account_download_end(account: str) -> Message:
    """accountDownloadEnd (54)."""
    return (54, 1, account)


def exec_details_end(req_id: int) -> Message:
    """execDetailsEnd (55)."""
    return (55, 1, req_id)


def tick_snapshot_end(req_id: int) -> Message:
    """tickSnapshotEnd (57)."""
    return (57, 1, req_id)


def account_summary_end(req_id: int) -> Message:
    """accountSummaryEnd (64)."""
    return (64, 1, req_id)


def account_update_multi_end(req_id: int) -> Message:
    """accountUpdateMultiEnd (74)."""
    return (74, 1, req_id)


OPEN_ORDER_END: Message = (53, 1)
POSITION_END: Message = (62, 1)
COMPLETED_ORDERS_END: Message = (102,)


def of_order(message: OrderMessage, version: int) -> tuple[Message, ...]:
    """What the client of an order is sent."""
    match message:
        case OpenOrderMessage(order):
            return (order_fields.open_order(order, version), order_status(order))
        case OrderStatusMessage(order):
            return (order_status(order),)
        case ExecDetailsMessage(execution):
            return (exec_details(execution, -1, version),)
        case CommissionReportMessage(execution):
            return (commission_report(execution),)
        case ErrorMessage(ticket, code, text):
            return (error(ticket.order_id, code, text, version),)
        case WhatIfMessage(order):
            return (order_fields.open_order(order, version, message),)
