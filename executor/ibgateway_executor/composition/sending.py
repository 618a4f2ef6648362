"""Everything that an order passes on its way to the broker."""

from ibgateway_executor.broker.contracts import Contracts
from ibgateway_executor.broker.current_connection import CurrentConnection
from ibgateway_executor.broker.pacing import MessagePacer
from ibgateway_executor.broker.positions import AccountPositions
from ibgateway_executor.broker.prices import Prices
from ibgateway_executor.composition.watched import Settings
from ibgateway_executor.dispatch.cancels import CancelWriter
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.dispatch.limit_check import LimitCheck
from ibgateway_executor.dispatch.preparation import Preparation
from ibgateway_executor.dispatch.replacements import OrderReplacements
from ibgateway_executor.dispatch.resends import OrderResends
from ibgateway_executor.dispatch.submit import OrderSubmitter
from ibgateway_executor.dispatch.waits import OrderWaits
from ibgateway_executor.gate import TradingGate
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import Clock
from ibgateway_runtime.sentinel_client import SentinelFollower


def order_dispatcher(
    settings: Settings,
    gate: TradingGate,
    ledger: Ledger,
    current: CurrentConnection,
    cancels: CancelWriter,
    *,
    sentinel: SentinelFollower,
    contracts: Contracts,
    pacer: MessagePacer,
    metrics: ExecutorMetrics,
    clock: Clock,
    wakeup: Wakeup,
) -> Dispatcher:
    """The loop that sends; `wakeup` wakes it."""
    preparation = Preparation(ledger=ledger, accounts=gate.accounts, contracts=contracts)
    submitter = OrderSubmitter(
        ledger=ledger,
        connection=current,
        gate=gate.evaluate,
        settings=settings,
        contracts=contracts,
        limits=_limit_check(settings, ledger, current, clock, wakeup),
        pacer=pacer,
        metrics=metrics,
        clock=clock,
    )
    waits = OrderWaits(
        ledger=ledger,
        connection=current,
        settings=settings,
        contracts=contracts,
        preparation=preparation,
        submitter=submitter,
        clock=clock,
    )
    resends = OrderResends(
        ledger=ledger,
        connection=current,
        sentinel=sentinel,
        settings=settings,
        gate=gate.evaluate,
        submitter=submitter,
        clock=clock,
    )
    return Dispatcher(
        ledger=ledger,
        connection=current,
        gate=gate.evaluate,
        preparation=preparation,
        submitter=submitter,
        waits=waits,
        cancels=cancels,
        replacements=OrderReplacements(ledger, current, clock),
        resends=resends,
        metrics=metrics,
        clock=clock,
        wakeup=wakeup,
    )


def _limit_check(
    settings: Settings, ledger: Ledger, current: CurrentConnection, clock: Clock, wakeup: Wakeup
) -> LimitCheck:
    return LimitCheck(
        ledger=ledger,
        connection=current,
        settings=settings,
        prices=Prices(clock, wakeup),
        positions=AccountPositions(clock, wakeup, ledger.filled_at),
    )
