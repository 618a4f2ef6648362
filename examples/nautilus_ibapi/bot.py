"""Buys one share in each period, on IBKR's own client (nautilus_ibapi is API 10.46), which calls back in a thread."""

import os
import signal
import sys
import threading
import time

from ibapi.client import EClient
from ibapi.contract import Contract
from ibapi.execution import ExecutionFilter
from ibapi.order import Order
from ibapi.wrapper import EWrapper

from ibgateway.client import Gate

PERIOD = float(os.environ.get("PERIOD_SECONDS", "86400"))
SETTLE = float(os.environ.get("SETTLE_SECONDS", "10"))
NAME = os.environ.get("BOT_NAME", "nautilus-ibapi")
SYMBOL = os.environ.get("SYMBOL", "SPY")
PATIENCE = 30.0


class Bot(EWrapper, EClient):
    """What IBKR has told: the orderRefs it knows, and the state of our own orders."""

    def __init__(self) -> None:
        EClient.__init__(self, self)
        self.told = threading.Condition()
        self.next_id = 0
        self.ended: set[str] = set()
        self.refs: set[str] = set()
        self.states: dict[int, str] = {}

    def trade(self, gate: Gate, ref: str) -> None:
        """One market order for one share, unless it was sent or IBKR has it; comes back once IBKR has acknowledged it."""
        if ref in self.refs:
            return
        if not self.isConnected():
            self.begin()
            self.ask()
            # Right after a connection IBKR's lists may be empty: the second look counts.
            time.sleep(SETTLE)
        self.ask()
        if ref in self.refs:
            print(f"{ref}: IBKR has it", flush=True)
        if ref in self.refs or not gate.is_open:
            return
        contract, order = Contract(), Order()
        contract.symbol, contract.secType = SYMBOL, "STK"
        contract.exchange, contract.currency = "SMART", "USD"
        order.action, order.orderType, order.totalQuantity = "BUY", "MKT", 1
        order.orderRef, order.tif = ref, "DAY"
        number, self.next_id = self.next_id, self.next_id + 1
        self.refs.add(ref)  # whatever becomes of it, it is not sent again
        self.placeOrder(number, contract, order)
        self.wait(lambda: self.states.get(number, "PendingSubmit") != "PendingSubmit")
        print(f"{ref}: {self.states[number]}", flush=True)

    def begin(self) -> None:
        """A connection and its reader, once IBKR has said which order id is next."""
        self.next_id = 0
        host, port, client = (os.environ[name] for name in ("IB_HOST", "IB_PORT", "IB_CLIENT_ID"))
        self.connect(host, int(port), int(client))
        threading.Thread(target=self.run, daemon=True).start()
        self.wait(lambda: bool(self.next_id))

    def ask(self) -> None:
        """Which orders IBKR has: open ones, ended ones, and what was executed."""
        self.ended.clear()
        self.reqAllOpenOrders()
        self.reqCompletedOrders(False)
        self.reqExecutions(1, ExecutionFilter())
        self.wait(lambda: len(self.ended) == 3)

    def wait(self, holds) -> None:
        """Raises TimeoutError, also where the connection ends."""
        with self.told:
            over = lambda: holds() or not self.isConnected()  # noqa: E731
            if not self.told.wait_for(over, timeout=PATIENCE) or not holds():
                raise TimeoutError("IBKR has not answered")

    def tell(self, ended: str = "") -> None:
        with self.told:
            self.ended |= {ended} - {""}
            self.told.notify_all()

    def nextValidId(self, orderId: int) -> None:
        self.next_id = max(self.next_id, orderId)
        self.tell()

    def openOrder(self, orderId, contract, order, orderState) -> None:
        self.refs.add(order.orderRef)

    def completedOrder(self, contract, order, orderState) -> None:
        self.refs.add(order.orderRef)

    def execDetails(self, reqId, contract, execution) -> None:
        self.refs.add(execution.orderRef)

    def openOrderEnd(self) -> None:
        self.tell("open")

    def completedOrdersEnd(self) -> None:
        self.tell("completed")

    def execDetailsEnd(self, reqId: int) -> None:
        self.tell("executions")

    def orderStatus(self, orderId, status, *rest) -> None:
        self.states[orderId] = status
        self.tell()

    def connectionClosed(self) -> None:
        self.tell()

    def error(self, reqId, errorTime, errorCode, errorString, advancedOrderRejectJson="") -> None:
        if errorCode < 2000:
            print(f"IBKR says {errorCode}: {errorString}", flush=True)


def main(bot: Bot) -> None:
    """Once a period, and never twice: the orderRef derives from the period, and IBKR is asked for it first."""
    with Gate.from_environment() as gate:
        while True:
            with gate.trading(timeout=None):
                try:
                    bot.trade(gate, f"{NAME}-{time.time() // PERIOD:.0f}")
                except (OSError, TimeoutError) as error:
                    print(f"not now: {error!r}", flush=True)
                    bot.disconnect()
            time.sleep(min(5.0, PERIOD - time.time() % PERIOD))


if __name__ == "__main__":
    # Nothing ends the first process of a container softly but its own handler. An order on its way is asked for at the next start.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    client = Bot()
    try:
        main(client)
    finally:
        client.disconnect()  # the library's reader would keep the process alive
