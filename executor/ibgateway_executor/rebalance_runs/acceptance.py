"""From a valid request to a stored rebalance, or to the plan that it would have now."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from ibgateway_api.order_ids import rebalance_key
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.errors import OrderRefusedError
from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.history import ChangeCause
from ibgateway_executor.orders.market_hours import default_validity
from ibgateway_executor.rebalance.progress import RebalanceRun, cancel
from ibgateway_executor.rebalance_runs.objections import RebalanceObjections
from ibgateway_executor.rebalance_runs.preview import preview
from ibgateway_runtime.clock import Clock


class RebalanceAcceptance:
    """A `RebalanceIntake`. `accounts` are those that may be traded, empty while none is known; `new_id` makes an id of a key."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        connection: CurrentConnection,
        contracts: Contracts,
        settings: Callable[[], ExecutorSettings],
        accounts: Callable[[], tuple[str, ...]],
        clock: Clock,
        new_id: Callable[[str], str],
    ) -> None:
        self._ledger = ledger
        self._connection = connection
        self._contracts = contracts
        self._settings = settings
        self._accounts = accounts
        self._clock = clock
        self._new_id = new_id

    async def preview(self, body: RebalanceBody) -> dict[str, Any]:
        """The plan of this moment; nothing is stored or sent."""
        connected = self._connection.state.reconciled
        return await preview(
            self._connection.broker if connected else None,
            body,
            account_id=self._account(body.account),
            reserve_percent=self._reserve(body),
            ledger=self._ledger,
            contracts=self._contracts,
            objections=RebalanceObjections(self._ledger, self._settings),
            clock=self._clock,
        )

    async def accept(self, key: str, body: RebalanceBody) -> tuple[RebalanceRun, bool]:
        """The stored one, and whether it is new; on disk when this returns. One that came before is answered whatever has changed."""
        now, name = self._clock.now(), self._new_id(rebalance_key(key))
        stored = await self.find(name)
        if stored is None and body.valid_until is not None and body.valid_until <= now:
            raise OrderRefusedError(
                422, "ValidityEnded", f"validUntil is past: it is {now.isoformat()} now"
            )
        run = RebalanceRun(
            id=name,
            sequence=0,
            account=self._account(body.account) if stored is None else stored.account,
            request=body.model_dump_json(by_alias=True, exclude_defaults=True),
            accepted_at=now,
            valid_until=body.valid_until or default_validity(now),
        )
        return await self._ledger.rebalances.accept(key, body.fingerprint(), run)

    async def stored(self, key: str) -> RebalanceRun | None:
        """The one that was stored under this key."""
        return await self.find(self._new_id(rebalance_key(key)))

    async def find(self, run_id: str) -> RebalanceRun | None:
        """One by its id."""
        return await self._ledger.rebalances.find(run_id)

    async def page(self, *, after: int, limit: int) -> list[RebalanceRun]:
        """Those accepted after sequence `after`, oldest first."""
        return await self._ledger.rebalances.page(after=after, limit=limit)

    async def cancel(self, run_id: str) -> RebalanceRun:
        """Ended where nothing was traded, else asked to end."""
        return await self._ledger.rebalances.advance(run_id, cancel, ChangeCause.CLIENT)

    def _reserve(self, body: RebalanceBody) -> Decimal:
        named = body.cash_reserve_percent
        return Decimal(self._settings().cash_reserve_percent or 0) if named is None else named

    def _account(self, named: str) -> str:
        """The account; OrderRefusedError for one that may not be traded, or where it can't be told yet."""
        known = self._accounts()
        if named and (named in known or not known):
            return named
        if len(known) == 1 and not named:
            return known[0]
        if not known:
            raise OrderRefusedError(
                422,
                "UnknownAccount",
                "no account is known before the first login: name it as account",
            )
        what = f"account {named} may not be traded here" if named else "there are several accounts"
        raise OrderRefusedError(
            422, "UnknownAccount", f"{what}: name one of {', '.join(known)} as account"
        )
