"""The story with an asyncio client: `python async_story.py MODULE HOST PORT CONTROL_URL`.

MODULE is ib_async or ib_insync, unmodified; default arguments but for the address and client id.
Prints one JSON document; the test beside it holds what must be in it.
"""

import asyncio
import importlib
import json
import sys
import urllib.request


def control(method, url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def positions(ib):
    return {held.contract.symbol: float(held.position) for held in ib.positions()}


def fills(trade):
    return [
        [
            fill.execution.side,
            float(fill.execution.shares),
            fill.execution.price,
            fill.execution.orderRef,
        ]
        for fill in trade.fills
    ]


async def story(lib, host, port, url):
    ib = lib.IB()
    await ib.connectAsync(host, port, clientId=17)
    values = {value.tag: value.value for value in ib.accountValues() if value.currency == "USD"}
    (contract,) = await ib.qualifyContractsAsync(lib.Stock("AAPL", "SMART", "USD"))
    (details,) = await ib.reqContractDetailsAsync(contract)
    told = {
        "server_version": ib.client.serverVersion(),
        "accounts": ib.managedAccounts(),
        "net_liquidation": values["NetLiquidation"],
        "settled_cash": values["SettledCash"],
        "positions_at_first": positions(ib),
        "contract": [contract.conId, contract.primaryExchange, details.timeZoneId],
        "liquid_hours": details.liquidHours,
        "sessions": len(details.liquidSessions()),
    }

    market = ib.placeOrder(contract, lib.MarketOrder("BUY", 10, tif="DAY", orderRef="market"))
    await until(lambda: market.orderStatus.status == "Filled")
    await until(lambda: market.fills and market.fills[0].commissionReport.execId)
    told["market"] = [market.orderStatus.status, fills(market)]
    told["commission"] = market.fills[0].commissionReport.commission

    limit = ib.placeOrder(contract, lib.LimitOrder("BUY", 5, 100.0, tif="DAY", orderRef="limit"))
    await until(lambda: limit.orderStatus.status == "Submitted")
    told["limit_works"] = [limit.orderStatus.status, limit.orderStatus.filled]
    ib.cancelOrder(limit.order)
    await until(lambda: limit.orderStatus.status == "Cancelled")
    told["limit_cancelled"] = limit.orderStatus.status

    control("PATCH", url + "/v1/faults", {"partial_next": ["4"]})
    partial = ib.placeOrder(contract, lib.MarketOrder("BUY", 10, tif="DAY", orderRef="partial"))
    await until(lambda: partial.orderStatus.filled == 4)
    told["partial"] = [
        partial.orderStatus.status,
        partial.orderStatus.filled,
        partial.orderStatus.remaining,
    ]
    control("POST", url + f"/v1/orders/{partial.order.permId}/fill", {})
    await until(lambda: partial.orderStatus.status == "Filled")
    told["partial_filled"] = fills(partial)

    errors = []
    ib.errorEvent += lambda _, code, text, *rest: errors.append([code, text])
    control("PATCH", url + "/v1/faults", {"reject_next": "The contract is not allowed."})
    rejected = ib.placeOrder(contract, lib.MarketOrder("BUY", 1, tif="DAY", orderRef="rejected"))
    await until(lambda: rejected.orderStatus.status in ("Cancelled", "Inactive") and errors)
    told["rejected"] = errors[0]
    told["rejected_fills"] = fills(rejected)

    await until(lambda: positions(ib).get("AAPL") == 20)
    told["positions_at_last"] = positions(ib)
    told["executions"] = [fill.execution.orderRef for fill in await ib.reqExecutionsAsync()]
    completed = await ib.reqCompletedOrdersAsync(apiOnly=False)
    told["completed"] = sorted(trade.order.orderRef for trade in completed)
    ib.disconnect()
    return told


if __name__ == "__main__":
    module, host, port, url = sys.argv[1:]
    document = asyncio.run(story(importlib.import_module(module), host, int(port), url))
    sys.stdout.write(json.dumps(document))
