"""Between the IB library's objects and the executor's values. Pure.

Floats become `Decimal` through their shortest text; IBKR's unset markers become None or 0.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from ibgateway_executor.broker.ib.library import ib_library
from ibgateway_executor.broker.protocol import Candidate
from ibgateway_executor.errors import AccountUnavailableError
from ibgateway_executor.orders.broker_reports import FillReport, OrderStatusReport
from ibgateway_executor.orders.order import Contract, Order, Side
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    CommissionReport,
    ExecutionReport,
    MarketQuote,
    OpenOrderReport,
    PositionReport,
    SettlementKind,
)

_ONE: Final = ("", "0", "1", "1.0")
LARGEST_NUMBER: Final = 1e15
"""IBKR's marker of an unset number is the largest double."""
LARGEST_AMOUNT: Final = Decimal(LARGEST_NUMBER)
LEDGER_PREFIX: Final = "$LEDGER-"
"""What the keys of values by currency begin with where the user's settings have that switched on."""
BASE: Final = "BASE"
"""In place of a currency: the sum of all of them."""
LIVE_TICKS: Final = (4, 2, 1, 9)
"""Tick types of last, ask, bid, close."""
DELAYED_TICKS: Final = (68, 67, 66, 75)


def contract_of(contract: Contract) -> ib_library.Contract:
    """The library's contract: by number where it is known."""
    return ib_library.Contract(
        conId=contract.con_id,
        symbol=contract.symbol,
        secType=contract.sec_type,
        exchange=contract.exchange,
        currency=contract.currency,
        primaryExchange=contract.primary_exchange,
    )


def order_of(order: Order) -> ib_library.Order:
    """The library's order; time in force and account always explicit (an empty one is error 10349)."""
    terms = order.terms
    written = ib_library.Order(
        orderId=order.order_id,
        action=terms.side.value,
        totalQuantity=terms.quantity,
        orderType=terms.order_type.value,
        tif=terms.time_in_force.value,
        account=terms.account,
        orderRef=order.order_ref,
        transmit=True,
    )
    if terms.limit_price is not None:
        written.lmtPrice = float(terms.limit_price)
    if terms.stop_price is not None:
        written.auxPrice = float(terms.stop_price)
    written.outsideRth = terms.outside_regular_hours
    return written


def open_order(order_id: int, contract: Any, order: Any, state: Any) -> OrderStatusReport:
    """openOrder: status, orderRef and contract, no quantities."""
    return OrderStatusReport(
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
        account=order.account,
        con_id=contract.conId,
    )


def open_order_report(order_id: int, contract: Any, order: Any, state: Any) -> OpenOrderReport:
    """openOrder, whole."""
    return OpenOrderReport(
        account=order.account,
        contract=_named(contract),
        side=Side.BUY if order.action == "BUY" else Side.SELL,
        order_type=order.orderType,
        quantity=number(order.totalQuantity) or Decimal(0),
        order_ref=order.orderRef,
        order_id=order_id,
        client_id=order.clientId,
        perm_id=order.permId,
        status=state.status,
    )


def order_status(args: tuple[Any, ...]) -> OrderStatusReport:
    """orderStatus: cumulative quantity and average price, no orderRef."""
    order_id, status, filled, _, average, perm_id = args[:6]
    return OrderStatusReport(
        order_id=order_id,
        client_id=args[8],
        perm_id=perm_id,
        status=status,
        filled=number(filled),
        average_price=number(average) if filled else None,
    )


def completed_order(order: Any, state: Any) -> OrderStatusReport:
    """completedOrder: it has neither order id nor client id."""
    return OrderStatusReport(
        order_id=0,
        client_id=0,
        perm_id=order.permId,
        status=state.status,
        order_ref=order.orderRef,
        filled=number(order.filledQuantity),
        ended=True,
        text=state.completedStatus,
    )


def execution(execution: Any) -> FillReport:
    """execDetails."""
    return FillReport(
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
        order_ref=execution.orderRef,
        exec_id=execution.execId,
        cumulative=number(execution.cumQty) or Decimal(0),
        average_price=number(execution.avgPrice) or Decimal(0),
    )


def execution_report(contract: Any, execution: Any) -> ExecutionReport:
    """execDetails, whole. Its contract says where it was executed, not where to route."""
    return ExecutionReport(
        account=execution.acctNumber,
        contract=replace(_named(contract), exchange=execution.exchange),
        side=Side.BUY if execution.side == "BOT" else Side.SELL,
        quantity=number(execution.shares) or Decimal(0),
        price=number(execution.price) or Decimal(0),
        at=execution.time,
        exec_id=execution.execId,
        order_ref=execution.orderRef,
        order_id=execution.orderId,
        client_id=execution.clientId,
        perm_id=execution.permId,
    )


