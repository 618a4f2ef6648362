"""What ends a task's pause."""

import asyncio

import pytest

from ibgateway_executor.wakeup import Wakeup


async def test_a_pause_ends_when_it_is_set_or_after_its_time() -> None:
    wakeup = Wakeup()
    async with asyncio.timeout(60):
        await wakeup.pause(0)
        wakeup.set()
        await wakeup.pause(600)


@pytest.mark.parametrize("turns", range(4))
async def test_a_task_that_is_woken_and_cancelled_at_once_is_cancelled(turns: int) -> None:
    """Else an executor that is to stop would go on for ever."""
    wakeup = Wakeup()

    async def works() -> None:
        while True:
            wakeup.clear()
            await wakeup.pause(600)

    task = asyncio.create_task(works())
    for _ in range(3):
        await asyncio.sleep(0)
    wakeup.set()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.done()
