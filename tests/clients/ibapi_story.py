"""The story with IBKR's own client of PyPI: `python ibapi_story.py HOST PORT CONTROL_URL`.

ibapi 9.81.1.post1 is unmodified; it runs its reader in a thread. Prints one JSON document with
the keys that async_story.py prints, as far as this client has them.
"""

import json
import sys
import threading
import urllib.request

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper


def control(method, url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def made_order(action, quantity, ref, limit):
    order = Order()
    order.action, order.totalQuantity, order.tif, order.orderRef = action, quantity, "DAY", ref
    order.orderType = "MKT" if limit is None else "LMT"
    if limit is not None:
        order.lmtPrice = limit
    return order


class Client(EWrapper, EClient):
    """Collects what the server says; `until` waits for it."""

    def __init__(self):
        EClient.__init__(self, self)
        self.news = threading.Condition()
        self.next_id = 0
        self.accounts = ""
        self.values, self.held, self.details, self.statuses = {}, {}, [], {}
        self.fills, self.live, self.completed, self.errors, self.ends = [], [], [], [], set()
        self.commissions, self.perm_ids = {}, {}

    def until(self, condition):
        with self.news:
            if not self.news.wait_for(condition, timeout=30):
                raise TimeoutError(self.errors)

    def tell(self):
        with self.news:
            self.news.notify_all()

    def nextValidId(self, orderId):
        self.next_id = orderId
        self.tell()

    def managedAccounts(self, accountsList):
        self.accounts = accountsList

    def updateAccountValue(self, key, val, currency, accountName):
        if currency == "USD":
            self.values[key] = val

    def accountDownloadEnd(self, accountName):
        self.end("account")

    def position(self, account, contract, position, avgCost):
        self.held[contract.symbol] = float(position)
        self.tell()

    def positionEnd(self):
        self.end("positions")

    def contractDetails(self, reqId, contractDetails):
        self.details.append(contractDetails)

    def contractDetailsEnd(self, reqId):
        self.end("details")

    def openOrder(self, orderId, contract, order, orderState):
        self.perm_ids[orderId] = order.permId

    def orderStatus(self, orderId, status, filled, remaining, *rest):
        self.statuses[orderId] = (status, float(filled), float(remaining))
        self.tell()

    def execDetails(self, reqId, contract, execution):
        row = [execution.side, float(execution.shares), execution.price, execution.orderRef]
        (self.live if reqId == -1 else self.fills).append(row)

    def execDetailsEnd(self, reqId):
        self.end("executions")

    def commissionReport(self, commissionReport):
        self.commissions[commissionReport.execId] = commissionReport.commission
        self.tell()

    def completedOrder(self, contract, order, orderState):
        self.completed.append(order.orderRef)

    def completedOrdersEnd(self):
        self.end("completed")

    def error(self, reqId, errorCode, errorString):
        if errorCode < 2000:
            self.errors.append([errorCode, errorString])
        self.tell()

    def end(self, name):
        self.ends.add(name)
        self.tell()

    def order(self, contract, action, quantity, ref, limit=None, **more):
        order = made_order(action, quantity, ref, limit)
        for name, value in more.items():
            setattr(order, name, value)
        order_id, self.next_id = self.next_id, self.next_id + 1
        self.placeOrder(order_id, contract, order)
        return order_id

    def status(self, order_id):
        return self.statuses.get(order_id, ("", 0.0, 0.0))


def story(client, url):
    client.until(lambda: client.next_id)
    client.reqAccountUpdates(True, "")
    client.reqPositions()
    wanted = Contract()
    wanted.symbol, wanted.secType, wanted.exchange, wanted.currency = "AAPL", "STK", "SMART", "USD"
    client.reqContractDetails(1, wanted)
    client.until(lambda: {"account", "positions", "details"} <= client.ends)
    details = client.details[0]
    contract = details.contract
    told = {
        "server_version": client.serverVersion(),
        "accounts": client.accounts.split(","),
        "net_liquidation": client.values["NetLiquidation"],
        "settled_cash": client.values["SettledCash"],
        "positions_at_first": dict(client.held),
        "contract": [contract.conId, contract.primaryExchange, details.timeZoneId],
        "liquid_hours": details.liquidHours,
    }

    market = client.order(contract, "BUY", 10, "market")
    client.until(lambda: client.status(market)[0] == "Filled" and client.commissions)
    told["market"] = [client.status(market)[0], [row for row in client.live if row[3] == "market"]]
    told["commission"] = next(iter(client.commissions.values()))

    limit = client.order(contract, "BUY", 5, "limit", 100.0)
    client.until(lambda: client.status(limit)[0] == "Submitted")
    told["limit_works"] = list(client.status(limit)[:2])
    client.cancelOrder(limit)
    client.until(lambda: client.status(limit)[0] == "Cancelled")
    told["limit_cancelled"] = client.status(limit)[0]

    control("PATCH", url + "/v1/faults", {"partial_next": ["4"]})
    partial = client.order(contract, "BUY", 10, "partial")
    client.until(lambda: client.status(partial)[1] == 4)
    told["partial"] = list(client.status(partial))
    control("POST", url + f"/v1/orders/{client.perm_ids[partial]}/fill", {})
    client.until(lambda: client.status(partial)[0] == "Filled")
    told["partial_filled"] = [row for row in client.live if row[3] == "partial"]

    control("PATCH", url + "/v1/faults", {"reject_next": "The contract is not allowed."})
    client.errors.clear()
    rejected = client.order(contract, "BUY", 1, "rejected")
    client.until(lambda: client.status(rejected)[0] == "Inactive" and client.errors)
    told["rejected"] = client.errors[0]
    told["rejected_fills"] = [row for row in client.live if row[3] == "rejected"]

    client.until(lambda: client.held.get("AAPL") == 20)
    told["positions_at_last"] = dict(client.held)
    client.reqExecutions(2, ExecutionFilter())
    client.reqCompletedOrders(False)
    client.until(lambda: {"executions", "completed"} <= client.ends)
    told["executions"] = [row[3] for row in client.fills]
    told["completed"] = sorted(client.completed)
    return told


def main(host, port, url, client):
    client.connect(host, int(port), 17)
    reader = threading.Thread(target=client.run, daemon=True)
    reader.start()
    try:
        sys.stdout.write(json.dumps(story(client, url)))
    finally:
        client.disconnect()
        reader.join(timeout=10)


if __name__ == "__main__":
    main(*sys.argv[1:], client=Client())
