"""The server: acknowledges and fills each order, and remembers when it came.

It says what IBKR says about a market order: openOrder, orderStatus (Submitted), execDetails, commissionReport and
orderStatus (Filled). One line of standard input is a command, one line of standard output its answer as JSON.
"""

import asyncio
import datetime as dt
import json
import sys
import time
from dataclasses import replace
from decimal import Decimal
from typing import Any

from ibgateway_simulator.model.trading.hours import Hours
from ibgateway_simulator.model.trading.orders import (
    BookedOrder,
    Execution,
    OrderStatus,
    OrderTicket,
)
from ibgateway_simulator.tws import stream, wire
from ibgateway_simulator.tws.messages import WireMessage
from ibgateway_simulator.tws.requests import ApiRequest
from ibgateway_simulator.tws.text.messages import TextMessages
from ibgateway_simulator.tws.text.requests import TextRequest, read

VERSION = 178
ACCOUNT = "DU1234567"
PRICE = Decimal("190.01")
SAY = TextMessages(VERSION)


class LeanServer:
    """`came` has the monotonic time of each placeOrder, `ack_seconds` is how late it is answered."""

    def __init__(self) -> None:
        self.came: list[float] = []
        self.asked: list[str] = []
        self.ack_seconds = 0.0
        self._filled: list[tuple[BookedOrder, Execution]] = []
        self._next_id = 1
        self._perm_id = 1000
        self._writers: set[asyncio.StreamWriter] = set()
        self._hours = Hours().text(dt.datetime.now(dt.UTC))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client until it goes."""
        client = 0
        try:
            await stream.read_handshake(reader)
            hello = (str(VERSION), f"{dt.datetime.now(dt.UTC):%Y%m%d %H:%M:%S UTC}")
            send(writer, WireMessage(wire.body(hello), hello))
            self._writers.add(writer)
            while True:
                request = read(await stream.read_body(reader), VERSION)
                if request.kind == ApiRequest.START_API:
                    client = request.client_id
                    send(writer, SAY.managed_accounts(ACCOUNT))
                    send(writer, SAY.next_valid_id(self._next_id))
                elif request.kind == ApiRequest.PLACE_ORDER:
                    self._place(writer, request.ticket((ACCOUNT,), client))
                else:
                    self._answer(writer, request)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    def command(self, text: str) -> Any:
        """What a line of standard input asks for."""
        name, _, value = text.strip().partition(" ")
        if name == "came":
            came, self.came = self.came, []
            return came
        if name == "asked":
            asked, self.asked = self.asked, []
            return asked
        if name == "forget":
            self._filled = []
        elif name == "ack":
            self.ack_seconds = float(value)
        elif name == "cut":
            for writer in self._writers:
                stream.reset(writer)
        return None

    def _place(self, writer: asyncio.StreamWriter, ticket: OrderTicket) -> None:
        self.came.append(time.monotonic())
        self._next_id = max(self._next_id, ticket.order_id + 1)
        if self.ack_seconds:
            loop = asyncio.get_running_loop()
            loop.call_later(self.ack_seconds, self._fill, writer, ticket)
        else:
            self._fill(writer, ticket)

    def _fill(self, writer: asyncio.StreamWriter, ticket: OrderTicket) -> None:
        now = dt.datetime.now(dt.UTC)
        self._perm_id += 1
        order = BookedOrder(ticket, self._perm_id, OrderStatus.SUBMITTED, now)
        execution = Execution(
            *(self._perm_id, ticket, self._perm_id, ticket.quantity, PRICE, ticket.quantity, PRICE),
            commission=Decimal(1),
            realized=None,
            at=now,
        )
        done = replace(order, status=OrderStatus.FILLED, filled=ticket.quantity, completed=now)
        self._filled.append((done, execution))
        send(
            writer,
            SAY.open_order(order),
            SAY.order_status(order),
            SAY.exec_details(execution, -1),
            SAY.order_status(done),
            SAY.commission_report(execution),
        )

    def _answer(self, writer: asyncio.StreamWriter, request: TextRequest) -> None:
        match request.kind:
            case ApiRequest.REQ_CURRENT_TIME:
                send(writer, SAY.current_time(dt.datetime.now(dt.UTC)))
            case ApiRequest.REQ_OPEN_ORDERS | ApiRequest.REQ_ALL_OPEN_ORDERS:
                send(writer, SAY.open_order_end())
            case ApiRequest.REQ_COMPLETED_ORDERS:
                send(writer, *(SAY.completed_order(o) for o, _ in self._filled))
                send(writer, SAY.completed_orders_end())
            case ApiRequest.REQ_EXECUTIONS:
                number = request.req_id
                told = (SAY.exec_details(e, number) for _, e in self._filled)
                send(writer, *told, SAY.exec_details_end(number))
            case ApiRequest.REQ_POSITIONS:
                send(writer, SAY.position_end())
            case ApiRequest.REQ_CONTRACT_DETAILS:
                self._contract(writer, request)

    def _contract(self, writer: asyncio.StreamWriter, request: TextRequest) -> None:
        number = request.req_id
        query = request.contract_query()
        self.asked.append(query.symbol or str(query.con_id))
        known = query.find()
        if known is None:
            send(writer, SAY.error(number, 200, "no security definition", dt.datetime.now(dt.UTC)))
            return
        hours = (self._hours, self._hours)
        send(writer, SAY.contract_details(known, number, hours=hours))
        send(writer, SAY.contract_details_end(number))


def send(writer: asyncio.StreamWriter, *told: WireMessage) -> None:
    """Write messages at once."""
    if not writer.is_closing():
        writer.write(b"".join(wire.framed(message.body) for message in told))


async def main() -> None:
    """Serve; the first line of output is the port."""
    server = LeanServer()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    print(json.dumps(listening.sockets[0].getsockname()[1]), flush=True)  # noqa: T201 - the answer
    commands = asyncio.StreamReader(limit=2**24)
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(commands), sys.stdin
    )
    while line := await commands.readline():
        print(json.dumps(server.command(line.decode())), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    asyncio.run(main())
