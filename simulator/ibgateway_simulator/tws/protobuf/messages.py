"""Server to client messages in protobuf, pure: values in, messages out."""

import datetime as dt
from decimal import Decimal
from typing import Any

from ibgateway_simulator.model.trading.accounts import AccountValue, Position
from ibgateway_simulator.model.trading.hours import TIME_ZONE_ID
from ibgateway_simulator.model.trading.market import ListedContract
from ibgateway_simulator.model.trading.orders import BookedOrder, Execution, WhatIfMessage
from ibgateway_simulator.tws.messages import ORDER_TYPES, WireMessage
from ibgateway_simulator.tws.protobuf import orders, schema
from ibgateway_simulator.tws.protobuf.requests import NUMBER_BYTES, OFFSET
from ibgateway_simulator.tws.protobuf.schema import make
from ibgateway_simulator.tws.wire import UNSET_DOUBLE, text

RULE = "26"
"""The market rule of US stocks."""
UNSET = float(UNSET_DOUBLE)
"""Where a number stays out of a message clients take it for zero; this one they take for none."""


def sent(number: int, message: Any) -> WireMessage:
    """The message with its number."""
    head = (number + OFFSET).to_bytes(NUMBER_BYTES, "big")
    return WireMessage(head + message.SerializeToString(), (str(number),), schema.shown(message))


def told(number: int, name: str, **values: Any) -> WireMessage:
    """The message of this name."""
    return sent(number, make(name, **values))