def candidate(details: Any) -> Candidate:
    """contractDetails."""
    return Candidate(
        _named(details.contract),
        details.liquidHours,
        details.timeZoneId,
        trading_hours=details.tradingHours,
        min_tick=number(details.minTick) or None,
        market_rules=_market_rules(details.validExchanges, details.marketRuleIds),
    )


def commission(told: Any) -> CommissionReport | None:
    """commissionReport, without its order's orderRef; None where the amount is not set."""
    cost = number(told.commission)
    return None if cost is None else CommissionReport("", told.execId, cost, told.currency)


def position(account: str, contract: Any, quantity: float, average_cost: float) -> PositionReport:
    """position. Its contract says where it is listed, not where to route.

    AccountUnavailableError where the quantity is no number: it is not 0, and nobody knows what it is.
    """
    held = replace(_named(contract), exchange="SMART", primary_exchange=contract.exchange)
    shares = number(quantity)
    if shares is None:
        raise AccountUnavailableError(
            f"IBKR did not tell how much {account} holds of {held}: {quantity} is no quantity"
        )
    return PositionReport(account, held, shares, number(average_cost) or Decimal(0))


def account_report(account: str, rows: Iterable[tuple[str, str, str, str, str]]) -> AccountReport:
    """The rows of accountUpdateMulti: account, model, key, value, currency.

    AccountUnavailableError where IBKR says so, or one of the values that are always there is missing.
    """
    mine = [(key.removeprefix(LEDGER_PREFIX), *row) for of, _, key, *row in rows if of == account]
    values = {key: value for key, value, _ in mine}
    if values.get("AccountReady", "true").casefold() == "false":
        raise AccountUnavailableError(f"IBKR says that the values of {account} are not valid yet")
    amounts = {key: amount(value) for key, value, currency in mine if currency != BASE}
    net, cash = amounts.get("NetLiquidation"), amounts.get("TotalCashValue")
    if net is None or cash is None:
        raise AccountUnavailableError(
            f"IBKR did not tell NetLiquidation and TotalCashValue of {account}"
        )
    funds, power = amounts.get("AvailableFunds"), amounts.get("BuyingPower")
    return AccountReport(
        account,
        next(currency for key, _, currency in mine if key == "NetLiquidation"),
        net,
        cash,
        settled_cash=amounts.get("SettledCash"),
        available_funds=funds,
        buying_power=power,
        account_type=values.get("AccountType", ""),
        settlement=_settlement(values.get("TradingType-S", ""), funds, power),
        cash={
            currency: told
            for key, value, currency in mine
            if key == "CashBalance" and currency != BASE and (told := amount(value)) is not None
        },
    )


def _settlement(trading: str, funds: Decimal | None, power: Decimal | None) -> SettlementKind:
    """A cash account's buying power is its cash; a margin account's at least twice its available funds."""
    if "CASH" in trading:
        return SettlementKind.CASH
    multiple = funds is not None and power is not None and 0 < 2 * funds <= power
    return SettlementKind.MARGIN if "MRGN" in trading or multiple else SettlementKind.CASH


def market_quote(ticks: Mapping[int, Decimal]) -> MarketQuote:
    """The ticks of a snapshot by their types; live ones before delayed ones."""
    known = {tick: price for tick, price in ticks.items() if price > 0}
    live, late = _quote_of(known, LIVE_TICKS), _quote_of(known, DELAYED_TICKS)
    traded = live.last or live.ask or live.bid
    return live if traded or late.price is None else replace(late, delayed=True)


def _quote_of(known: Mapping[int, Decimal], ticks: tuple[int, int, int, int]) -> MarketQuote:
    last, ask, bid, close = (known.get(tick) for tick in ticks)
    return MarketQuote(last=last, ask=ask, bid=bid, close=close)


def _market_rules(exchanges: str, rules: str) -> tuple[tuple[str, int], ...]:
    pairs = zip(exchanges.split(","), rules.split(","), strict=False)
    return tuple((exchange, int(rule)) for exchange, rule in pairs if rule.isdecimal())


def _named(contract: Any) -> Contract:
    return Contract(
        con_id=contract.conId,
        symbol=contract.symbol,
        sec_type=contract.secType,
        exchange=contract.exchange,
        currency=contract.currency,
        primary_exchange=contract.primaryExchange,
        multiplier="" if contract.multiplier in _ONE else contract.multiplier,
    )


def amount(text: str) -> Decimal | None:
    """An account value's number; None where it is none, or beyond any amount."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value) < LARGEST_AMOUNT else None


def number(value: float | None) -> Decimal | None:
    """None for what is no number: unset, not finite, or beyond any quantity and price."""
    if value is None or not abs(value) < LARGEST_NUMBER:
        return None
    return decimal(value)


def decimal(value: float) -> Decimal:
    """Through the shortest text that reads back as the same float: 190.01, not 190.00999…"""
    exact = Decimal(repr(value))
    whole = exact.to_integral_value()
    return whole if whole == exact else exact.normalize()
