"""The control API's routes about trading: faults, orders, fills, clock, prices, accounts."""

import dataclasses
import datetime as dt
import json
from decimal import Decimal

from aiohttp import web

from ibgateway_simulator.errors import SimulatorConflictError, SimulatorNotFoundError
from ibgateway_simulator.ibkr import views
from ibgateway_simulator.ibkr.ibkr import SimulatedIbkr
from ibgateway_simulator.ibkr.views import Json
from ibgateway_simulator.model import faults
from ibgateway_simulator.model.choices import choice
from ibgateway_simulator.model.trading import market
from ibgateway_simulator.model.trading.accounts import Account, AccountType, Position
from ibgateway_simulator.model.trading.audit import ArrivalFate
from ibgateway_simulator.model.trading.hours import Hours, HoursMode
from ibgateway_simulator.model.trading.market_rules import changed_market


class TradingControl:
    """Handlers about trading."""

    def __init__(self, ibkr: SimulatedIbkr) -> None:
        self._ibkr = ibkr

    async def faults(self, _: web.Request, body: Json) -> Json:
        """Change faults; the others stay."""
        book = self._ibkr.book
        book.faults = faults.changed(book.faults, body)
        changed: Json = json.loads(json.dumps(dataclasses.asdict(book.faults), default=str))
        return changed

    async def orders(self, _: web.Request, __: Json) -> list[Json]:
        """Every order booked, oldest first."""
        return [views.order_view(order) for order in self._ibkr.book.orders.values()]

    async def executions(self, _: web.Request, __: Json) -> list[Json]:
        """Every fill, oldest first."""
        return [views.execution_view(execution) for execution in self._ibkr.book.executions]

    async def order_verb(self, request: web.Request, body: Json) -> Json:
        """fill {quantity, price} or cancel one order."""
        book, now = self._ibkr.book, self._ibkr.now()
        perm_id = int(request.match_info["perm_id"])
        order = book.by_perm_id(perm_id)
        match request.match_info["verb"]:
            case "fill":
                amount, price = body.get("quantity"), body.get("price")
                messages = book.fill(
                    perm_id,
                    _decimal(amount) if amount is not None else None,
                    _decimal(price) if price is not None else None,
                    now,
                )
            case "cancel":
                messages = book.cancel(order.ticket.key, order.ticket, now)
            case other:
                raise SimulatorNotFoundError(f"nothing to do to an order is called {other!r}")
        self._ibkr.publish(messages)
        return views.order_view(book.by_perm_id(perm_id))

    async def late_orders(self, _: web.Request, __: Json) -> list[Json]:
        """Book every order that was lost as `late`; the booked ones."""
        ibkr, booked = self._ibkr, []
        for ticket, arrival in ibkr.late:
            messages = ibkr.book.place_late(ticket, ibkr.now())
            perm_id = next(reversed(ibkr.book.orders))
            ibkr.audit.became(arrival, ArrivalFate.BOOKED, perm_id)
            ibkr.publish(messages)
            booked.append(views.order_view(ibkr.book.by_perm_id(perm_id)))
        ibkr.late.clear()
        return booked

    async def release(self, _: web.Request, __: Json) -> Json:
        """End hold_fills and let held orders fill."""
        self._ibkr.book.release()
        return {"hold_fills": False}

    async def next_ids(self, _: web.Request, body: Json) -> Json:
        """Set nextValidId of a client: {account, client_id, value}."""
        key = (str(body["account"]), int(body["client_id"]))
        self._ibkr.book.next_ids[key] = int(body["value"])
        return {"account": key[0], "client_id": key[1], "value": int(body["value"])}

    async def clock(self, _: web.Request, body: Json) -> Json:
        """offset_seconds, hours (always, regular, closed, custom), and what they consist of."""
        if "offset_seconds" in body:
            self._ibkr.offset = dt.timedelta(seconds=float(body["offset_seconds"]))
        if "hours" in body:
            self._ibkr.book.hours = Hours(
                mode=choice(HoursMode, body["hours"], of="hours"),
                sessions=tuple(_session(pair) for pair in body.get("sessions", [])),
                holidays=_dates(body.get("holidays", [])),
                half_days=_dates(body.get("half_days", [])),
                overnight=bool(body.get("overnight", False)),
            )
        self._ibkr.tick()
        now, hours = self._ibkr.now(), self._ibkr.book.hours
        return {
            "now": now.isoformat(),
            "open": hours.is_open(now),
            "liquid": hours.text(now),
            "trading": hours.trading_text(now),
        }

    async def market(self, _: web.Request, body: Json) -> Json:
        """Change what the market does to every order; the rest stays."""
        book = self._ibkr.book
        book.rules = changed_market(book.rules, body)
        changed: Json = json.loads(json.dumps(dataclasses.asdict(book.rules), default=str))
        return changed

    async def audit(self, _: web.Request, __: Json) -> Json:
        """Every placeOrder in the order of arrival, and every order ever booked."""
        return {
            "arrivals": [views.arrival_view(arrival) for arrival in self._ibkr.audit.arrivals],
            "orders": [views.order_view(order) for order in self._ibkr.book.orders.values()],
        }

    async def prices(self, _: web.Request, body: Json) -> Json:
        """Set last prices by symbol; limit orders may fill."""
        for symbol, price in body.items():
            if symbol not in market.BY_SYMBOL:
                raise SimulatorNotFoundError(f"no contract is called {symbol!r}")
            self._ibkr.book.prices[market.BY_SYMBOL[symbol].con_id] = _decimal(price)
        self._ibkr.account_changed()
        prices = self._ibkr.book.prices
        return {symbol: str(prices[c.con_id]) for symbol, c in market.BY_SYMBOL.items()}

    async def accounts(self, _: web.Request, __: Json) -> list[Json]:
        """Every account."""
        return [views.account_view(account) for account in self._ibkr.book.accounts.values()]

    async def patch_account(self, request: web.Request, body: Json) -> Json:
        """Set the type, cash by currency and positions by symbol; what is not named stays."""
        name = request.match_info["account"]
        account = self._ibkr.book.accounts.get(name)
        if account is None:
            raise SimulatorNotFoundError(f"no account is called {name!r}")
        self._ibkr.book.accounts[name] = _patched(account, body)
        self._ibkr.account_changed()
        return views.account_view(self._ibkr.book.accounts[name])


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _patched(account: Account, body: Json) -> Account:
    cash = {currency: _decimal(amount) for currency, amount in body.get("cash", {}).items()}
    positions = dict(account.positions)
    for symbol, held in body.get("positions", {}).items():
        con_id = market.BY_SYMBOL[symbol].con_id
        cost = _decimal(held.get("average_cost", 0))
        positions[con_id] = Position(_decimal(held["quantity"]), cost)
    kept = {con_id: held for con_id, held in positions.items() if held.quantity}
    return dataclasses.replace(
        account,
        type=choice(AccountType, body.get("type", account.type), of="an account's type"),
        cash={**account.cash, **cash},
        positions=kept,
    )


def _dates(texts: list[str]) -> frozenset[dt.date]:
    return frozenset(dt.date.fromisoformat(text) for text in texts)


def _session(pair: list[str]) -> tuple[dt.datetime, dt.datetime]:
    start, end = (dt.datetime.fromisoformat(text) for text in pair)
    if start.tzinfo is None or end.tzinfo is None:
        raise SimulatorConflictError("sessions carry an offset from UTC")
    return start, end