class ProtobufMessages:
    """Messages as every server version from 213 on has them."""

    def error(self, req_id: int, code: int, message: str, now: dt.datetime) -> WireMessage:
        """ErrorMessage (4), with the time in milliseconds."""
        at = int(now.timestamp() * 1000)
        return told(4, "ErrorMessage", id=req_id, errorTime=at, errorCode=code, errorMsg=message)

    def managed_accounts(self, accounts: str) -> WireMessage:
        """ManagedAccounts (15)."""
        return told(15, "ManagedAccounts", accountsList=accounts)

    def next_valid_id(self, order_id: int) -> WireMessage:
        """NextValidId (9)."""
        return told(9, "NextValidId", orderId=order_id)

    def current_time(self, now: dt.datetime) -> WireMessage:
        """CurrentTime (49), whole seconds."""
        return told(49, "CurrentTime", currentTime=int(now.timestamp()))

    def current_time_in_millis(self, now: dt.datetime) -> WireMessage:
        """CurrentTimeInMillis (109)."""
        millis = int(now.timestamp() * 1000)
        return told(109, "CurrentTimeInMillis", currentTimeInMillis=millis)

    def open_order(self, order: BookedOrder, what_if: WhatIfMessage | None = None) -> WireMessage:
        """OpenOrder (5); with `what_if` the answer to a what-if."""
        ticket = order.ticket
        return told(
            *(5, "OpenOrder"),
            orderId=ticket.order_id,
            contract=orders.contract(ticket.con_id, ticket.exchange),
            order=orders.open_order(order, what_if),
            orderState=orders.open_state(order, what_if),
        )

    def completed_order(self, order: BookedOrder) -> WireMessage:
        """CompletedOrder (101)."""
        return told(
            *(101, "CompletedOrder"),
            contract=orders.contract(order.ticket.con_id, order.ticket.exchange),
            order=orders.completed_order(order),
            orderState=orders.completed_state(order),
        )

    def order_status(self, order: BookedOrder) -> WireMessage:
        """OrderStatus (3)."""
        return told(
            *(3, "OrderStatus"),
            orderId=order.ticket.order_id,
            status=order.status,
            filled=text(order.filled),
            remaining=text(order.remaining),
            avgFillPrice=float(order.average_price),
            permId=order.perm_id,
            parentId=0,
            lastFillPrice=float(order.last_price),
            clientId=order.ticket.client_id,
            whyHeld="",
            mktCapPrice=0.0,
        )

    def exec_details(self, execution: Execution, req_id: int) -> WireMessage:
        """ExecutionDetails (11)."""
        con_id = execution.ticket.con_id
        made = orders.execution(execution)
        contract = orders.contract(con_id, made.exchange)
        return told(11, "ExecutionDetails", reqId=req_id, contract=contract, execution=made)

    def commission_report(self, execution: Execution) -> WireMessage:
        """CommissionAndFeesReport (59)."""
        profit = UNSET if execution.realized is None else float(execution.realized)
        return told(
            *(59, "CommissionAndFeesReport"),
            execId=execution.exec_id,
            commissionAndFees=float(execution.commission),
            currency="USD",
            realizedPNL=profit,
            bondYield=UNSET,
        )

    def account_value(self, value: AccountValue, account: str) -> WireMessage:
        """AccountValue (6)."""
        return told(6, "AccountValue", accountName=account, key=value.key, **_valued(value))

    def account_value_multi(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """AccountUpdateMulti (73)."""
        whose = {"reqId": req_id, "account": account}
        return told(73, "AccountUpdateMulti", key=value.key, **whose, **_valued(value))

    def account_summary(self, value: AccountValue, account: str, req_id: int) -> WireMessage:
        """AccountSummary (63)."""
        whose = {"reqId": req_id, "account": account}
        return told(63, "AccountSummary", tag=value.key, **whose, **_valued(value))

    def portfolio(
        self, con_id: int, position: Position, price: Decimal, account: str
    ) -> WireMessage:
        """PortfolioValue (7)."""
        worth = position.quantity * price
        return told(
            *(7, "PortfolioValue"),
            contract=orders.contract(con_id),
            position=text(position.quantity),
            marketPrice=float(price),
            marketValue=float(worth),
            averageCost=float(position.average_cost),
            unrealizedPNL=float(worth - position.quantity * position.average_cost),
            realizedPNL=0.0,
            accountName=account,
        )

    def position(self, con_id: int, held: Position, account: str) -> WireMessage:
        """Position (61)."""
        return told(
            *(61, "Position"),
            account=account,
            contract=orders.contract(con_id),
            position=text(held.quantity),
            avgCost=float(held.average_cost),
        )

    def contract_details(
        self,
        known: ListedContract,
        req_id: int,
        *,
        hours: tuple[str, str],
        zone: str = TIME_ZONE_ID,
    ) -> WireMessage:
        """ContractData (10)."""
        contract = orders.contract(known.con_id, "SMART")
        contract.primaryExch = known.primary
        details = make(
            "ContractDetails",
            marketName=contract.tradingClass,
            minTick="0.01",
            orderTypes=ORDER_TYPES,
            validExchanges=f"SMART,{known.primary}",
            priceMagnifier=1,
            longName=known.name,
            industry="Technology",
            category="Computers",
            subcategory="Computers",
            timeZoneId=zone,
            tradingHours=hours[0],
            liquidHours=hours[1],
            aggGroup=1,
            marketRuleIds=RULE,
            stockType=known.kind,
            minSize="1",
            sizeIncrement="1",
            suggestedSizeIncrement="100",
        )
        return told(10, "ContractData", reqId=req_id, contract=contract, contractDetails=details)

    def tick_price(self, req_id: int, tick: int, price: Decimal, size: int) -> WireMessage:
        """TickPrice (1)."""
        values = {"price": float(price), "size": str(size), "attrMask": 1}
        return told(1, "TickPrice", reqId=req_id, tickType=tick, **values)

    def tick_size(self, req_id: int, tick: int, size: int) -> WireMessage:
        """TickSize (2)."""
        return told(2, "TickSize", reqId=req_id, tickType=tick, size=str(size))

    def account_update_time(self, now: dt.datetime) -> WireMessage:
        """AccountUpdateTime (8)."""
        return told(8, "AccountUpdateTime", timeStamp=f"{now:%H:%M}")

    def market_data_type(self, req_id: int) -> WireMessage:
        """MarketDataType (58): real time."""
        return told(58, "MarketDataType", reqId=req_id, marketDataType=1)

    def contract_details_end(self, req_id: int) -> WireMessage:
        """ContractDataEnd (52)."""
        return told(52, "ContractDataEnd", reqId=req_id)

    def account_download_end(self, account: str) -> WireMessage:
        """AccountDataEnd (54)."""
        return told(54, "AccountDataEnd", accountName=account)

    def exec_details_end(self, req_id: int) -> WireMessage:
        """ExecutionDetailsEnd (55)."""
        return told(55, "ExecutionDetailsEnd", reqId=req_id)

    def tick_snapshot_end(self, req_id: int) -> WireMessage:
        """TickSnapshotEnd (57)."""
        return told(57, "TickSnapshotEnd", reqId=req_id)

    def account_summary_end(self, req_id: int) -> WireMessage:
        """AccountSummaryEnd (64)."""
        return told(64, "AccountSummaryEnd", reqId=req_id)

    def account_update_multi_end(self, req_id: int) -> WireMessage:
        """AccountUpdateMultiEnd (74)."""
        return told(74, "AccountUpdateMultiEnd", reqId=req_id)

    def open_order_end(self) -> WireMessage:
        """OpenOrdersEnd (53)."""
        return told(53, "OpenOrdersEnd")

    def position_end(self) -> WireMessage:
        """PositionEnd (62)."""
        return told(62, "PositionEnd")

    def completed_orders_end(self) -> WireMessage:
        """CompletedOrdersEnd (102)."""
        return told(102, "CompletedOrdersEnd")


def _valued(value: AccountValue) -> dict[str, str]:
    return {"value": value.value, "currency": value.currency}
