"""The two protocols of the TWS API, by server version: how requests are read and messages made."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ibgateway_simulator.tws import wire
from ibgateway_simulator.tws.messages import ServerMessages
from ibgateway_simulator.tws.requests import ClientRequest
from ibgateway_simulator.tws.text.messages import TextMessages
from ibgateway_simulator.tws.text.requests import read


@dataclass(frozen=True, slots=True)
class WireDialect:
    """`read` gives the request in a frame's body; it raises WireError where there is none."""

    read: Callable[[bytes], ClientRequest]
    messages: ServerMessages


def dialect(version: int) -> WireDialect:
    """What is spoken at a server version that `wire.negotiate` gave."""
    if version < wire.PROTOBUF_FLOOR:
        return WireDialect(partial(read, version=version), TextMessages(version))
    return _protobuf()


def _protobuf() -> WireDialect:
    """Only who asks for protobuf needs its library."""
    from ibgateway_simulator.tws.protobuf import messages, requests  # noqa: PLC0415

    return WireDialect(requests.read, messages.ProtobufMessages())
