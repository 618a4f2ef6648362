"""A raw API client that speaks protobuf."""

import asyncio
from dataclasses import dataclass
from typing import Any

from ibgateway_simulator.tws import stream, wire
from ibgateway_simulator.tws.protobuf import schema
from simulator_fakes.ibkr_world import PATIENCE, IbkrWorld


@dataclass(frozen=True)
class ProtobufClient:
    """A raw API client that speaks protobuf."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, number: int, name: str, **values: Any) -> None:
        """Send a message by its number and the name of its schema."""
        self.send_bytes(number, schema.make(name, **values).SerializeToString())

    def send_bytes(self, number: int, content: bytes) -> None:
        """Send whatever bytes as a message."""
        self.writer.write(wire.framed((200 + number).to_bytes(4, "big") + content))

    def order(self, order_id: int, **changes: Any) -> None:
        """placeOrder: ten AAPL at the market, but for the changes of the Order."""
        order = {"action": "BUY", "totalQuantity": "10", "orderType": "MKT", "tif": "DAY"}
        contract = schema.make("Contract", conId=265598, exchange="SMART")
        made = schema.make("Order", **{**order, **changes})
        self.send(3, "PlaceOrderRequest", orderId=order_id, contract=contract, order=made)

    async def next(self) -> tuple[int, bytes]:
        """The next message: its number and what follows."""
        async with asyncio.timeout(PATIENCE):
            body = await stream.read_body(self.reader)
        return int.from_bytes(body[:4], "big") - 200, body[4:]

    async def until(self, number: int, name: str, **values: Any) -> dict[str, Any]:
        """The next message of this number that has these values."""
        while True:
            came, content = await self.next()
            if came == number:
                shown = schema.shown(schema.parse(name, content))
                if values.items() <= shown.items():
                    return shown

    async def error(self, code: int) -> dict[str, Any]:
        """The next error with this code."""
        return await self.until(4, "ErrorMessage", errorCode=code)

    async def end(self) -> None:
        """Read until the server closes; it must."""
        try:
            while True:
                await self.next()
        except (asyncio.IncompleteReadError, ConnectionError):
            return


async def protobuf_client(
    world: IbkrWorld, client_id: int = 17, *, start: bool = True
) -> ProtobufClient:
    """Connect a client that speaks nothing else."""
    offered = await world.offered(b"v213..226")
    assert (await offered.next())[0] == "225"
    client = ProtobufClient(offered.reader, offered.writer)
    if start:
        client.send(71, "StartApiRequest", clientId=client_id)
        await client.error(2158)
    return client
