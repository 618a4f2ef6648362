"""How fast stored orders leave, however many there are: the executor process against a lean TWS server.

For each number of stored orders (half of them wait, the other half is filled): memory, the time from the open gate to the
first order, orders a second as paced and without pacing, beside ib_async alone on the same server in the same run. Then
the time of a reconnect and the cost of a broker event beside many finished orders. The simulator is not used: its
bookkeeping would be the limit.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import aiohttp
import click
import ib_async

from bench_page import Chart, Figure, Measured, save
from bench_stores import STORES, BenchStore, bench_store, named
from executor_world import CLIENT_TOKEN, ExecutorProcess, JsonClient, SentinelStub, until
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.reports import HoldReport
from ibgateway_executor.ledger.facade import Ledger
from ibgateway_executor.metrics import ExecutorMetrics
from ibgateway_executor.orders.broker_reports import OrderStatusReport
from ibgateway_executor.orders.order import OrderState
from ibgateway_executor.wakeup import Wakeup
from ibgateway_runtime.clock import system_clock
from lean_tws import LeanTws, fill_ledger
from scraped_text import scrape_until

PACED: Final = 400
UNPACED: Final = 2000
LIMIT_SECONDS: Final = 90.0
LOOK_SECONDS: Final = 0.1
SLOW_ACK_SECONDS: Final = 0.02
"""About as long as IBKR takes to acknowledge an order."""
EVENTS: Final = 500
METHOD: Final = (
    "The executor process on a ledger that is full already, against a TWS server of a process of its own that acknowledges and fills at once; ib_async alone "
    "places one order after the other on the same server in the same run. A PostgreSQL is on the same machine and disk."
)
WITHOUT_PACING: Final = (
    "-c",
    "import sys; from ibgateway_executor.broker import pacing; "
    "pacing.MessagePacer._wait = lambda self, kind: 0.0; "
    "from ibgateway_executor.__main__ import main; sys.exit(main())",
)


@dataclass(frozen=True)
class SendingRun:
    """Seconds from the reconciliation, which opens the gate, to the first order; orders a second; MiB."""

    first: float
    rate: float
    sent: int
    rest: float
    memory: float


class SendingBench:
    """One TWS server, sentinel and executor; the ledger is made anew for each run."""

    def __init__(
        self, tws: LeanTws, sentinel: SentinelStub, folder: Path, store: BenchStore
    ) -> None:
        self.tws = tws
        self.store = store
        self.sentinel = sentinel
        self.folder = folder

    @contextlib.asynccontextmanager
    async def executor(
        self, *program: str, finished: int, waiting: int
    ) -> AsyncIterator[ExecutorProcess]:
        """An executor on a full ledger that waits for the login, and answers."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        process = ExecutorProcess(folder)
        process.configure(
            api_host="127.0.0.1", api_port=self.tws.port, sentinel_url=self.sentinel.url
        )
        ledger = self.store.ledger(process.data)
        fill_ledger(ledger, finished=finished, waiting=waiting)
        process.database = ledger.url
        self.sentinel.tell(LoginState.AWAITING_APPROVAL)
        await self.tws.forget()
        await self.tws.came()
        await process.start(*program)
        try:
            await probed(process, "/healthz", 200)
            await quiet(process)
            await self._look_once(process)
            yield process
        finally:
            await process.kill()

    async def _look_once(self, process: ExecutorProcess) -> None:
        """Let it ask, behind a closed gate, about orders that its ledger had at the start.

        Such a ledger may be a copy: until the broker has shown nothing of them twice, two seconds apart, nothing is sent.
        That is once in the life of an executor; from then on the gate opens without.
        """
        self.sentinel.tell(
            LoginState.LOGGED_IN, holds=(HoldReport(reason=GateReason.PLANNED_STOP),)
        )
        await reconciled(process)
        self.sentinel.tell(LoginState.AWAITING_APPROVAL)
        await self.tws.cut()
        await quiet(process)

    async def send(self, *program: str, finished: int, waiting: int, most: int) -> SendingRun:
        """Open the gate and wait for the first `most` orders."""
        async with self.executor(*program, finished=finished, waiting=waiting) as process:
            rest, at = memory(process), time.monotonic()
            self.sentinel.tell(LoginState.LOGGED_IN)
            came = await self.arrivals(min(most, waiting))
            return SendingRun(came[0] - at, rate(came), len(came), rest, max(rest, memory(process)))

    async def arrivals(self, most: int) -> list[float]:
        """Times at which orders came: the first `most`, or those of the time limit."""
        came: list[float] = []
        deadline = time.monotonic() + LIMIT_SECONDS
        while len(came) < most and (time.monotonic() < deadline or not came):
            await asyncio.sleep(LOOK_SECONDS)
            came += await self.tws.came()
        return came[:most]

    async def bare(self, orders: int) -> float:
        """Orders a second of ib_async alone: the next one when the last one is acknowledged."""
        await self.tws.came()
        ib = ib_async.IB()
        ib.client.MaxRequests = 0
        nothing = ib_async.StartupFetchNONE
        await ib.connectAsync("127.0.0.1", self.tws.port, clientId=5, fetchFields=nothing)
        contract = ib_async.Contract(conId=265598, secType="STK", exchange="SMART", currency="USD")
        for number in range(orders):
            order = ib_async.Order(
                action="BUY", totalQuantity=10, orderType="MKT", tif="DAY", account="DU1234567"
            )
            order.orderRef = f"bare-{number}"
            trade = ib.placeOrder(contract, order)
            while not trade.order.permId:
                await trade.statusEvent
        ib.disconnect()
        return rate(await self.tws.came())

    async def reconnect(self, *, finished: int) -> float:
        """Seconds from the cut until ready, with 300 orders of today filled before."""
        async with self.executor(*WITHOUT_PACING, finished=finished, waiting=300) as process:
            self.sentinel.tell(LoginState.LOGGED_IN)
            await self.arrivals(300)
            await probed(process, "/readyz", 200)
            await quiet(process)
            await self.tws.cut()
            at = time.monotonic()
            await probed(process, "/readyz", 503)
            await probed(process, "/readyz", 200)
            return time.monotonic() - at

    async def event(self, *, finished: int) -> float:
        """Milliseconds to record one broker event about a sent order."""
        full = self.store.ledger(Path(tempfile.mkdtemp(dir=self.folder)))
        fill_ledger(full, finished=finished, waiting=1)
        ledger = Ledger(
            full.opened(), clock=system_clock(), metrics=ExecutorMetrics(), changed=Wakeup()
        )
        await ledger.recover()
        order = (await ledger.page(after=0, limit=1, state=OrderState.WAITING))[0]
        sending = await ledger.reserve(order.id, client_id=17, next_valid_id=10**7)
        assert sending is not None
        at = time.monotonic()
        for number in range(EVENTS):
            text = f"Submitted{number}"
            await ledger.observe(OrderStatusReport(sending.order_id, 17, 10**8, text))
        took = time.monotonic() - at
        ledger.close()
        return took / EVENTS * 1000


