"""What an order needs before it may be sent: an account, a contract number, hours, a validity."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ibgateway_executor.broker.contracts import Contracts, Unresolvable
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.errors import BrokerError
from ibgateway_executor.ledger.facade import Ledger
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


class Preparation:
    """Fills in what the client left out, asking the broker where needed.

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
        for order in orders:
            if order.state in UNSENT:
                wait = await self._prepare(broker, order)
                if wait is not None:
                    delays[order.id] = wait
        return delays

    async def _prepare(self, broker: Broker, order: Order) -> Waiting | None:
        order = await self._with_account(order)
        if order.terminal:
            return None
        if not order.terms.contract.con_id or not order.terms.contract.symbol:
            try:
                order = await self._with_contract(broker, order)
            except BrokerError as error:
                return Waiting(
                    OrderReason.CONTRACT_UNRESOLVED, f"the broker told no contract: {error}"
                )
            if order.terminal:
                return None
        contract = order.terms.contract
        await self._contracts.refresh(broker, contract)
        end = self._contracts.session_end(contract.con_id, order.accepted_at)
        if order.valid_by_default and end is not None:
            await self._ledger.advance(
                order.id, lambda order: replace(order, valid_until=end, valid_by_default=False)
            )
        return None

    async def _with_account(self, order: Order) -> Order:
        known, named = self._accounts(), order.terms.account
        if named in known:
            return order
        if not named and len(known) == 1:
            return await self._with_terms(order, lambda terms: replace(terms, account=known[0]))
        listed = ", ".join(known)
        text = f"{named} may not be traded here" if named else "the login has several accounts"
        return await self._reject(
            order, OrderReason.UNKNOWN_ACCOUNT, f"{text}: name one of {listed}"
        )

    async def _with_contract(self, broker: Broker, order: Order) -> Order:
        found = await self._contracts.resolve(broker, order.terms.contract)
        if isinstance(found, Unresolvable):
            return await self._reject(order, found.reason, found.message)
        contract: Contract = found
        return await self._with_terms(order, lambda terms: replace(terms, contract=contract))

    async def _with_terms(self, order: Order, change: Callable[[OrderTerms], OrderTerms]) -> Order:
        return await self._ledger.advance(
            order.id, lambda order: replace(order, terms=change(order.terms))
        )

    async def _reject(self, order: Order, reason: OrderReason, message: str) -> Order:
        return await self._ledger.advance(
            order.id, lambda order: move(order, OrderState.REJECTED, reason=reason, message=message)
        )
