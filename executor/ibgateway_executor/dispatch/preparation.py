"""What an order needs before it may be sent: an account, a contract number, hours, a validity."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ibgateway_api.gate import GateReason
from ibgateway_executor.broker.contracts import Contracts, Unresolvable
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.ledger.store import Step
from ibgateway_executor.orders.order import (
    UNSENT,
    Contract,
    Order,
    OrderReason,
    OrderState,
    move,
)
from ibgateway_executor.orders.queue import Waiting


@dataclass(frozen=True)
class _Rejected:
    reason: OrderReason
    message: str


class Preparation:
    """Fills in what the client left out; the broker is asked in the background, for all at once.

    A client's cancel may come first: then the order stays cancelled.
    """

    def __init__(
        self, *, ledger: Ledger, accounts: Callable[[], tuple[str, ...]], contracts: Contracts
    ) -> None:
        self._ledger = ledger
        self._accounts = accounts
        self._contracts = contracts

    async def prepare(self, broker: Broker, orders: Iterable[Order]) -> dict[str, Waiting]:
        """Complete the unsent orders in the ledger; what could not be completed, by order id."""
        delays: dict[str, Waiting] = {}
        steps: dict[str, Step] = {}
        for order in orders:
            if order.state not in UNSENT:
                continue
            outcome = self._complete(broker, order)
            if isinstance(outcome, Waiting):
                delays[order.id] = outcome
            elif isinstance(outcome, _Rejected):
                steps[order.id] = _rejecting(outcome)
            elif outcome != order:
                steps[order.id] = _completing(outcome)
        await self._ledger.advance_all(steps)
        return delays

    async def learn(self, broker: Broker, orders: Iterable[Order]) -> None:
        """Have the broker asked about the unsent orders' contracts, and give them the validity that follows.

        For a closed gate: reading is no trading. Nothing is rejected, because the login may be the wrong one.
        """
        steps: dict[str, Step] = {}
        for order in (order for order in orders if order.state in UNSENT):
            self._contracts.refresh(broker, order.terms.contract)
            contract = self._contracts.resolve(order.terms.contract)
            if isinstance(contract, Contract):
                known = replace(order, terms=replace(order.terms, contract=contract))
                if (done := self._valid(known)) != order:
                    steps[order.id] = _completing(done)
        await self._ledger.advance_all(steps)

    def _complete(self, broker: Broker, order: Order) -> Order | Waiting | _Rejected:
        account = self._account(order.terms.account)
        if isinstance(account, Waiting | _Rejected):
            return account
        named = order.terms.contract
        self._contracts.refresh(broker, named)
        contract = self._contracts.resolve(named)
        if isinstance(contract, Unresolvable):
            return _Rejected(contract.reason, contract.message)
        wait = self._wait(named)
        if contract is None or (wait is not None and wait.brief):
            return wait or Waiting(OrderReason.CONTRACT_UNRESOLVED, "the broker is to be asked")
        terms = replace(order.terms, account=account, contract=contract)
        return self._valid(replace(order, terms=terms))

    def _account(self, named: str) -> str | Waiting | _Rejected:
        known = self._accounts()
        if not known:
            return Waiting(GateReason.NOT_RECONCILED, "the login's accounts are not known yet")
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
        end = self._contracts.validity_end(
            order.terms.contract.con_id, order.accepted_at, otherwise=order.valid_until
        )
        if not order.valid_by_default or end is None:
            return order
        return replace(order, valid_until=end, valid_by_default=False)


def _completing(done: Order) -> Step:
    """Only what was filled in: the rest of the order may have moved on meanwhile."""

    def complete(order: Order) -> Order:
        if order.state not in UNSENT:
            return order
        return replace(
            order,
            terms=done.terms,
            valid_until=done.valid_until,
            valid_by_default=done.valid_by_default,
        )

    return complete


def _rejecting(why: _Rejected) -> Step:
    return lambda order: move(order, OrderState.REJECTED, reason=why.reason, message=why.message)
