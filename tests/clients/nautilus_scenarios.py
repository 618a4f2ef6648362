"""What a day can bring, with IBKR's own client of today: `python nautilus_scenarios.py HOST PORT CONTROL_URL`.

Prints one JSON document with the keys that the scenarios of Rust's client print.
"""

import json
import sys
import threading
import time

from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi_story import control, made_order
from nautilus_story import CurrentClient

BID, ASK, LAST = 1, 2, 4


class Client(CurrentClient):
    """Hears prices, summaries and times too; `codes` are of errors by request or order."""

    def __init__(self):
        super().__init__()
        self.times, self.summary, self.multi, self.prices, self.codes = [], {}, {}, {}, {}
        self.previews, self.working, self.limits, self.texts = {}, [], {}, []
        self.closed = False

    def currentTime(self, time):
        self.times.append(float(time))
        self.tell()

    def currentTimeInMillis(self, timeInMillis):
        self.times.append(timeInMillis / 1000)
        self.tell()

    def accountSummary(self, reqId, account, tag, value, currency):
        self.summary[tag] = value

    def accountSummaryEnd(self, reqId):
        self.end("summary")

    def accountUpdateMulti(self, reqId, account, modelCode, key, value, currency):
        if currency == "USD":
            self.multi[key] = value

    def accountUpdateMultiEnd(self, reqId):
        self.end("multi")

    def tickPrice(self, reqId, tickType, price, attrib):
        self.prices[reqId, tickType] = price
        self.tell()

    def tickSnapshotEnd(self, reqId):
        self.end("snapshot")

    def openOrder(self, orderId, contract, order, orderState):
        super().openOrder(orderId, contract, order, orderState)
        self.working.append(order.orderRef)
        self.limits[orderId] = order.lmtPrice
        if order.whatIf:
            self.previews[orderId] = orderState
        self.tell()

    def openOrderEnd(self):
        self.end("open orders")

    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson=""):
        self.codes.setdefault(reqId, []).append(errorCode)
        self.texts.append(errorString)
        super().error(reqId, errorTime, errorCode, errorString)

    def connectionClosed(self):
        self.closed = True
        self.tell()

    def preview(self, contract):
        """The answer to a what-if."""
        asked = self.order(contract, "BUY", 10, "what-if", whatIf=True)
        self.until(lambda: asked in self.previews)
        return self.previews[asked]

    def code(self, number, *, skip=0):
        """The first error about a request or an order."""
        self.until(lambda: len(self.codes.get(number, [])) > skip)
        return self.codes[number][skip]


def connected(host, port, client_id):
    client = Client()
    client.connect(host, int(port), client_id)
    threading.Thread(target=client.run, daemon=True).start()
    return client


def stock(symbol):
    wanted = Contract()
    wanted.symbol, wanted.secType, wanted.exchange, wanted.currency = symbol, "STK", "SMART", "USD"
    return wanted


def reading(client, url):
    client.reqCurrentTime()
    client.until(lambda: len(client.times) == 1)
    control("PATCH", url + "/v1/clock", {"offset_seconds": 2})
    client.reqCurrentTimeInMillis()
    client.until(lambda: len(client.times) == 2)
    client.reqAccountSummary(1, "All", "NetLiquidation,SettledCash")
    client.reqAccountUpdatesMulti(2, "DU1234567", "", False)
    aapl = stock("AAPL")
    client.reqMktData(3, aapl, "", True, False, [])
    client.reqMktData(4, aapl, "", False, False, [])
    client.until(
        lambda: {"summary", "multi", "snapshot"} <= client.ends and (4, LAST) in client.prices
    )
    control("PATCH", url + "/v1/prices", {"AAPL": "191"})
    client.until(lambda: client.prices[4, LAST] == 191)
    client.cancelMktData(4)
    client.reqContractDetails(5, stock("NOPE"))
    client.reqHistoricalData(6, aapl, "", "1 D", "1 hour", "TRADES", 1, 1, False, [])
    return {
        "clock_is_near": [abs(at - time.time()) < 60 for at in client.times],
        "summary": client.summary,
        "multi": client.multi["NetLiquidation"],
        "snapshot": [client.prices[3, tick] for tick in (BID, ASK, LAST)],
        "streamed": client.prices[4, LAST],
        "unknown_contract": client.code(5),
        "historical": client.code(6),
    }


def trading(client, url):
    aapl = stock("AAPL")
    preview = client.preview(aapl)
    told = {
        "what_if": [preview.status, preview.initMarginChange, preview.equityWithLoanAfter],
        "what_if_costs": [preview.commissionAndFees, preview.commissionAndFeesCurrency],
    }
    control("PATCH", url + "/v1/faults", {"hold_fills": True})
    limit = client.order(aapl, "BUY", 5, "working", 100.0)
    client.until(lambda: client.status(limit)[0] == "Submitted")
    client.placeOrder(limit, aapl, made_order("BUY", 5, "working", 101.0))
    client.until(lambda: client.limits[limit] == 101.0)
    client.working.clear()
    client.reqAllOpenOrders()
    client.until(lambda: "open orders" in client.ends)
    told["changed"], told["working"] = client.limits[limit], list(client.working)
    client.cancelOrder(limit)
    told["cancel_is"] = client.code(limit)
    told["cancelled"] = client.status(limit)[0]
    control("POST", url + "/v1/fills/release", {})
    told["off_tick"] = client.code(client.order(aapl, "BUY", 5, "off-tick", 100.001))
    client.next_id = limit
    told["used_id"] = client.code(client.order(aapl, "BUY", 1, "again"), skip=1)
    client.next_id = 50
    client.cancelOrder(49)
    told["not_found"] = client.code(49)
    return told


def awkward(client, url, where):
    aapl = stock("AAPL")
    control("PATCH", url + "/v1/faults", {"tif_preset": True})
    preset = client.order(aapl, "BUY", 1, "preset", tif="")
    told = {"preset": client.code(preset)}
    client.until(lambda: client.status(preset)[0] == "Filled")
    told["preset_is"] = client.status(preset)[0]
    control("PATCH", url + "/v1/faults", {"read_only": True})
    told["read_only"] = client.code(client.order(aapl, "BUY", 1, "read-only"))
    control("PATCH", url + "/v1/faults", {"read_only": False})
    other = connected(*where, 17)
    told["id_in_use"] = other.code(-1)
    control("POST", url + "/v1/connectivity", {"state": "lost"})
    control("POST", url + "/v1/connectivity", {"state": "restored", "code": 1102})
    client.until(lambda: 1102 in client.codes[-1])
    told["link"] = [code for code in client.codes[-1] if code < 2000]
    control("POST", url + "/v1/connections/drop", {})
    client.until(lambda: client.closed)
    again = connected(*where, 18)
    again.until(lambda: again.next_id)
    again.reqExecutions(1, ExecutionFilter())
    again.until(lambda: "executions" in again.ends)
    told["after_a_drop"] = [row[3] for row in again.fills]
    again.disconnect()
    return told


def main(host, port, url):
    client = connected(host, port, 17)
    client.until(lambda: client.next_id)
    told = {**reading(client, url), **trading(client, url), **awkward(client, url, (host, port))}
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main(*sys.argv[1:])
