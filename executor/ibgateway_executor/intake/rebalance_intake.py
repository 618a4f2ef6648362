"""What the routes of rebalances call."""

from typing import Any, Protocol

from ibgateway_executor.intake.rebalance_schema import RebalanceBody
from ibgateway_executor.rebalance.progress import RebalanceRun


class RebalanceIntake(Protocol):
    """What the routes of rebalances call."""

    async def preview(self, body: RebalanceBody) -> dict[str, Any]:
        """The plan of this moment; nothing is stored or sent. OrderRefusedError where there is none."""
        ...

    async def accept(self, key: str, body: RebalanceBody) -> tuple[RebalanceRun, bool]:
        """The stored one, and whether it is new. OrderRefusedError for a key of another request, an account that is
        not traded, and one that has a rebalance which has not ended."""
        ...

    async def find(self, run_id: str) -> RebalanceRun | None:
        """One by its id."""
        ...

    async def page(self, *, after: int, limit: int) -> list[RebalanceRun]:
        """Those accepted after sequence `after`, oldest first."""
        ...

    async def cancel(self, run_id: str) -> RebalanceRun:
        """Ended where nothing was traded, else asked to end."""
        ...
