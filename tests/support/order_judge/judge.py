"""The one judge: `GET /v1/audit` of the simulator against `GET /v1/orders` of an executor. Pure.

Both are JSON as the APIs give it, the orders in the order of their acceptance. An order is known by its whole
orderRef: the audit has it as it was sent, also where IBKR kept less of it.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

Document = Mapping[str, Any]

REACHED_BOOK: Final = frozenset({"booked", "changed"})
ENDED: Final = frozenset({"Filled", "Cancelled", "Rejected", "Expired", "Unverified"})
PARKED: Final = ("Unknown", "NotFoundAtBroker")
"""State and reason of an order that waits for a person."""
UNSENT: Final = ("Accepted", "Waiting", "Expired")
BOOKED_AS: Final[Mapping[str, frozenset[str]]] = {
    "Filled": frozenset({"Filled"}),
    "Cancelled": frozenset({"Cancelled"}),
    "Rejected": frozenset({"Inactive"}),
    "Working": frozenset({"PreSubmitted", "Submitted"}),
}
"""What the broker's book says of an order in each state that only the broker can give it."""
TERMS: Final = ("account", "symbol", "action", "quantity", "order_type", "limit", "tif")


@dataclass
class AuditVerdict:
    """One line for each violation, under what it is; `states` counts the ledger's orders."""

    lost: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)
    other_terms: list[str] = field(default_factory=list)
    told_otherwise: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    states: Counter[str] = field(default_factory=Counter)
    booked: int = 0
    arrived: int = 0

    @property
    def violations(self) -> list[str]:
        """All of them, each with its kind."""
        kinds = ("lost", "twice", "out_of_order", "other_terms", "told_otherwise", "unexplained")
        return [f"{kind}: {line}" for kind in kinds for line in getattr(self, kind)]

    def rows(self) -> list[tuple[str, int]]:
        """Figures for a table."""
        return [
            *((f"orders {state}", number) for state, number in sorted(self.states.items())),
            ("placeOrder arrived", self.arrived),
            ("orders booked", self.booked),
            ("lost", len(self.lost)),
            ("sent twice", len(self.twice)),
            ("out of order in a lane", len(self.out_of_order)),
            ("sent with other terms", len(self.other_terms)),
            ("ledger tells otherwise than the book", len(self.told_otherwise)),
            ("in doubt without a reason", len(self.unexplained)),
        ]


def judge(
    audit: Document,
    orders: Sequence[Document],
    *,
    acknowledged: Collection[str],
    proven_resends: Collection[str] = (),
) -> AuditVerdict:
    """What must not be. `acknowledged` are ids of orders that a client was told are stored.

    `proven_resends` are orderRefs that were sent again under a proof that the first one was never received.
    """
    made = AuditVerdict(states=Counter(str(order["state"]) for order in orders))
    arrivals = [a for a in audit["arrivals"] if a["fate"] != "what-if"]
    books = {order["perm_id"]: order for order in audit["orders"]}
    by_ref: dict[str, list[Document]] = defaultdict(list)
    for arrival in arrivals:
        by_ref[arrival["order_ref"]].append(arrival)
    made.arrived, made.booked = len(arrivals), len(books)
    known = {order["id"] for order in orders}
    made.lost += [
        f"{uid} was acknowledged and is not in the ledger"
        for uid in acknowledged
        if uid not in known
    ]
    refs = {order["orderRef"] for order in orders}
    made.lost += [
        f"{ref} reached the broker and is not in the ledger" for ref in by_ref if ref not in refs
    ]
    for order in orders:
        ref = order["orderRef"]
        came = by_ref.get(ref, [])
        booked = _booked(came, books)
        if len(booked) > 1 or (len(came) > 1 and ref not in proven_resends):
            made.twice.append(f"{ref} came {len(came)} times and was booked {len(booked)} times")
        made.other_terms += [line for arrival in came for line in _other_terms(order, arrival)]
        made.told_otherwise += _told_otherwise(order, came, booked)
        made.unexplained += _unexplained(order, booked)
    made.out_of_order += _out_of_order(orders, arrivals)
    return made


def _booked(came: Iterable[Document], books: Mapping[int, Document]) -> list[Document]:
    perm_ids = {arrival["perm_id"] for arrival in came if arrival["perm_id"]}
    return [books[perm_id] for perm_id in sorted(perm_ids)]


