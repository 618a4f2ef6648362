"""The points of the crash campaign: which lines count, and how often."""

import asyncio
import sys
import types

from crash_campaign.submit_path import await_tracer, awaiting_lines, on_submit_path

SOURCE = """
import asyncio

async def submit():
    x = 1
    await asyncio.sleep(0)
    async with asyncio.timeout(None):
        y = 2
    return x + y

def plain():
    return 1
"""
FILE = "/srv/ibgateway_executor/dispatch/submit.py"


def module(name: str) -> types.ModuleType:
    made = types.ModuleType("submitted")
    exec(compile(SOURCE, name, "exec"), made.__dict__)  # noqa: S102 -- code of this test
    return made


def test_the_lines_that_await_are_points_and_no_others() -> None:
    made = module(FILE)
    assert sorted(awaiting_lines(made.submit.__code__)) == [6, 7]
    assert awaiting_lines(made.plain.__code__) == frozenset()


def test_only_what_takes_an_order_to_the_broker_and_back_counts() -> None:
    assert on_submit_path(FILE)
    assert on_submit_path("/srv/ibgateway_executor/gate.py")
    assert not on_submit_path("/srv/ibgateway_executor/ledger/housekeeping.py")
    assert not on_submit_path("/srv/ibgateway_executor/probes.py")
    assert not on_submit_path("/srv/somebody/dispatch/submit.py")


def traced(name: str) -> list[tuple[str, str]]:
    reached: list[tuple[str, str]] = []
    made, before = module(name), sys.gettrace()
    sys.settrace(await_tracer(lambda kind, place: reached.append((kind, place))))
    try:
        asyncio.run(made.submit())
    finally:
        sys.settrace(before)
    return reached


def test_each_await_is_reached_before_it_is_made() -> None:
    assert [place for _, place in traced(FILE)][:2] == [
        "dispatch/submit.py:submit:6",
        "dispatch/submit.py:submit:7",
    ]
    assert traced("/srv/elsewhere.py") == []
