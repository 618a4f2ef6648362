"""Examples of the API's documents, for its OpenAPI page. Pure."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from ibgateway_executor.intake.problems import problem
from ibgateway_executor.intake.schema import order_document
from ibgateway_executor.orders.order import (
    Contract,
    Order,
    OrderState,
    OrderTerms,
    OrderType,
    Side,
)

_ACCEPTED: Final = datetime(2026, 11, 23, 14, 31, 7, tzinfo=UTC)

ORDER: Final = order_document(
    Order(
        id="4be1643f98d1f8b6b1b1a3c7",
        sequence=1,
        terms=OrderTerms(
            account="DU1234567",
            contract=Contract(
                con_id=265598,
                symbol="AAPL",
                sec_type="STK",
                exchange="SMART",
                currency="USD",
                primary_exchange="NASDAQ",
            ),
            side=Side.BUY,
            quantity=10,
            order_type=OrderType.LIMIT,
            limit_price=Decimal("190.25"),
        ),
        accepted_at=_ACCEPTED,
        valid_until=datetime(2026, 11, 23, 21, 0, tzinfo=UTC),
        state=OrderState.WORKING,
        client_id=17,
        order_id=42,
        perm_id=1532640581,
        sent_at=datetime(2026, 11, 23, 14, 31, 7, 41000, tzinfo=UTC),
        filled=Decimal(4),
        average_price=Decimal("190.2"),
        updated_at=datetime(2026, 11, 23, 14, 31, 8, tzinfo=UTC),
    )
)
ORDER_BODIES: Final[dict[str, Any]] = {
    "a limit order": {
        "contract": {"symbol": "AAPL"},
        "side": "BUY",
        "quantity": 10,
        "orderType": "LMT",
        "limitPrice": "190.25",
    },
    "a market order of one account for a contract by its number": {
        "account": "DU1234567",
        "contract": {"conId": 265598},
        "side": "SELL",
        "quantity": 10,
        "orderType": "MKT",
        "validUntil": "2026-11-23T16:00:00-05:00",
    },
    "for the close": {
        "contract": {"symbol": "SPY", "primaryExchange": "ARCA"},
        "side": "SELL",
        "quantity": "100",
        "orderType": "MOC",
        "clientReference": "basket 7",
    },
}
REPLACEMENT_BODIES: Final[dict[str, Any]] = {
    "another price": {"limitPrice": "191.00"},
    "more of it": {"quantity": 15, "clientReference": "basket 8"},
}
RESOLUTION_BODIES: Final[dict[str, Any]] = {
    "IBKR never had it": {"outcome": "notAtBroker", "note": "not in TWS on 23 Nov, 14:05, R."},
    "it was filled": {"outcome": "found", "filledQuantity": 10, "note": "statement of 23 Nov, R."},
}
HISTORY: Final[dict[str, Any]] = {
    "history": [
        {
            "number": 3,
            "at": "2026-11-23T14:31:07.093000+00:00",
            "from": "Sending",
            "to": "Working",
            "reason": "",
            "message": "",
            "cause": "broker",
            "evidence": {"permId": 1532640581, "report": "OrderStatusReport"},
        }
    ],
    "next": None,
}
POSITIONS: Final[dict[str, Any]] = {
    "asOf": "2026-11-23T14:31:09+00:00",
    "problem": None,
    "next": None,
    "positions": [
        {
            "account": "DU1234567",
            "contract": ORDER["contract"],
            "quantity": "10",
            "averageCost": "190.2",
        }
    ],
}
ACCOUNT: Final[dict[str, Any]] = {
    "asOf": "2026-11-23T14:31:09+00:00",
    "problem": "the gateway has lost IBKR: 1100",
    "account": "DU1234567",
    "currency": "USD",
    "settlement": "margin",
    "netLiquidation": "100210.55",
    "totalCash": "98308.55",
    "settledCash": "98308.55",
    "availableFunds": "98308.55",
    "buyingPower": "393234.2",
    "cash": {"USD": "98308.55"},
}
EXECUTIONS: Final[dict[str, Any]] = {
    "asOf": "2026-11-23T14:31:09+00:00",
    "problem": None,
    "next": None,
    "executions": [
        {
            "execId": "0000e0d5.6743a1f2.01.01",
            "at": "2026-11-23T14:31:08+00:00",
            "account": "DU1234567",
            "contract": ORDER["contract"],
            "side": "BUY",
            "quantity": "4",
            "price": "190.2",
            "orderRef": ORDER["orderRef"],
            "orderId": 42,
            "clientId": 17,
            "permId": 1532640581,
        }
    ],
}
EVENTS: Final = (
    "id: 1871\nretry: 2000\n\n"
    'event: gate\ndata: {"open": true, "reason": "", "message": ""}\nid: 1871\n\n'
    'event: order\ndata: {"order": "4be1643f98d1f8b6b1b1a3c7", "number": 3, "at": "2026-11-23T14:31:07.093000+00:00", '
    '"from": "Sending", "to": "Working", "reason": "", "message": "", "cause": "broker", '
    '"evidence": {"permId": 1532640581}}\nid: 1872\n\n'
    'event: rebalance\ndata: {"rebalance": "9f1c0d35a1b24c7e8d61f0aa", "number": 4, "at": "2026-11-23T14:32:10+00:00", '
    '"from": "Buying", "to": "Completed", "reason": "", "message": "", "cause": "executor", '
    '"evidence": {"driftAfter": "0.004000"}}\nid: 1873\n\n'
)
PAUSED: Final[dict[str, Any]] = {
    "paused": True,
    "by": "R.",
    "reason": "earnings at four",
    "since": "2026-11-23T20:40:00+00:00",
    "unacknowledged": 0,
}
GATE: Final[dict[str, Any]] = {
    "open": False,
    "reason": "AwaitingApproval",
    "message": "a push waits",
    "unacknowledged": 0,
    "openOrders": 1,
    "inDoubt": 0,
}
PARAMETERS: Final[dict[str, Any]] = {
    "Last-Event-ID": 1871,
    "Idempotency-Key": "rebalance-2026-11-23-AAPL",
    "order_id": ORDER["id"],
    "account": "DU1234567",
    "symbol": "AAPL",
    "clientReference": "basket 7",
    "since": "2026-11-23T00:00:00Z",
}
_DETAILS: Final = {
    "MalformedRequest": "Invalid HTTP request received.",
    "IdempotencyKeyMissing": "send an Idempotency-Key that you derive from the decision behind the order",
    "IdempotencyKeyInvalid": "send one Idempotency-Key: 1 to 255 visible ASCII characters, or a string in quotation marks",
    "Unauthorized": "send Authorization: Bearer with the executor's token",
    "NoSuchOrder": "there is no order 4be1",
    "NoSuchRebalance": "there is no rebalance 9f1c",
    "CannotCancel": "the order is Filled already",
    "CannotReplace": "the order is Filled already: place a new one",
    "CannotResolve": "the order is Filled and its fate is not in doubt: there is nothing to resolve",
    "RebalanceActive": "DU1234567 has the rebalance 9f1c, which is Waiting: wait for its end or DELETE it, then send this one again",
    "RequestInFlight": "a request with this Idempotency-Key is being stored: send it again in a second",
    "LengthRequired": "send the body with one Content-Length, not chunked",
    "TooLarge": "a request has at most 65536 bytes",
    "UnsupportedMediaType": "send it with Content-Type: application/json",
    "UnknownHost": "this is not evil.example: use the executor's Service name",
    "InvalidRequest": 'limitPrice: write a price above 0 as text, such as "190.25": numbers lose digits',
    "IdempotencyKeyReused": "this Idempotency-Key belongs to order 4be1, which was a different request: use a new key for a new order",
    "UnknownAccount": "account U7654321 may not be traded here: name one of DU1234567 as account",
    "UnknownContract": "name each contract by conId, or by symbol and primaryExchange: NOPE: the broker knows no such contract",
    "ForeignCurrency": "the account is in USD, and a rebalance does not change money: SAP (EUR)",
    "NoPrice": "there is no price of AAPL: allow delayed ones (prices: delayed), give them (prices: given), or subscribe to market data",
    "ValidityEnded": "validUntil is past: it is 2026-11-23T17:00:00+00:00 now",
    "OrderValueLimit": "the order is worth 1902.50, above spec.executor.limits.maxOrderValue 1000: make it smaller or raise the limit",
    "SymbolNotAllowed": "GME is not among spec.executor.limits.allowedSymbols: add it there, or leave the order",
    "PriceCollar": "limitPrice 206 is more than 2.5 % (spec.executor.limits.priceCollarPercent) beyond the stop price, 200: check it, or raise the limit",
    "DailyOrderLimit": "spec.executor.limits.maxOrdersPerDay is 100 and that many orders were accepted since midnight in New York: raise the limit or wait for tomorrow",
    "TooManyRequests": "ask again in 0.250 s, and then less often",
    "InternalError": "RuntimeError: ask with the same Idempotency-Key what became of it, and report it with the log",
    "UnknownEvent": "the newest event is 1872: the ledger may have been restored. Read the orders anew, then listen without Last-Event-ID",
    "TooManyStreams": "32 streams are open: close one, or try again",
    "BrokerUnavailable": "IBKR can't be asked for positions now and was not asked before: there is no connection to the gateway",
    "LedgerUnavailable": "nothing was stored, try again: database or disk is full: free or enlarge its volume",
}


def problem_example(code: str) -> dict[str, Any]:
    """A problem of this code as it may be answered."""
    errors = (
        [{"pointer": "#/limitPrice", "detail": _DETAILS[code].partition(": ")[2]}]
        if code == "InvalidRequest"
        else ()
    )
    active = "9f1c" if code == "RebalanceActive" else ""
    return problem(code, _DETAILS.get(code, ""), errors=errors, rebalance=active)