def _other_terms(order: Document, arrival: Document) -> list[str]:
    """An order goes out with the terms that it was accepted with."""
    limit = order["limitPrice"]
    accepted = {
        "account": order["account"],
        "symbol": order["contract"]["symbol"] or arrival["symbol"],
        "action": order["side"],
        "quantity": Decimal(order["quantity"]),
        "order_type": arrival["order_type"]
        if "O" in order["orderType"]
        else order["orderType"].replace("_", " "),
        "limit": Decimal(arrival["limit"]) if limit is None else Decimal(limit),
        "tif": arrival["tif"] if "O" in order["orderType"] else order["timeInForce"],
    }
    sent = {name: arrival[name] for name in TERMS}
    sent |= {name: Decimal(arrival[name]) for name in ("quantity", "limit")}
    return [
        f"{order['orderRef']} was accepted with {name} {accepted[name]} and sent with {sent[name]}"
        for name in TERMS
        if accepted[name] != sent[name]
    ]


def _told_otherwise(
    order: Document, came: Sequence[Document], booked: Sequence[Document]
) -> list[str]:
    """What the ledger says of an order is what the book says of it."""
    if booked:
        return list(_against_the_book(order, booked[-1]))
    return list(_without_a_book(order, came))


def _against_the_book(order: Document, book: Document) -> Iterable[str]:
    state, ref, status = order["state"], order["orderRef"], book["status"]
    if status not in BOOKED_AS.get(state, {status}):
        yield f"{ref} is {state} and {status} in the book"
    if state in UNSENT:
        yield f"{ref} is {state} as if it had not been sent, and {status}"
    if state in BOOKED_AS and Decimal(order["filledQuantity"]) != Decimal(book["filled"]):
        yield f"{ref} has {order['filledQuantity']} filled and {book['filled']} in the book"
    if order["permId"] not in (None, book["perm_id"]):
        yield f"{ref} has permId {order['permId']} and {book['perm_id']} in the book"
    if order["resolution"] == "notAtBroker":
        yield f"{ref} was given up as not at the broker, and is {status}"


def _without_a_book(order: Document, came: Sequence[Document]) -> Iterable[str]:
    state, ref = order["state"], order["orderRef"]
    if state in ("Filled", "Working"):
        yield f"{ref} is {state} and was never booked"
    refused = any(arrival["fate"] in ("refused", "read-only") for arrival in came)
    if order["reason"] == "RejectedByBroker" and not refused:
        yield f"{ref} is Rejected and the broker has not refused it"
    if order["reason"] == "CancelledByBroker":
        yield f"{ref} is Cancelled by the broker, which never had it"
    if came and state in UNSENT:
        yield f"{ref} is {state} as if it had not been sent, and has reached the broker"


def _unexplained(order: Document, booked: Sequence[Document]) -> list[str]:
    """A fate is known in the end, or waits for a person with a reason, and only where the book has no such order."""
    state, ref = order["state"], order["orderRef"]
    if state == "Sending" or (state == "Unknown" and (state, order["reason"]) != PARKED):
        return [f"{ref} is still {state}: {order['reason']} {order['message']}"]
    if state in ("Unknown", "Unverified") and booked:
        return [f"{ref} is {state} and {booked[-1]['status']} in the book"]
    if state == "Unverified" and order["resolution"] is None:
        return [f"{ref} is {state} and nobody has looked: {order['reason']}"]
    return []


def _out_of_order(orders: Sequence[Document], arrivals: Sequence[Document]) -> list[str]:
    """In a lane (account, contract, part of the day) orders arrive in the order of their acceptance."""
    place = {order["orderRef"]: number for number, order in enumerate(orders)}
    last: dict[tuple[str, str, str], tuple[int, str]] = {}
    found: list[str] = []
    for arrival in arrivals:
        ref = arrival["order_ref"]
        if ref not in place:
            continue
        auction = arrival["order_type"] if "O" in arrival["order_type"] else arrival["tif"]
        lane = (arrival["account"], arrival["symbol"], auction)
        before = last.get(lane)
        if before is not None and before[0] > place[ref]:
            found.append(f"{ref} came after {before[1]}, which was accepted later")
        last[lane] = max(before or (-1, ""), (place[ref], ref))
    return found
