"""Orders for the opening auction with an asyncio client: `python opening_story.py MODULE HOST PORT CONTROL_URL OPENING`.

MODULE is ib_async or ib_insync, unmodified. Before OPENING, an instant with its offset, two orders on open are placed; then it is that time at
IBKR, and a third one comes too late. Prints one JSON document; the test beside it holds what must be in it.
"""

import asyncio
import datetime as dt
import importlib
import json
import sys
import urllib.request

ABOUT_ORDERS = (201, 399)


def control(method, url, body=None):
    request = urllib.request.Request(
        url, json.dumps(body).encode() if body else None, method=method
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


async def until(condition):
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.02)


def standing(trade):
    status = trade.orderStatus
    return [status.status, float(status.filled), status.avgFillPrice]


async def story(lib, host, port, url, opening):
    ib, errors = lib.IB(), []

    def heard(_, code, text, *rest):
        if code in ABOUT_ORDERS:
            errors.append([code, text.split(" until")[0]])

    ib.errorEvent += heard
    await ib.connectAsync(host, port, clientId=17)
    (contract,) = await ib.qualifyContractsAsync(lib.Stock("AAPL", "SMART", "USD"))
    market = ib.placeOrder(contract, lib.MarketOrder("BUY", 10, tif="OPG"))
    limit = ib.placeOrder(contract, lib.LimitOrder("BUY", 5, 189.0, tif="OPG"))
    both = (market, limit)
    await until(lambda: all(trade.orderStatus.permId for trade in both) and len(errors) == 2)
    # Both libraries call the living orders invalid, because of the notice: the book is asked.
    booked = [order["status"] for order in control("GET", url + "/v1/orders")]
    told = {
        "booked": booked,
        "before": [float(t.orderStatus.filled) for t in both],
        "notices": list(errors),
    }

    to_go = (dt.datetime.fromisoformat(opening) - dt.datetime.now(dt.UTC)).total_seconds()
    control("PATCH", url + "/v1/clock", {"offset_seconds": to_go + 1})
    await until(lambda: all(trade.isDone() for trade in both))
    told["at_the_open"] = [standing(trade) for trade in both]

    errors.clear()
    late = ib.placeOrder(contract, lib.MarketOrder("BUY", 1, tif="OPG"))
    await until(lambda: errors)
    told["too_late"] = [errors[0], late.orderStatus.filled]
    ib.disconnect()
    return told


if __name__ == "__main__":
    module, host, port, url, opening = sys.argv[1:]
    library = importlib.import_module(module)
    document = asyncio.run(story(library, host, int(port), url, opening))
    sys.stdout.write(json.dumps(document))
