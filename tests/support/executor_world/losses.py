"""Why an order may be in doubt: what a test itself has lost, cut off or killed. Pure.

Where the broker does not have an order and no such cause is known, the executor has put it in doubt by itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NEVER_BOOKED: Final = frozenset({"before-booking", "silently"})
ORDER_REF_FIELD: Final = 26
"""Of placeOrder."""


@dataclass(frozen=True)
class InjectedLosses:
    """orderRefs by what was done to them.

    `interrupted` were on their way when the executor was killed or its connection cut. `received` are those
    whose placeOrder has reached the broker, `taken` those that it has looked at after that.
    """

    lost: frozenset[str]
    unsent: frozenset[str]
    received: frozenset[str]
    taken: frozenset[str]
    interrupted: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every order that may be in doubt."""
        return self.lost | self.unsent | self.interrupted

    def cause(self, order_ref: str) -> str:
        """What has put an order in doubt that the broker does not have; empty where nothing is known."""
        if order_ref in self.lost:
            return "lost by the broker before it was booked"
        if order_ref in self.unsent:
            return "received while the gateway had lost IBKR"
        if order_ref not in self.interrupted:
            return ""
        if order_ref in self.taken:
            return "refused, and the refusal cut off"
        if order_ref not in self.received:
            return "killed or cut off before it arrived"
        return ""


def injected_losses(
    events: Iterable[Mapping[str, Any]], placed: Iterable[list[str]], interrupted: Iterable[str]
) -> InjectedLosses:
    """From the simulator's events, its placeOrder frames, and what a test has seen on its way."""
    told = list(events)

    def named(kind: str) -> frozenset[str]:
        return frozenset(event["order_ref"] for event in told if event["kind"] == kind)

    lost = (event for event in told if event["kind"] == "order_lost")
    return InjectedLosses(
        lost=frozenset(event["order_ref"] for event in lost if event["when"] in NEVER_BOOKED),
        unsent=named("order_unsent"),
        received=frozenset(frame[ORDER_REF_FIELD] for frame in placed),
        taken=named("order"),
        interrupted=frozenset(interrupted),
    )