def rate(came: list[float]) -> float:
    """Orders a second between the first and the last."""
    return (len(came) - 1) / (came[-1] - came[0]) if len(came) > 1 else 0.0


def reconciled_at(process: ExecutorProcess) -> float:
    """Monotonic time at which the executor had asked the broker about everything."""
    lines = process.log.read_text().splitlines()
    line = next(line for line in lines if line.endswith("reconciled with the broker"))
    at = datetime.strptime(line[:23], "%Y-%m-%d %H:%M:%S,%f")  # noqa: DTZ007 - the log's is local
    return at.timestamp() - time.time() + time.monotonic()


def memory(process: ExecutorProcess) -> float:
    """Resident MiB."""
    assert process.process is not None
    status = Path(f"/proc/{process.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


async def probed(process: ExecutorProcess, path: str, wanted: int) -> None:
    """Wait for this answer of the probes' port."""
    async with aiohttp.ClientSession() as session:
        client = JsonClient(session, f"http://127.0.0.1:{process.health_port}", CLIENT_TOKEN)

        async def look() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                return (await client.ask("GET", path))[0] == wanted
            return False

        await until(f"{path} answers {wanted}", look)


async def reconciled(process: ExecutorProcess) -> None:
    """Wait until the broker was asked about our orders once."""
    name = "executor_reconciliations_total"
    await scrape_until(process.health_port, lambda told: told.of(name)[""] > 0)


async def quiet(process: ExecutorProcess) -> None:
    """Wait until it uses little of a processor, at most half a minute."""
    for _ in range(30):
        before = cpu(process)
        await asyncio.sleep(1)
        if cpu(process) - before < 10:
            return


def cpu(process: ExecutorProcess) -> int:
    """Ticks of 10 ms used so far."""
    assert process.process is not None
    fields = Path(f"/proc/{process.process.pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


async def sizes(bench: SendingBench, stored: tuple[int, ...]) -> tuple[list[Figure], Chart]:
    """Each number of stored orders, half of them waiting."""
    figures: list[Figure] = []
    curves: dict[str, list[float]] = {"as paced": [], "without pacing": []}
    for number in stored:
        waiting = number - number // 2
        shape = {"finished": number // 2, "waiting": waiting}
        paced = await bench.send(**shape, most=PACED)
        free = await bench.send(*WITHOUT_PACING, **shape, most=UNPACED)
        curves["as paced"].append(paced.rate)
        curves["without pacing"].append(free.rate)
        memory = f"{paced.rest:.0f} MiB at rest, {max(paced.memory, free.memory):.0f} MiB after"
        figures += [
            Figure(
                what=f"orders a second with {number:,} stored",
                value=paced.rate,
                aim=40.0,
                at_least=True,
                beside=f"{free.rate:.0f} without pacing; {memory}",
            ),
            Figure(
                what=f"gate open to first order, {number:,} stored", value=paced.first, unit="s"
            ),
        ]
        show(figures[-2:])
    chart = Chart(
        name="sending",
        title="Orders leaving an open gate",
        x_title="orders stored, half of them waiting",
        unit="orders a second",
        x=tuple(float(number) for number in stored),
        curves={name: tuple(curve) for name, curve in curves.items()},
    )
    return figures, chart


async def beside_bare(bench: SendingBench) -> list[Figure]:
    """Unpaced beside ib_async alone, with an acknowledgement at once and a later one."""
    figures: list[Figure] = []
    for seconds in (0.0, SLOW_ACK_SECONDS):
        await bench.tws.acknowledge_after(seconds)
        bare = await bench.bare(300)
        ours = await bench.send(*WITHOUT_PACING, finished=0, waiting=1000, most=1000)
        again = await bench.bare(300)
        bare = (bare + again) / 2
        figures.append(
            Figure(
                what=f"without pacing, share of ib_async alone, acknowledged after {seconds * 1000:.0f} ms",
                value=ours.rate / bare,
                aim=0.7,
                at_least=True,
                beside=f"{ours.rate:.0f} against {bare:.0f} a second",
            )
        )
        show(figures[-1:])
    await bench.tws.acknowledge_after(0.0)
    return figures


async def others(bench: SendingBench, *, finished: int, backlog: int) -> list[Figure]:
    """First order behind a crowd, reconnects and events."""
    crowd = await bench.send(finished=0, waiting=backlog, most=200)
    figures = [
        Figure(
            what=f"gate opens with {backlog:,} waiting: first order",
            value=crowd.first,
            unit="s",
            aim=0.5,
            beside=f"then {crowd.rate:.1f} a second",
        )
    ]
    alone, beside = await bench.reconnect(finished=0), await bench.reconnect(finished=finished)
    figures.append(
        Figure(
            what=f"reconnect beside {finished:,} finished orders",
            value=beside,
            unit="s",
            beside=f"{alone:.2f} s beside none",
        )
    )
    alone, beside = await bench.event(finished=0), await bench.event(finished=finished)
    figures.append(
        Figure(
            what=f"a broker event beside {finished:,} finished orders",
            value=beside,
            unit="ms",
            beside=f"{alone:.2f} ms beside none",
        )
    )
    crowd = await bench.send(finished=0, waiting=finished, most=100)
    figures.append(
        Figure(
            what=f"memory with {finished:,} orders that wait",
            value=crowd.memory,
            unit="MiB",
            aim=150.0,
            beside=f"{crowd.rest:.0f} MiB before the gate opens",
        )
    )
    show(figures)
    return figures


def show(figures: Sequence[Figure]) -> None:
    """Print them as rows."""
    for figure in figures:
        click.echo(f"| {figure.what} | {figure.value:.2f} {figure.unit} | {figure.beside} |")


async def on_store(
    name: str, *, stored: tuple[int, ...], finished: int, backlog: int
) -> tuple[list[Figure], Chart]:
    """Everything on one store, one after the other."""
    with (
        bench_store(name) as store,
        tempfile.TemporaryDirectory(prefix="executor-sending-") as folder,
    ):
        async with LeanTws.running() as tws, SentinelStub().serving() as sentinel:
            bench = SendingBench(tws, sentinel, Path(folder), store)
            figures, chart = await sizes(bench, stored)
            figures += await beside_bare(bench)
            figures += await others(bench, finished=finished, backlog=backlog)
    found = [figure.model_copy(update={"what": named(figure.what, name)}) for figure in figures]
    names = {"title": named(chart.title, name)}
    if name != "sqlite":
        names["name"] = f"{chart.name}-{name}"
    return found, chart.model_copy(update=names)


async def main(
    stores: tuple[str, ...], *, stored: tuple[int, ...], finished: int, backlog: int
) -> Measured:
    """Each store."""
    figures: list[Figure] = []
    charts: list[Chart] = []
    for name in stores:
        click.echo(name)
        found, chart = await on_store(name, stored=stored, finished=finished, backlog=backlog)
        figures += found
        charts.append(chart)
    return Measured(
        title="Orders leaving an open gate",
        command="tests/bench/executor_sending.py --save",
        method=METHOD,
        figures=tuple(figures),
        charts=tuple(charts),
    )


@click.command()
@click.option("--stored", multiple=True, type=int, default=(200, 3000, 20_000, 100_000))
@click.option("--finished", default=100_000, help="finished orders beside a reconnect")
@click.option("--backlog", default=20_000, help="orders that wait when the gate opens")
@click.option("--store", "stores", multiple=True, type=click.Choice(STORES), default=STORES)
@click.option("--save", "kept", is_flag=True, help="Keep the figures for docs/performance.md.")
def command(
    stored: tuple[int, ...], finished: int, backlog: int, stores: tuple[str, ...], *, kept: bool
) -> None:
    """Orders a second from an open gate, and what it costs to have many of them."""
    found = asyncio.run(main(stores, stored=stored, finished=finished, backlog=backlog))
    if kept:
        save("sending", found)


if __name__ == "__main__":
    command()
