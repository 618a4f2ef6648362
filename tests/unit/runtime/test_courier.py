"""The sending process as seen by who uses it: here a script that does what the test needs."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable

import pytest

from ibgateway_api.notifications import Letter, Severity
from ibgateway_runtime.notifications.answers import ENDED, NO_ANSWER
from ibgateway_runtime.notifications.courier import Courier

LETTER = Letter(Severity.WARNING, "title", "body")
ECHO = """
import json, sys
for line in sys.stdin:
    task = json.loads(line)
    if task["address"] == "hangs":
        continue
    if task["address"] == "dies":
        sys.exit(1)
    print(json.dumps({"id": task["id"], "why": task.get("title", "")}), flush=True)
"""

Couriers = Callable[..., Courier]


@pytest.fixture
async def couriers() -> AsyncIterator[Couriers]:
    made: list[Courier] = []

    def make(script: str = ECHO, *, patience: float = 30.0, idle: float = 30.0) -> Courier:
        made.append(Courier([sys.executable, "-c", script], patience=patience, idle=idle))
        return made[-1]

    yield make
    for courier in made:
        await courier.close()


async def test_answers_find_those_who_asked(couriers: Couriers) -> None:
    courier = couriers()
    letters = [Letter(Severity.INFO, f"t{n}", "") for n in range(20)]
    answers = await asyncio.gather(*(courier.send("a", letter) for letter in letters))
    assert answers == [f"t{n}" for n in range(20)]
    assert await courier.check("a") == ""


async def test_a_process_that_hangs_is_killed_and_the_next_letter_has_a_new_one(
    couriers: Couriers,
) -> None:
    courier = couriers(patience=0.1)
    await courier.warm()
    hung = courier._worker
    assert hung is not None
    assert await courier.send("hangs", LETTER) == NO_ANSWER
    await asyncio.wait_for(hung.reading, 10)
    courier._patience = 30.0  # a new process takes its time on a busy machine
    assert await courier.send("a", LETTER) == "title"
    assert courier._worker is not hung


async def test_nobody_waits_for_a_process_that_has_died(couriers: Couriers) -> None:
    courier = couriers()
    waits = asyncio.create_task(courier.send("hangs", LETTER))
    await asyncio.sleep(0)
    assert await courier.send("dies", LETTER) == ENDED
    assert await waits == ENDED
    assert await courier.send("a", LETTER) == "title"


async def test_a_process_that_can_not_be_started_is_an_answer_too() -> None:
    courier = Courier(["/nowhere/python"])
    await courier.warm()
    assert await courier.send("a", LETTER) == ENDED
    await courier.close()


async def test_an_idle_process_gives_its_memory_back_and_comes_again(couriers: Couriers) -> None:
    courier = couriers(idle=0.05)
    assert await courier.send("a", LETTER) == "title"
    first = courier._worker
    if first is not None:
        await asyncio.wait_for(first.reading, 10)
    assert courier._worker is None
    assert await courier.send("a", LETTER) == "title"
