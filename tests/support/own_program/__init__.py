"""A program of somebody's own, as small as one can be: it asks the gate, sends an order each half second, and says that it has drained.

An order's reference is the time of the word on which it was sent: a busy machine sends late, and never on a later word.
"""

from typing import Final

PROGRAM: Final = """
import asyncio, json, os, signal, sys, urllib.request
import ibgateway_executor.broker.ib.library  # without numpy, which the image does not have
from ib_async import IB, MarketOrder, Stock

def report(drained=""):
    url = os.environ["IBGATEWAY_STATUS_URL"] + "?program=blunt" + (drained and "&drained=" + drained)
    token = open(os.environ["IBGATEWAY_TOKEN_FILE"]).read().strip()
    asked = urllib.request.Request(url, headers={"Authorization": "Bearer " + token})
    with urllib.request.urlopen(asked, timeout=3) as answer:
        return json.load(answer)

async def trade():
    ib, drain = IB(), ""
    await ib.connectAsync(os.environ["IB_HOST"], int(os.environ["IB_PORT"]), int(os.environ["IB_CLIENT_ID"]))
    while ib.isConnected():
        said = await asyncio.to_thread(report, drain)
        drain = (said["drain"] or {}).get("id", "")
        if said["open"]:
            order = MarketOrder("BUY", 1, account=os.environ["IB_ACCOUNTS"], tif="DAY")
            order.orderRef = said["at"]
            ib.placeOrder(Stock("AAPL", "SMART", "USD"), order)
        await asyncio.sleep(0.5)

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
asyncio.run(trade())
"""
"""It has one connection and ends with it; the kubelet starts it again."""
