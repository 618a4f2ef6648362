"""How long the process lives: until a signal, or until one of its loops ends; then it drains."""

import asyncio
import logging
import signal
from collections.abc import Coroutine
from typing import Any, Final

from ibgateway_executor.broker.connection import GatewayConnection
from ibgateway_executor.dispatch.dispatcher import Dispatcher
from ibgateway_executor.ledger.facade import Ledger

logger = logging.getLogger(__name__)

LAST_LOOK_SECONDS: Final = 10.0
DRAIN_ROUNDS: Final = 50
DRAIN_PAUSE_SECONDS: Final = 0.1


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
    """Send nothing more, and give the broker a moment to acknowledge what it was sent."""
    dispatcher.stop()
    await asyncio.wait({dispatching}, timeout=LAST_LOOK_SECONDS)
    for _ in range(DRAIN_ROUNDS):
        if not ledger.active.sending:
            return
        await asyncio.sleep(DRAIN_PAUSE_SECONDS)
