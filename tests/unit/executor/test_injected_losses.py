"""The fault run's own judgement: which orders it has itself put in doubt, and which not."""

import pytest

from executor_world.losses import injected_losses

EVENTS = (
    {"kind": "order_lost", "order_ref": "dropped", "when": "before-booking"},
    {"kind": "order_lost", "order_ref": "silent", "when": "silently"},
    {"kind": "order_lost", "order_ref": "booked", "when": "after-booking"},
    {"kind": "order_unsent", "order_ref": "away"},
    {"kind": "order", "order_ref": "refused"},
    {"kind": "order", "order_ref": "refused-and-told"},
    {"kind": "login"},
)
RECEIVED = ("dropped", "silent", "booked", "away", "refused", "refused-and-told", "ignored", "cut")


def frame(order_ref: str) -> list[str]:
    return [*[""] * 26, order_ref]


@pytest.mark.parametrize(
    ("order_ref", "cause"),
    [
        ("dropped", "lost by the broker before it was booked"),
        ("silent", "lost by the broker before it was booked"),
        ("booked", ""),
        ("away", "received while the gateway had lost IBKR"),
        ("refused", "refused, and the refusal cut off"),
        ("refused-and-told", ""),
        ("killed", "killed or cut off before it arrived"),
        ("cut", ""),
        ("ignored", ""),
        ("never-sent", ""),
    ],
)
def test_an_order_in_doubt_has_a_cause_or_none(order_ref: str, cause: str) -> None:
    interrupted = ("refused", "killed", "cut")
    found = injected_losses(EVENTS, [frame(ref) for ref in RECEIVED], interrupted)
    assert found.cause(order_ref) == cause
    assert found.all == {"dropped", "silent", "away", *interrupted}
