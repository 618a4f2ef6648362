"""The same bot on ib_insync 0.9.86, which is archived and still in use."""

import asyncio
import os
import signal
import sys
import time

from ib_insync import IB, MarketOrder, Stock

from ibgateway.client import AsyncGate

PERIOD = float(os.environ.get("PERIOD_SECONDS", "86400"))
NAME = os.environ.get("BOT_NAME", "ib-insync")
SYMBOL = os.environ.get("SYMBOL", "SPY")


async def main() -> None:
    """Once a period, and never twice: the orderRef derives from the period, and IBKR is asked for it first."""
    ib = IB()
    async with AsyncGate.from_environment() as gate:
        while True:
            async with gate.trading(timeout=None):
                try:
                    await trade(ib, f"{NAME}-{time.time() // PERIOD:.0f}")
                except (OSError, TimeoutError) as error:
                    print(f"not now: {error!r}", flush=True)
            await asyncio.sleep(PERIOD - time.time() % PERIOD)


async def trade(ib: IB, ref: str) -> None:
    """One market order for one share, unless IBKR has it already; comes back once IBKR has acknowledged it."""
    if not ib.isConnected():
        address = os.environ["IB_HOST"], int(os.environ["IB_PORT"])
        await ib.connectAsync(*address, clientId=int(os.environ["IB_CLIENT_ID"]))
    if ref in {trade.order.orderRef for trade in ib.trades()}:
        return
    order = MarketOrder("BUY", 1, orderRef=ref, tif="DAY")
    placed = ib.placeOrder(Stock(SYMBOL, "SMART", "USD"), order)
    async with asyncio.timeout(30):
        while placed.orderStatus.status == "PendingSubmit":
            await asyncio.sleep(0.1)
    print(f"{ref}: {placed.orderStatus.status}", flush=True)


if __name__ == "__main__":
    # Nothing ends the first process of a container softly but its own handler. An order on its way is asked for at the next start.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    asyncio.run(main())
