"""Where the gateway is, and how long it may take."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class GatewayAddress:
    """Where the gateway listens and who we are."""

    host: str
    port: int
    client_id: int


@dataclass(frozen=True)
class RequestLimits:
    """Seconds to wait."""

    connect: float = 20.0
    """For each step of the handshake: a gateway that has just started takes its time. A port that closes
    the connection is noticed at once."""
    answer: float = 10.0
    price: float = 15.0
    """IBKR ends a snapshot after about 11 s."""
    ping: float = 5.0


USUAL_LIMITS: Final = RequestLimits()
