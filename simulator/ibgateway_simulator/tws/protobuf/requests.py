"""Client to server messages in protobuf, pure: a frame's body in, values out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ibgateway_simulator.errors import WireError
from ibgateway_simulator.model.trading.orders import OrderTicket
from ibgateway_simulator.tws.protobuf import schema
from ibgateway_simulator.tws.requests import (
    ApiRequest,
    ContractQuery,
    ExecutionFilter,
    account_of,
    order_action,
)
from ibgateway_simulator.tws.wire import number

OFFSET = 200
"""What a message's number is raised by on the wire to say that it is protobuf."""
NUMBER_BYTES = 4
UNKNOWN = "CancelMarketData"
"""What a request that is not known here is read as: its number, and nothing else of it."""

NAMES: Mapping[str, str] = {
    ApiRequest.REQ_MKT_DATA: "MarketDataRequest",
    ApiRequest.CANCEL_MKT_DATA: "CancelMarketData",
    ApiRequest.PLACE_ORDER: "PlaceOrderRequest",
    ApiRequest.CANCEL_ORDER: "CancelOrderRequest",
    ApiRequest.REQ_OPEN_ORDERS: "OpenOrdersRequest",
    ApiRequest.REQ_ACCOUNT_UPDATES: "AccountDataRequest",
    ApiRequest.REQ_EXECUTIONS: "ExecutionRequest",
    ApiRequest.REQ_IDS: "IdsRequest",
    ApiRequest.REQ_CONTRACT_DETAILS: "ContractDataRequest",
    ApiRequest.SET_SERVER_LOG_LEVEL: "SetServerLogLevelRequest",
    ApiRequest.REQ_AUTO_OPEN_ORDERS: "AutoOpenOrdersRequest",
    ApiRequest.REQ_ALL_OPEN_ORDERS: "AllOpenOrdersRequest",
    ApiRequest.REQ_MANAGED_ACCTS: "ManagedAccountsRequest",
    ApiRequest.REQ_CURRENT_TIME: "CurrentTimeRequest",
    ApiRequest.REQ_GLOBAL_CANCEL: "GlobalCancelRequest",
    ApiRequest.REQ_MARKET_DATA_TYPE: "MarketDataTypeRequest",
    ApiRequest.REQ_POSITIONS: "PositionsRequest",
    ApiRequest.REQ_ACCOUNT_SUMMARY: "AccountSummaryRequest",
    ApiRequest.CANCEL_ACCOUNT_SUMMARY: "CancelAccountSummary",
    ApiRequest.CANCEL_POSITIONS: "CancelPositions",
    ApiRequest.START_API: "StartApiRequest",
    ApiRequest.REQ_ACCOUNT_UPDATES_MULTI: "AccountUpdatesMultiRequest",
    ApiRequest.CANCEL_ACCOUNT_UPDATES_MULTI: "CancelAccountUpdatesMulti",
    ApiRequest.REQ_COMPLETED_ORDERS: "CompletedOrdersRequest",
    ApiRequest.REQ_CURRENT_TIME_IN_MILLIS: "CurrentTimeInMillisRequest",
    ApiRequest.CANCEL_CONTRACT_DATA: "CancelContractData",
}


@dataclass(frozen=True, slots=True)
class ProtobufRequest:
    """A message of a client; None where it comes as text."""

    kind: str
    message: Any = None

    @property
    def fields(self) -> tuple[str, ...]:
        """The number alone."""
        return (self.kind,)

    @property
    def content(self) -> dict[str, Any] | None:
        """Its values by name."""
        return None if self.message is None else schema.shown(self.message)

    @property
    def refused_id(self) -> int:
        """The number that nearly all of IBKR's requests begin with."""
        return -1 if self.message is None else self.message.reqId or -1

    @property
    def req_id(self) -> int:
        """The request's number, in a CancelOrderRequest the order's."""
        named = "orderId" if self.kind == ApiRequest.CANCEL_ORDER else "reqId"
        return int(getattr(self.message, named))

    @property
    def client_id(self) -> int:
        """In StartApiRequest."""
        return int(self.message.clientId)

    @property
    def account(self) -> str:
        """In AccountDataRequest and AccountUpdatesMultiRequest."""
        data = self.kind == ApiRequest.REQ_ACCOUNT_UPDATES
        return str(self.message.acctCode if data else self.message.account)

    @property
    def subscribes(self) -> bool:
        """In AccountDataRequest."""
        return bool(self.message.subscribe)

    @property
    def tags(self) -> str:
        """In AccountSummaryRequest."""
        return str(self.message.tags)

    @property
    def snapshot(self) -> bool:
        """In MarketDataRequest."""
        return bool(self.message.snapshot)

    def contract_query(self) -> ContractQuery:
        """In ContractDataRequest, MarketDataRequest and PlaceOrderRequest."""
        asked = self.message.contract
        return ContractQuery(asked.conId, asked.symbol, asked.secType, asked.currency)

    def execution_filter(self) -> ExecutionFilter:
        """In ExecutionRequest."""
        asked = self.message.executionFilter
        return ExecutionFilter(
            self.message.reqId, asked.clientId, asked.acctCode, asked.time, asked.symbol, asked.side
        )

    def ticket(self, accounts: Sequence[str], client_id: int) -> OrderTicket:
        """In PlaceOrderRequest."""
        order, contract = self.message.order, self.message.contract
        if not (self.message.HasField("order") and self.message.HasField("contract")):
            raise WireError("placeOrder without an order or a contract")
        known = self.contract_query().find()
        return OrderTicket(
            account=account_of(order.account, accounts),
            client_id=client_id,
            order_id=self.message.orderId,
            con_id=known.con_id if known else 0,
            symbol=known.symbol if known else contract.symbol,
            action=order_action(order.action),
            quantity=number(order.totalQuantity),
            order_type=order.orderType,
            limit_price=number(str(order.lmtPrice)),
            aux_price=number(str(order.auxPrice)),
            tif=order.tif,
            order_ref=order.orderRef,
            exchange=contract.exchange or "SMART",
            outside_rth=order.outsideRth,
            what_if=order.whatIf,
            login=accounts[0],
        )


def read(body: bytes) -> ProtobufRequest:
    """A frame's body as a request; one that comes as text at these versions is not known here."""
    if len(body) < NUMBER_BYTES:
        raise WireError(f"a message of {len(body)} bytes")
    at_wire = int.from_bytes(body[:NUMBER_BYTES], "big")
    kind = str(at_wire - OFFSET)
    if at_wire <= OFFSET:
        return ProtobufRequest(str(at_wire) + " in text")
    return ProtobufRequest(kind, schema.parse(NAMES.get(kind, UNKNOWN), body[NUMBER_BYTES:]))
