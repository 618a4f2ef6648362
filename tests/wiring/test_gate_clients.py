"""Both gates of the client with a real sentinel, its wrapper and preStop hook, and a simulated Gateway."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gate_fakes import PATIENCE, PROGRAM, FollowedGate, Kind, following, until
from sentinel_world import GATE_TOKEN, PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(params=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@contextlib.asynccontextmanager
async def followed(kind: Kind, folder: Path) -> AsyncIterator[tuple[PodOnHost, FollowedGate]]:
    async with pod_on_host(folder) as pod:
        url = f"http://127.0.0.1:{pod.ports['http']}/v1/gate"
        async with following(kind, url, clock=time.monotonic, token=GATE_TOKEN) as here:
            yield pod, here


async def test_an_order_waits_for_the_approval_and_a_pod_that_goes_for_the_order(
    kind: Kind, tmp_path: Path
) -> None:
    async with followed(kind, tmp_path) as (pod, here):
        await pod.state("AwaitingApproval")
        await here.until_closed("AwaitingApproval")
        await pod.approve()
        async with here.trading():
            hook = asyncio.create_task(pod.prestop())
            await here.until_closed("PlannedStop")
            report = here.gate.report
            assert report is not None
            assert report.drain is not None
            assert report.drain.waiting_for == (PROGRAM,)
        assert await asyncio.wait_for(hook, PATIENCE) == 0
        assert "waits no longer" not in (tmp_path / "sentinel.log").read_text()
        assert not here.gate.is_open


async def test_the_next_process_of_the_sentinel_opens_it_again(kind: Kind, tmp_path: Path) -> None:
    async with followed(kind, tmp_path) as (pod, here):
        await pod.log_in()
        await here.wait_open()
        before = here.gate.report
        await pod.crash_sentinel()
        await here.until_closed("NoNews")
        await pod.start_sentinel()
        async with here.trading():
            assert before is not None
            await until(lambda: (here.gate.report or before).boot != before.boot)
