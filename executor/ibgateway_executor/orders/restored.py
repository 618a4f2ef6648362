"""What a ledger can't know when it may be a copy of an earlier one. Pure.

An order that waits in a copy may have been sent since the copy was taken. What the broker shows of it
under its orderRef is adopted; what the broker can't show any more, of earlier days, is left to a person.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from ibgateway_executor.orders.limits import day_start
from ibgateway_executor.orders.order import UNSENT, Order, OrderReason, OrderState, move

LONGEST_RESTART: Final = timedelta(minutes=5)
"""A ledger that was not written for longer may have been replaced by a copy meanwhile."""


@dataclass(frozen=True)
class LedgerSnapshot:
    """What a ledger held when it was opened: when it was written last, its last sequence.

    `opened` is when it was opened after it had not been written for longer than a restart takes, or as a copy that a person has
    put back (`restored`); None where neither. `own_since` is the last such moment there was: what was sent before it may have had
    a fate that is not known here.
    """

    at: datetime | None
    sequence: int
    opened: datetime | None = None
    restored: bool = False
    own_since: datetime | None = None


def doubted(
    found: LedgerSnapshot,
    earlier: LedgerSnapshot | None,
    *,
    opened: datetime,
    restored: bool = False,
) -> LedgerSnapshot:
    """What is not known to be written by us: `found` at this start, and `earlier` at one whose doubt was never settled.

    A process that only wrote a sign of life and ended before it could ask the broker has settled nothing.
    """
    away = found.at is not None and abs(opened - found.at) > LONGEST_RESTART
    if not away and not restored:
        return earlier or found
    told = [each.at for each in (found, earlier) if each is not None and each.at is not None]
    put_back = restored or (earlier is not None and earlier.restored)
    return LedgerSnapshot(min(told, default=None), found.sequence, opened, put_back)


def adopt(order: Order, *, client_id: int, order_id: int) -> Order:
    """An order that the broker has and this ledger never sent; what the broker says follows.

    A client's cancel of the order in this ledger is a wish to cancel the one at the broker.
    """
    return replace(
        order,
        state=OrderState.UNKNOWN,
        reason=OrderReason.LEDGER_RESTORED,
        message="the broker has this order: the ledger is a copy from before it was sent",
        client_id=client_id,
        order_id=order_id,
        cancel_requested=order.reason == OrderReason.CANCELLED_BY_CLIENT,
    )


def hides_a_day(last: LedgerSnapshot, *, opened: datetime, now: datetime) -> bool:
    """Whether orders may have been sent, between the last words and `opened`, that IBKR shows no more.

    It shows executions and ended orders since midnight in New York. Times that are not in order tell
    nothing, and are taken for the worse.
    """
    if last.at is None:
        return False
    opened = last.opened or opened
    unseen = min(opened, day_start(now)) - last.at
    return unseen > LONGEST_RESTART or last.at - opened > LONGEST_RESTART


def give_up(order: Order, last: LedgerSnapshot) -> Order:
    """Unverified where the order stood in the ledger already and was not found; it is never sent."""
    if order.state not in UNSENT or order.sequence > last.sequence or last.at is None:
        return order
    doubted = replace(order, state=OrderState.UNKNOWN)
    return move(
        doubted,
        OrderState.UNVERIFIED,
        reason=OrderReason.LEDGER_RESTORED,
        message=f"the ledger was not written from {last.at.isoformat()} until the executor started: if it "
        "was restored from a copy, the order may have been sent on an earlier day, of which the broker "
        "shows nothing. Compare the account's statement; if it is missing, place it again with a new key",
    )
