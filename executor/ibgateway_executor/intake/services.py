"""What the routes of the HTTP API call."""

import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Protocol

from fastapi import Depends, Request

from ibgateway_api.gate import Gate
from ibgateway_api.settings import ExecutorSettings
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.access import CLUSTER_DOMAIN
from ibgateway_executor.intake.event_feed import EventFeed
from ibgateway_executor.intake.rate_limit import RateLimit
from ibgateway_executor.intake.rebalance_intake import RebalanceIntake
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.portfolio import (
    AccountReport,
    BrokerAnswer,
    ExecutionReport,
    PositionReport,
)


class BrokerAnswers(Protocol):
    """What the broker told last; OrderRefusedError where it can't be asked and never was."""

    async def positions(self) -> BrokerAnswer[tuple[PositionReport, ...]]:
        """What the accounts hold."""
        ...

    async def executions(self) -> BrokerAnswer[tuple[ExecutionReport, ...]]:
        """What was executed since midnight in New York."""
        ...

    async def account(self, account: str) -> BrokerAnswer[AccountReport]:
        """An account's values."""
        ...


@dataclass(frozen=True, kw_only=True)
class IntakeServices:
    """What the routes call. Settings and tokens are read anew for each request."""

    ledger: Ledger
    acceptance: Acceptance
    gate: Callable[[], Gate]
    settings: Callable[[], ExecutorSettings]
    client_token: Callable[[], bytes]
    agent_token: Callable[[], bytes]
    last_cancel: Callable[[str], float | None]
    """When the last cancel of an order left, before one is asked for."""
    ask_cancel: Callable[[str, float | None], Awaitable[bool]]
    """Has a cancel written that comes after that one, and waits a moment for it: whether it has left."""
    cancel_written: Callable[[str], bool]
    """Whether the last cancel that was asked for has left; all three take an order's id."""
    feed: EventFeed
    accounts: Callable[[], tuple[str, ...]]
    """Those that an order may name; empty while none is known."""
    broker_answers: BrokerAnswers
    cancel_again: Callable[[Iterable[str]], None]
    """Has the cancels of many orders written, once more if need be, and waits for none."""
    rebalances: RebalanceIntake
    targets: Callable[[], dict[str, Any]]
    """Where targets come from, and what became of them last."""
    backup_problem: Callable[[], str]
    """Why there is no copy of the ledger as new as there should be; mostly empty."""
    cluster_domain: str = CLUSTER_DOMAIN
    monotonic: Callable[[], float] = time.monotonic
    rate_limit: RateLimit = field(default_factory=RateLimit)


def _services(request: Request) -> IntakeServices:
    services: IntakeServices = request.app.state.services
    return services


Services = Annotated[IntakeServices, Depends(_services)]
"""What a route takes to have them."""
