"""Why an order may be in doubt: what a test itself has lost, refused, cut off or killed. Pure.

Each cause is something that the simulator has logged under that very order, or a kill or a cut of the test's
while it was on its way. Where there is none, the executor has put the order in doubt by itself.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

NEVER_BOOKED: Final = frozenset({"before-booking", "silently"})
ORDER_REF_FIELD: Final = 26
"""Of placeOrder."""

LoggedRefusal = tuple[int, int, int]
"""Client id, order id and code: what the event of a refusal and the error message of it have in common."""


@dataclass(frozen=True)
class InjectedLosses:
    """orderRefs by what was done to them.

    `interrupted` were on their way when the executor was killed or its connection cut. `received` are those
    whose placeOrder has reached the broker, `refused` those that it was told to refuse; of `unheard` ones no
    client was told so.
    """

    lost: frozenset[str]
    unsent: frozenset[str]
    refused: frozenset[str]
    unheard: frozenset[str]
    received: frozenset[str]
    interrupted: frozenset[str]

    @property
    def all(self) -> frozenset[str]:
        """Every order that may be in doubt."""
        return self.lost | self.unsent | self.unheard | self.interrupted

    def cause(self, order_ref: str) -> str:
        """What has put an order in doubt that the broker does not have; empty where nothing is known."""
        causes = {
            "lost by the broker before it was booked": self.lost,
            "received while the gateway had lost IBKR": self.unsent,
            "refused, and nobody was there to be told": self.unheard,
            "refused, and the refusal cut off": self.refused & self.interrupted,
            "killed or cut off before it arrived": self.interrupted - self.received,
        }
        return next((cause for cause, refs in causes.items() if order_ref in refs), "")


def injected_losses(
    events: Iterable[Mapping[str, Any]],
    frames: Iterable[Mapping[str, Any]],
    *,
    refusals: Collection[int],
    interrupted: Iterable[str],
) -> InjectedLosses:
    """From the simulator's events and frames, and what a test has seen on its way.

    `refusals` are the codes with which the test has had orders refused: any other code is the executor's own
    doing, an order id used twice for example.
    """
    told = list(events)
    lost = (event for event in told if event["kind"] == "order_lost")
    refused = {
        (event["client_id"], event["order_id"], event["code"]): event["order_ref"]
        for event in told
        if event["kind"] == "order_refused" and event["code"] in refusals
    }
    received, heard = _seen(frames)
    return InjectedLosses(
        lost=frozenset(event["order_ref"] for event in lost if event["when"] in NEVER_BOOKED),
        unsent=frozenset(event["order_ref"] for event in told if event["kind"] == "order_unsent"),
        refused=frozenset(refused.values()),
        unheard=frozenset(ref for key, ref in refused.items() if key not in heard),
        received=received,
        interrupted=frozenset(interrupted),
    )


def _seen(frames: Iterable[Mapping[str, Any]]) -> tuple[frozenset[str], frozenset[LoggedRefusal]]:
    """The orderRef of each placeOrder that came in, and each error that went out."""
    received: set[str] = set()
    errors: set[LoggedRefusal] = set()
    for frame in frames:
        match frame["direction"], frame["fields"]:
            case "in", ["3", *rest]:
                received.add(rest[ORDER_REF_FIELD - 1])
            case "out", ["4", _, request, code, *_]:
                errors.add((frame["client_id"], int(request), int(code)))
    return frozenset(received), frozenset(errors)
