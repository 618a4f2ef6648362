"""Buys one share in each period: a small bot on ib_async, with the gate in front of the order."""

import asyncio
import os
import signal
import sys
import time

from ib_async import IB, MarketOrder, Stock

from ibgateway.client import AsyncGate

PERIOD = float(os.environ.get("PERIOD_SECONDS", "86400"))
SETTLE = float(os.environ.get("SETTLE_SECONDS", "10"))
NAME = os.environ.get("BOT_NAME", "ib-async")
SYMBOL = os.environ.get("SYMBOL", "SPY")
PATIENCE = 30.0


async def main() -> None:
    """Once a period, and never twice: the orderRef derives from the period, and IBKR is asked for it first."""
    ib, done = IB(), set()
    async with AsyncGate.from_environment() as gate:
        while True:
            async with gate.trading(timeout=None):
                try:
                    await trade(ib, gate, f"{NAME}-{time.time() // PERIOD:.0f}", done)
                except (OSError, TimeoutError) as error:
                    print(f"not now: {error!r}", flush=True)
                    ib.disconnect()
            await asyncio.sleep(min(5.0, PERIOD - time.time() % PERIOD))


async def trade(ib: IB, gate: AsyncGate, ref: str, done: set[str]) -> None:
    """One market order for one share, unless it was sent or IBKR has it; comes back once IBKR has acknowledged it."""
    if ref in done:
        return
    if not ib.isConnected():
        address = os.environ["IB_HOST"], int(os.environ["IB_PORT"])
        await ib.connectAsync(*address, clientId=int(os.environ["IB_CLIENT_ID"]))
        done |= await known(ib)
        # Right after a connection IBKR's lists may be empty: the second look counts.
        await asyncio.sleep(SETTLE)
    done |= await known(ib)
    if ref in done:
        print(f"{ref}: IBKR has it", flush=True)
    if ref in done or not gate.is_open:
        return
    done.add(ref)  # whatever becomes of it, it is not sent again
    order = MarketOrder("BUY", 1, orderRef=ref, tif="DAY")
    placed = ib.placeOrder(Stock(SYMBOL, "SMART", "USD"), order)
    async with asyncio.timeout(PATIENCE):
        while placed.orderStatus.status == "PendingSubmit":
            await asyncio.sleep(0.1)
    print(f"{ref}: {placed.orderStatus.status}", flush=True)


async def known(ib: IB) -> set[str]:
    """The orderRefs that IBKR has; a TimeoutError where it does not say: connectAsync goes on without a list that is late."""
    async with asyncio.timeout(PATIENCE):
        open_orders, ended = ib.reqAllOpenOrdersAsync(), ib.reqCompletedOrdersAsync(apiOnly=False)
        await asyncio.gather(open_orders, ended, ib.reqExecutionsAsync())
    fills = {fill.execution.orderRef for fill in ib.fills()}
    return fills | {trade.order.orderRef for trade in ib.trades()}


if __name__ == "__main__":
    # Nothing ends the first process of a container softly but its own handler. An order on its way is asked for at the next start.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    asyncio.run(main())
