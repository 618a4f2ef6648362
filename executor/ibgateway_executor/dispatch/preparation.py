"""What an order needs before it may be sent: an account, a contract number, hours, a validity.

Each unsent order is looked at once, in their order and so many at a time, and again when something about it, its
contract or the accounts has changed.
"""

import heapq
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ibgateway_api.gate import GateReason
from ibgateway_executor.broker.contracts import Contracts, Unresolvable
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.orders.active import Lane
from ibgateway_executor.orders.order import (
    UNSENT,
    Contract,
    Order,
    OrderReason,
    OrderState,
    OrderTerms,
    move,
)
from ibgateway_executor.orders.queue import Waiting

AT_ONCE: Final = 50
"""Orders looked at between two that are sent."""
NOT_LOOKED_AT: Final = Waiting(
    OrderReason.CONTRACT_UNRESOLVED, "the order is to be looked at", brief=True
)
NO_ACCOUNTS: Final = Waiting(GateReason.NOT_RECONCILED, "the login's accounts are not known yet")


@dataclass(frozen=True)
class _Rejected:
    reason: OrderReason
    message: str


@dataclass
class _Question:
    """Orders that wait for something about a contract, and where its answer stood for the first of them."""

    standing: Hashable
    orders: dict[int, None]


class Preparation:
    """Fills in what the client left out; the broker is asked in the background, once a contract.

    A client's cancel may come first: then the order stays cancelled.
    """

    def __init__(
        self, *, ledger: Ledger, accounts: Callable[[], tuple[str, ...]], contracts: Contracts
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._contracts = contracts
        self._trading: bool | None = None
        self._known: tuple[str, ...] = ()
        self._unseen: list[int] = []
        self._questions: dict[Contract, _Question] = {}
        self._asked: dict[int, Contract] = {}
        self._done: dict[int, Order] = {}

    def begin(self, *, trading: bool | None) -> bool:
        """Whether everything is looked at anew. `trading`: the gate is open; None: the broker may not be asked."""
        accounts = self._accounts()
        if (trading, accounts) == (self._trading, self._known):
            return False
        self._trading, self._known = trading, accounts
        self._questions, self._asked, self._done = {}, {}, {}
        self._unseen = list(self._ledger.active.unsent)
        heapq.heapify(self._unseen)
        return True

    def put(self, number: int) -> None:
        """The order is new, or something about it has changed; not what was filled in here."""
        order, done = self._ledger.active.unsent.get(number), self._done.pop(number, None)
        if order is not None and done is not None and _filled_in(order) == _filled_in(done):
            return
        self._forget(number)
        if order is not None:
            heapq.heappush(self._unseen, number)

    @property
    def first(self) -> int | None:
        """The first order that has not been looked at: later ones may have to wait behind it."""
        while self._unseen and self._unseen[0] not in self._ledger.active.unsent:
            heapq.heappop(self._unseen)
        return self._unseen[0] if self._unseen else None

    @property
    def able(self) -> bool:
        """Whether there is something to look at, and it may be done."""
        return self._may_look() and self.first is not None

    def refresh(self, broker: Broker) -> None:
        """Have the broker asked about what is missing or old; orders for which an answer has come are looked at again."""
        for of in self._ledger.active.lanes():
            self._refresh_lane(broker, of)
        for named, question in tuple(self._questions.items()):
            self._contracts.refresh(broker, named)
            if self._contracts.standing(named) != question.standing:
                for number in tuple(question.orders):
                    self.put(number)

    async def look(self, broker: Broker) -> list[int]:
        """Look at the next orders, and complete or reject them in the ledger; those that were looked at."""
        seen: list[Order] = []
        while self._may_look() and len(seen) < AT_ONCE and (number := self.first) is not None:
            order = self._ledger.active.unsent[number]
            if self._look_again_at_earlier(order):
                continue
            heapq.heappop(self._unseen)
            if not seen or seen[-1].sequence != number:
                seen.append(order)
        steps: dict[str, Step] = {}
        for order in seen:
            if (step := self._step(broker, order)) is not None:
                steps[order.id] = step
        try:
            await self._ledger.advance_all(steps)
        except BaseException:
            self._done = {}
            for order in seen:
                self.put(order.sequence)
            raise
        return [order.sequence for order in seen]

    def wait(self, order: Order) -> Waiting | None:
        """Why the order is not complete."""
        if not self._known:
            return NO_ACCOUNTS
        named = self._asked.get(order.sequence)
        if named is None:
            return None if order.terms.account and order.terms.contract.con_id else NOT_LOOKED_AT
        contract = self._contracts.resolve(named)
        wait = self._wait(named)
        if isinstance(contract, Contract) and (wait is None or not wait.brief):
            # The answer may have come since it was looked at: then what is checked against the limits is not filled in yet.
            return None if contract == order.terms.contract else NOT_LOOKED_AT
        return wait or Waiting(OrderReason.CONTRACT_UNRESOLVED, "the broker is to be asked")

    def _may_look(self) -> bool:
        return self._trading is not None and (not self._trading or bool(self._known))

    def _refresh_lane(self, broker: Broker, of: Lane) -> None:
        head = self._ledger.active.head(of)
        if head is not None and head.terms.contract.con_id:
            self._contracts.refresh(broker, head.terms.contract)

    def _step(self, broker: Broker, order: Order) -> Step | None:
        """What is to be done to the order; it is noted where it waits for something about its contract."""
        account = self._account(order.terms.account) if self._trading else order.terms.account
        if isinstance(account, _Rejected):
            return _rejecting(account)
        named = order.terms.contract
        self._contracts.refresh(broker, named)
        contract = self._contracts.resolve(named)
        if isinstance(contract, Unresolvable):
            why = _Rejected(contract.reason, contract.message)
            if self._trading:
                return _rejecting(why)
        wait = self._wait(named)
        if not isinstance(contract, Contract) or (wait is not None and wait.brief):
            self._note(order, named)
            return None
        terms = replace(order.terms, account=account, contract=contract)
        done = self._valid(replace(order, terms=terms))
        if done.valid_by_default:
            self._note(order, named)
        if done == order:
            return None
        self._done[order.sequence] = done
        return _completing(done)

    def _note(self, order: Order, named: Contract) -> None:
        question = self._questions.setdefault(named, _Question(self._contracts.standing(named), {}))
        question.orders[order.sequence] = None
        self._asked[order.sequence] = named

    def _look_again_at_earlier(self, order: Order) -> bool:
        """Earlier orders that have waited for the answer which this one finds come first: or it would go out before them."""
        question = self._questions.get(order.terms.contract)
        if question is None or question.standing == self._contracts.standing(order.terms.contract):
            return False
        waited = tuple(question.orders)
        for number in waited:
            self._forget(number)
            heapq.heappush(self._unseen, number)
        return any(number < order.sequence for number in waited)

    def _forget(self, number: int) -> None:
        named = self._asked.pop(number, None)
        if named is not None:
            question = self._questions[named]
            question.orders.pop(number, None)
            if not question.orders:
                del self._questions[named]

    def _account(self, named: str) -> str | _Rejected:
        known = self._known
        if named in known:
            return named
        if not named and len(known) == 1:
            return known[0]
        text = f"{named} may not be traded here" if named else "the login has several accounts"
        return _Rejected(OrderReason.UNKNOWN_ACCOUNT, f"{text}: name one of {', '.join(known)}")

    def _wait(self, named: Contract) -> Waiting | None:
        """Why nothing that can be used is known of the contract."""
        if self._contracts.asking(named):
            return Waiting(
                OrderReason.CONTRACT_UNRESOLVED,
                f"the broker is being asked about {named}",
                brief=True,
            )
        detail = self._contracts.failure(named)
        if not detail:
            return None
        return Waiting(OrderReason.CONTRACT_UNRESOLVED, f"the broker told no contract: {detail}")

    def _valid(self, order: Order) -> Order:
        end = self._contracts.validity_end(order)
        if not order.valid_by_default or end is None:
            return order
        return replace(order, valid_until=end, valid_by_default=False)


def _filled_in(order: Order) -> tuple[OrderTerms, datetime, bool]:
    return order.terms, order.valid_until, order.valid_by_default


def _completing(done: Order) -> Step:
    """Only what was filled in: the rest of the order may have moved on meanwhile."""

    def complete(order: Order) -> Order:
        if order.state not in UNSENT:
            return order
        return replace(
            order,
            terms=replace(order.terms, account=done.terms.account, contract=done.terms.contract),
            valid_until=done.valid_until,
            valid_by_default=done.valid_by_default,
        )

    return complete


def _rejecting(why: _Rejected) -> Step:
    return lambda order: move(order, OrderState.REJECTED, reason=why.reason, message=why.message)
