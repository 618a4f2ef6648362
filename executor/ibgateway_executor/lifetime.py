"""How long the process lives: until a signal, or until one of its loops ends; then it drains."""

import asyncio
import logging
import signal
from collections.abc import Callable, Coroutine
from contextlib import suppress
from datetime import datetime
from typing import Any, Final

from ibgateway_api.gate import GateReason
from ibgateway_api.reports import SentinelReport
from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.dispatch.dispatcher import (
    ACKNOWLEDGEMENT_SECONDS,
    Dispatcher,
    not_acknowledged,
)
from ibgateway_executor.errors import LedgerUnavailableError
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_runtime.sentinel_client import DrainReport

logger = logging.getLogger(__name__)

LAST_LOOK_SECONDS: Final = 10.0
DRAIN_SECONDS: Final = ACKNOWLEDGEMENT_SECONDS + 2.0
"""What nobody has acknowledged by then is Unknown, as it would be if the executor went on."""
DRAIN_PAUSE_SECONDS: Final = 0.1


def drain_report(
    ledger: Ledger, closes: Callable[[], datetime | None], report: SentinelReport
) -> DrainReport:
    """What the sentinel is told beside each question."""
    active = ledger.active
    return DrainReport(
        drained(ledger, report), closes(), queued=len(active.unsent), sent=len(active.sent)
    )


def drained(ledger: Ledger, report: SentinelReport) -> bool | None:
    """Whether the gateway that is about to stop may go: nothing is on its way, and its hold lets nothing follow.

    None while it is not about to stop.
    """
    if all(hold.reason is not GateReason.PLANNED_STOP for hold in report.holds):
        return None
    return ledger.unacknowledged == 0


async def until_one_ends(
    dispatcher: Dispatcher,
    connection: GatewayConnection,
    ledger: Ledger,
    *loops: Coroutine[Any, Any, None],
) -> None:
    """Run until a signal or until something ends by itself; then drain and end the rest."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    dispatching = asyncio.create_task(dispatcher.run(), name="dispatcher")
    tasks = {dispatching, asyncio.create_task(ended.wait(), name="signal")}
    tasks |= {asyncio.create_task(coroutine) for coroutine in (connection.run(), *loops)}
    done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    await _drain(dispatcher, dispatching, ledger)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    connection.close()
    for task in done:
        task.result()
    logger.info("the executor ends")


async def _drain(dispatcher: Dispatcher, dispatching: asyncio.Task[None], ledger: Ledger) -> None:
    """Send nothing more, and give the broker the time to acknowledge what it was sent; the rest is Unknown."""
    dispatcher.stop()
    await asyncio.wait({dispatching}, timeout=LAST_LOOK_SECONDS)
    with suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_SECONDS):
            while ledger.active.sending:  # noqa: ASYNC110 - the broker tells, and nobody is woken any more
                await asyncio.sleep(DRAIN_PAUSE_SECONDS)
    left = [order.id for order in ledger.active.sending.values()]
    with suppress(LedgerUnavailableError):
        await ledger.advance_all(dict.fromkeys(left, not_acknowledged))
