"""The server: acknowledges and fills each order, and remembers when it came.

It says what IBKR says about a market order: openOrder, orderStatus (Submitted), execDetails, commissionReport and
orderStatus (Filled). One line of standard input is a command, one line of standard output its answer as JSON.
"""

import asyncio
import datetime as dt
import json
import sys
import time
from collections.abc import Sequence
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
from ibgateway_simulator.tws import messages, order_fields, requests, stream, wire
from ibgateway_simulator.tws.requests import ApiRequest

VERSION = 178
ACCOUNT = "DU1234567"
PRICE = Decimal("190.01")


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
            send(writer, (str(VERSION), f"{dt.datetime.now(dt.UTC):%Y%m%d %H:%M:%S UTC}"))
            self._writers.add(writer)
            while True:
                fields = wire.split(await stream.read_body(reader))
                if fields[0] == ApiRequest.START_API:
                    client = int(fields[2])
                    send(writer, messages.managed_accounts(ACCOUNT))
                    send(writer, messages.next_valid_id(self._next_id))
                elif fields[0] == ApiRequest.PLACE_ORDER:
                    self._place(writer, fields, client)
                else:
                    self._answer(writer, fields)
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

    def _place(self, writer: asyncio.StreamWriter, fields: Sequence[str], client: int) -> None:
        self.came.append(time.monotonic())
        ticket = requests.ticket(fields, accounts=(ACCOUNT,), client_id=client, version=VERSION)
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
            order_fields.open_order(order, VERSION),
            messages.order_status(order),
            messages.exec_details(execution, -1, VERSION),
            messages.order_status(done),
            messages.commission_report(execution),
        )

    def _answer(self, writer: asyncio.StreamWriter, fields: Sequence[str]) -> None:
        match fields[0]:
            case ApiRequest.REQ_CURRENT_TIME:
                send(writer, messages.current_time(dt.datetime.now(dt.UTC)))
            case ApiRequest.REQ_OPEN_ORDERS | ApiRequest.REQ_ALL_OPEN_ORDERS:
                send(writer, messages.OPEN_ORDER_END)
            case ApiRequest.REQ_COMPLETED_ORDERS:
                send(writer, *(order_fields.completed_order(o, VERSION) for o, _ in self._filled))
                send(writer, messages.COMPLETED_ORDERS_END)
            case ApiRequest.REQ_EXECUTIONS:
                number = int(fields[2])
                told = (messages.exec_details(e, number, VERSION) for _, e in self._filled)
                send(writer, *told, messages.exec_details_end(number))
            case ApiRequest.REQ_POSITIONS:
                send(writer, messages.POSITION_END)
            case ApiRequest.REQ_CONTRACT_DETAILS:
                self._contract(writer, fields)

    def _contract(self, writer: asyncio.StreamWriter, fields: Sequence[str]) -> None:
        number = int(fields[2])
        known = requests.contract_query(fields, 3, 12).find()
        self.asked.append(fields[4] or fields[3])
        if known is None:
            send(writer, messages.error(number, 200, "no security definition", VERSION))
            return
        hours = (self._hours, self._hours)
        send(writer, messages.contract_details(known, number, hours=hours, version=VERSION))
        send(writer, messages.contract_details_end(number))


def send(writer: asyncio.StreamWriter, *told: wire.Message) -> None:
    """Write messages at once."""
    if not writer.is_closing():
        writer.write(b"".join(wire.frame(message) for message in told))


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
