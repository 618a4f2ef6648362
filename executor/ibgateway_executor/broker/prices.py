"""Prices of now for the value limit, asked in the background and believed for a short while."""

from decimal import Decimal
from typing import Final

from ibgateway_executor.broker.lookups import Lookups
from ibgateway_executor.broker.protocol import Broker
from ibgateway_executor.orders.order import Contract
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock

FRESH_SECONDS: Final = 30.0
"""An order's turn may come a few acknowledgements after its price."""


class Prices:
    """Prices by contract. `changed`: there is news."""

    def __init__(self, clock: Clock, changed: Wakeup) -> None:
        self._clock = clock
        self._prices: dict[Contract, tuple[Decimal, float]] = {}
        self._lookups = Lookups[Contract, Decimal | None](
            ask=lambda broker, contract: broker.price(contract),
            keep=self._keep,
            clock=clock,
            changed=changed,
        )

    def price(self, contract: Contract) -> Decimal | None:
        """A price that is fresh; None where there is none."""
        price, at = self._prices.get(contract, (None, 0.0))
        return price if self._clock.monotonic() - at < FRESH_SECONDS else None

    def refresh(self, broker: Broker, contract: Contract) -> None:
        """Have the broker asked, unless it is being asked or has failed a moment ago."""
        self._lookups.want(broker, contract)

    def asking(self, contract: Contract) -> bool:
        """Whether the broker is being asked."""
        return self._lookups.running(contract)

    def awaited(self, contract: Contract) -> bool:
        """Whether an order has nothing to do but wait: no price, and it is too early to ask again."""
        if self.price(contract) is not None:
            return False
        return self._lookups.running(contract) or not self._lookups.due(contract)

    def failure(self, contract: Contract) -> str:
        """Why there is no price."""
        return self._lookups.failure(contract)

    def _keep(self, contract: Contract, price: Decimal | None) -> bool:
        if price is None:
            return False
        self._prices[contract] = (price, self._clock.monotonic())
        return True
