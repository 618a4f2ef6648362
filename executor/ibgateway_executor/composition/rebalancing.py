"""Rebalances: who takes them, who brings them about, and who follows the file of targets."""

from aiohttp import ClientSession

from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.composition.placing import new_id
from ibgateway_executor.composition.watched import Settings, optional_token
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.intake.accept import Acceptance
from ibgateway_executor.intake.idempotency import read_key
from ibgateway_executor.intake.schema import OrderBody
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.orders.order import Order
from ibgateway_executor.rebalance_runs.acceptance import RebalanceAcceptance
from ibgateway_executor.rebalance_runs.orders import RebalanceOrders
from ibgateway_executor.rebalance_runs.runner import RebalanceRunner
from ibgateway_executor.rebalance_runs.steps import RebalanceSteps
from ibgateway_executor.rebalance_runs.target_source import TargetSource
from ibgateway_executor.rebalance_runs.targets_follower import TargetsFollower
from ibgateway_executor.settings import ExecutorEnvironment
from ibgateway_runtime.clock import Clock


def rebalance_acceptance(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    clock: Clock,
    *,
    contracts: Contracts,
) -> RebalanceAcceptance:
    """Who takes a rebalance, or says why not."""
    return RebalanceAcceptance(
        ledger=ledger,
        connection=current,
        contracts=contracts,
        settings=settings,
        accounts=gate.accounts,
        clock=clock,
        new_id=new_id(settings),
    )


def rebalance_runner(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    clock: Clock,
    *,
    contracts: Contracts,
    acceptance: Acceptance,
) -> RebalanceRunner:
    """The loop that brings rebalances about; its orders come in as everybody's do."""

    async def place(key: str, body: OrderBody, rebalance: str) -> Order:
        return (await acceptance.accept(read_key([key]), body, rebalance=rebalance))[0]

    orders = RebalanceOrders(ledger, place=place, order_name=new_id(settings))
    steps = RebalanceSteps(
        ledger=ledger,
        connection=current,
        contracts=contracts,
        settings=settings,
        orders=orders,
        clock=clock,
    )
    return RebalanceRunner(
        ledger=ledger, gate=gate.evaluate, steps=steps, orders=orders, clock=clock
    )


def targets_follower(
    environment: ExecutorEnvironment,
    settings: Settings,
    session: ClientSession,
    rebalances: RebalanceAcceptance,
    clock: Clock,
) -> TargetsFollower:
    """The loop that follows a document of targets, where the settings name one."""
    source = TargetSource(
        session, optional_token(environment.targets_token), environment.data / "targets.json"
    )
    return TargetsFollower(settings=settings, source=source, intake=rebalances, clock=clock)
