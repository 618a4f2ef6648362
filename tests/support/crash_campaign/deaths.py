"""What must hold at each death: the ledger as it stands on the disk against what has reached the broker by then. Pure.

The books at the end are kinder than the moment: an order that was sent before its id was stored is found at the broker and
adopted, one that was sent again may have been lost the first time. Here the rules themselves are looked at.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class StoredOrder:
    """A row of a ledger that nobody has open."""

    id: str
    order_ref: str
    state: str
    order_id: int


@dataclass
class DeathBook:
    """`doubted` has, by orderRef, how often an order had arrived when a process died while it was on its way.

    `on_their_way` counts deaths at which one was. A campaign of deaths without any would find nothing.
    """

    violations: list[str] = field(default_factory=list)
    doubted: dict[str, int] = field(default_factory=dict)
    deaths: int = 0
    on_their_way: int = 0

    def died(
        self,
        stored: Collection[StoredOrder],
        arrivals: Sequence[Mapping[str, Any]],
        acknowledged: Collection[str],
    ) -> None:
        """A process has died, and all that it had written has arrived."""
        by_ref = {order.order_ref: order for order in stored}
        came = _counted(arrivals)
        self.resent(arrivals)
        known = {order.id for order in stored}
        self.violations += [
            f"lost: {uid} was acknowledged and was not on the disk when the executor died"
            for uid in sorted(set(acknowledged) - known)
        ]
        for ref in came:
            order = by_ref.get(ref)
            if order is None:
                self.note(f"lost: {ref} had reached the broker and was not on the disk")
            elif not order.order_id:
                self.note(f"lost: {ref} had reached the broker and stood on the disk as {order.state}, without an order id")  # fmt: skip
        sending = [order for order in stored if order.state == "Sending"]
        self.deaths += 1
        self.on_their_way += bool(sending)
        for order in sending:
            self.doubted.setdefault(order.order_ref, came.get(order.order_ref, 0))

    def resent(self, arrivals: Sequence[Mapping[str, Any]]) -> None:
        """No order arrives twice, and what was in doubt at a death arrives no more: whoever sends it then did not know its fate."""
        came = _counted(arrivals)
        for ref, times in came.items():
            if times > 1:
                self.note(f"twice: {ref} came more than once")
        for ref, before in self.doubted.items():
            if came.get(ref, 0) > before:
                self.note(f"twice: {ref} was on its way when the executor died, and was sent after it")  # fmt: skip

    def note(self, line: str) -> None:
        """A violation, under its kind; once."""
        if line not in self.violations:
            self.violations.append(line)


def _counted(arrivals: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for arrival in arrivals:
        if arrival["fate"] != "what-if":
            found[arrival["order_ref"]] = found.get(arrival["order_ref"], 0) + 1
    return found
