"""The fault run's own judgement: which orders it has itself put in doubt, and which not."""

from typing import Any

import pytest

from executor_world.losses import injected_losses

CLIENT = 17
REFUSALS = (163, 383)


def refusal(order_ref: str, order_id: int, code: int = 163) -> dict[str, Any]:
    return {
        "kind": "order_refused",
        "order_ref": order_ref,
        "code": code,
        "client_id": CLIENT,
        "order_id": order_id,
    }


EVENTS = (
    {"kind": "order_lost", "order_ref": "dropped", "when": "before-booking"},
    {"kind": "order_lost", "order_ref": "silent", "when": "silently"},
    {"kind": "order_lost", "order_ref": "booked", "when": "after-booking"},
    {"kind": "order_unsent", "order_ref": "away"},
    {"kind": "order", "order_ref": "refused"},
    refusal("refused", 1),
    {"kind": "order", "order_ref": "refused-and-told"},
    refusal("refused-and-told", 2),
    {"kind": "order_lost", "order_ref": "lost-and-refused", "when": "after-booking"},
    refusal("lost-and-refused", 3),
    refusal("refused-unheard", 4, 383),
    refusal("used-twice", 5, 103),
    {"kind": "order", "order_ref": "taken"},
    {"kind": "login"},
)
RECEIVED = (
    *("dropped", "silent", "booked", "away", "refused", "refused-and-told", "lost-and-refused"),
    *("refused-unheard", "used-twice", "taken", "ignored", "cut"),
)


def frame(direction: str, fields: list[str], client_id: int = CLIENT) -> dict[str, Any]:
    return {"direction": direction, "client_id": client_id, "fields": fields}


FRAMES = (
    *(frame("in", ["3", *[""] * 25, ref]) for ref in RECEIVED),
    frame("out", ["4", "2", "1", "163", "Refused.", ""]),
    frame("out", ["4", "2", "2", "163", "Refused.", ""]),
    frame("out", ["4", "2", "4", "163", "Another word about the order.", ""]),
    frame("out", ["4", "2", "4", "383", "Another client's order.", ""], client_id=18),
    frame("out", ["4", "2", "-1", "2104", "Market data farm connection is OK", ""]),
    frame("in", ["7", "3", "1"]),
)


@pytest.mark.parametrize(
    ("order_ref", "cause"),
    [
        ("dropped", "lost by the broker before it was booked"),
        ("silent", "lost by the broker before it was booked"),
        ("booked", ""),
        ("away", "received while the gateway had lost IBKR"),
        ("refused", "refused, and the refusal cut off"),
        ("refused-and-told", ""),
        ("lost-and-refused", "refused, and nobody was there to be told"),
        ("refused-unheard", "refused, and nobody was there to be told"),
        ("used-twice", ""),
        ("taken", ""),
        ("killed", "killed or cut off before it arrived"),
        ("cut", ""),
        ("ignored", ""),
        ("never-sent", ""),
    ],
)
def test_an_order_in_doubt_has_a_cause_of_its_own_or_none(order_ref: str, cause: str) -> None:
    interrupted = ("refused", "taken", "killed", "cut", "used-twice")
    found = injected_losses(EVENTS, FRAMES, refusals=REFUSALS, interrupted=interrupted)
    assert found.cause(order_ref) == cause
    unheard = {"lost-and-refused", "refused-unheard"}
    assert found.all == {"dropped", "silent", "away", *unheard, *interrupted}
