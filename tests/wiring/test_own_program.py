"""A program in the executor's place as a process: real sentinel and operator, simulated Gateway; the test is the kubelet."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ibgateway_api.week import Calendar
from ibgateway_operator.decide.closures import OPEN_SECONDS
from ibgateway_operator.settings import OperatorSettings
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_stage.calendar import calendar
from operator_fakes import IMAGES, pod, program_pod
from operator_on_host import OperatorOnHost, SentinelOnHost
from own_program import PROGRAM
from sentinel_world import PodOnHost, pod_on_host

pytestmark = pytest.mark.timeout(240)

LIMIT = 60
PLACE = ("Deployment", "paper-executor")
SPEC = {
    "image": {"repository": "registry.example.com/blunt", "tag": "1"},
    "whenClosed": "stop",
}


def environment(gateway: PodOnHost) -> dict[str, str]:
    """What the operator gives it, with this host's ports."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry),
        "IB_HOST": "127.0.0.1",
        "IB_PORT": str(gateway.ports["socat"]),
        "IB_CLIENT_ID": "21",
        "IB_ACCOUNTS": "DU1234567",
        "IBGATEWAY_STATUS_URL": f"http://127.0.0.1:{gateway.ports['http']}/v1/gate",
        "IBGATEWAY_TOKEN_FILE": str(gateway.folder / "gate-token"),
    }


def arrivals(gateway: PodOnHost) -> list[datetime]:
    """When orders came to IBKR."""
    return [arrival.at for arrival in gateway.ibkr.ibkr.audit.arrivals]


def words(gateway: PodOnHost) -> list[datetime]:
    """When the gate was said to be open, for each order that came."""
    sent = (arrival.ticket.order_ref for arrival in gateway.ibkr.ibkr.audit.arrivals)
    return [datetime.fromisoformat(at) for at in sent]


@contextlib.asynccontextmanager
async def started(gateway: PodOnHost) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program, as its container runs it."""
    argv = [sys.executable, "-c", PROGRAM]
    program = await asyncio.create_subprocess_exec(*argv, env=environment(gateway))
    try:
        yield program
    finally:
        if program.returncode is None:
            program.kill()
            await program.wait()


@contextlib.asynccontextmanager
async def operated(folder: Path) -> AsyncIterator[tuple[PodOnHost, OperatorOnHost]]:
    """A gateway whose login waits for its push, and an operator that serves it."""
    week = Calendar.model_validate(calendar(datetime.now(UTC) - timedelta(days=3)))
    async with client_session() as session, pod_on_host(folder) as gateway:
        http = SentinelOnHost(HttpClient(session), gateway.ports["http"])
        operator = OperatorOnHost(http, week)
        operator.edit(executor=SPEC)
        try:
            await operator.reconcile()
            for component in ("gateway", "novnc"):
                operator.api_server.put(pod(component))
            operator.deliver()
            yield gateway, operator
        finally:
            await operator.stop()


def begin_week(gateway: PodOnHost, operator: OperatorOnHost, boundary: datetime) -> None:
    """IBKR's boundary lies there, for the sentinel and for an operator that starts anew."""
    week = calendar(boundary)
    gateway.tell_sentinel(calendar=week)
    operator._settings = OperatorSettings(images=IMAGES, calendar=Calendar.model_validate(week))
    operator.start_again()


async def test_it_starts_with_the_gate_and_drains_before_sunday_ends_it(tmp_path: Path) -> None:
    async with operated(tmp_path) as (gateway, operator):
        await gateway.state("AwaitingApproval")
        await operator.until(lambda: operator.heard() is not None)
        assert operator.replicas(*PLACE) == 0
        await gateway.log_in()
        await operator.until(lambda: operator.replicas(*PLACE) == 1)
        async with started(gateway) as program:
            operator.api_server.put(program_pod())
            await operator.until(lambda: len(arrivals(gateway)) >= 3)
            boundary = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=3)
            begin_week(gateway, operator, boundary)
            await operator.until(lambda: operator.replicas(*PLACE) == 0)
            memory = operator.app.memories.get(operator.key)
            assert memory is not None
            assert memory.drain is not None
            assert memory.drain.programs == (), "it was asked by name, and has said so"
            assert program.returncode is None
            program.send_signal(signal.SIGTERM)
            assert await asyncio.wait_for(program.wait(), LIMIT) == 0
        operator.api_server.remove("Pod", "paper-executor-abc")
        assert [at for at in words(gateway) if at >= boundary] == []
        assert operator.told("ProgramStopped") == 1
        begin_week(gateway, operator, datetime.now(UTC) - timedelta(days=3))
        opened = asyncio.get_running_loop().time()
        await operator.until(lambda: operator.replicas(*PLACE) == 1)
        assert asyncio.get_running_loop().time() - opened > OPEN_SECONDS
