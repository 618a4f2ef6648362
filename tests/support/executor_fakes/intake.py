"""The HTTP API in process, on a real ledger, behind a gate that a test turns."""

from functools import cache
from typing import Any

import httpx
from starlette.routing import BaseRoute

from executor_fakes.clock import ManualClock
from executor_fakes.dispatch import DispatchWorld
from executor_fakes.store import HookedStore
from executor_fakes.values import SETTINGS
from executor_fakes.wakeup import CountingWakeup
from ibgateway_api.gate import Closed, Gate
from ibgateway_api.login import LoginState
from ibgateway_executor.broker.snapshots import BrokerSnapshots
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.event_feed import EventFeed, StreamTimings
from ibgateway_executor.intake.http import application, routes
from ibgateway_executor.intake.rebalance_examples import TARGETS
from ibgateway_executor.intake.services import IntakeServices
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance

ORDER = {"contract": {"symbol": "AAPL"}, "side": "BUY", "quantity": 10, "orderType": "MKT"}


@cache
def known_routes() -> list[BaseRoute]:
    """The API's routes, which FastAPI prepares at their first request: once a process, for that takes longer than a test."""
    return routes().router.routes


class IntakeWorld:
    """`accounts` are known, `changed` is what the dispatcher would wake by, or `dispatch` has it."""

    def __init__(self, store: HookedStore, dispatch: DispatchWorld | None = None) -> None:
        self.accounts: tuple[str, ...] = ()
        self.settings = SETTINGS
        self.backup_problem = ""
        self.gate: Gate = Closed(LoginState.AWAITING_APPROVAL, "a push waits")
        self.metrics, self.changed = ExecutorMetrics(), CountingWakeup()
        self.time = ManualClock()
        clock = self.time.clock
        behind = dispatch or DispatchWorld(store)
        self.cancels = behind.cancels
        self.ledger = (
            dispatch.ledger
            if dispatch
            else Ledger(store, clock=clock, metrics=self.metrics, changed=self.changed)
        )
        ids = iter(f"id{n}" for n in range(1000))
        self.broker, self.current = behind.broker, behind.connection
        self.feed = EventFeed(
            self.ledger,
            lambda: self.gate,
            monotonic=clock.monotonic,
            timings=StreamTimings(look=0.001, beat=0.02, slow=10),
            most=2,
        )
        services = IntakeServices(
            ledger=self.ledger,
            acceptance=Acceptance(
                ledger=self.ledger,
                settings=lambda: self.settings,
                accounts=lambda: self.accounts,
                clock=clock,
                new_id=lambda _: next(ids),
            ),
            rebalances=RebalanceAcceptance(
                ledger=self.ledger,
                connection=behind.connection,
                contracts=behind.contracts,
                settings=lambda: self.settings,
                accounts=lambda: self.accounts,
                clock=clock,
                new_id=lambda key: f"{key}-id",
            ),
            targets=lambda: TARGETS,
            backup_problem=lambda: self.backup_problem,
            gate=lambda: self.gate,
            settings=lambda: self.settings,
            client_token=lambda: b"client-secret",
            agent_token=lambda: b"agent-secret",
            last_cancel=self.cancels.last,
            ask_cancel=self.cancels.ask,
            cancel_written=self.cancels.written,
            feed=self.feed,
            accounts=lambda: self.accounts,
            broker_answers=BrokerSnapshots(self.current, clock),
            monotonic=clock.monotonic,
            cancel_again=self.cancels.again,
        )
        self.app = application(services)
        self.app.router.routes[:] = known_routes()
        self.http = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://paper-executor-intake.trading.svc:8080",
            headers={"Authorization": "Bearer client-secret"},
        )

    async def place(self, key: str = "k1", **changes: Any) -> httpx.Response:
        """A market order for ten AAPL, but for the changes."""
        return await self.http.post(
            "/v1/orders", json=ORDER | changes, headers={"Idempotency-Key": key}
        )

    def counted(self, name: str, **labels: str) -> float:
        """A figure of the metrics."""
        return self.metrics.registry.get_sample_value(f"ibgateway_executor_{name}", labels) or 0.0
