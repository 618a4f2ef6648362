"""What the intake's bench found, as figures beside their aims and curves over the stored orders."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from bench_page import Chart, Figure, Measured
from bench_stores import named
from intake_load.figures import LoadFigures

METHOD: Final = (
    "The real executor process on loopback with its gate closed, and clients that cost little. Bare commits are inserts of like rows into the same tables, one a "
    "commit, by one program in the same run; a PostgreSQL is on the same machine and disk. Every number of stored orders starts from a new ledger."
)


@dataclass(frozen=True)
class StoredRun:
    """The figures with one number of stored orders; seconds and MiB."""

    stored: int
    kind: str
    store: str
    bare: LoadFigures
    one: LoadFigures
    many: LoadFigures
    used: tuple[float, float]
    """The executor's CPU for an order, in ms: with one client, with sixteen."""
    opened: float
    rest: float
    after: float

    def share(self, told: LoadFigures) -> float:
        """Of the bare rate."""
        return told.rate / self.bare.rate


def measured(runs: Sequence[StoredRun]) -> Measured:
    """The aims hold whatever is stored, so each figure is the worst of the runs."""
    return Measured(
        title="The executor's intake",
        command="tests/bench/executor_intake.py --save",
        method=METHOD,
        figures=tuple(
            figure.model_copy(update={"what": named(figure.what, store)})
            for store, mine in _by_store(runs)
            for figure in _figures(mine)
        ),
        charts=tuple(
            _chart(kind, store, [run for run in mine if run.kind == kind])
            for store, mine in _by_store(runs)
            for kind in sorted({run.kind for run in mine})
        ),
    )


def _by_store(runs: Sequence[StoredRun]) -> list[tuple[str, list[StoredRun]]]:
    return [
        (store, [run for run in runs if run.store == store])
        for store in dict.fromkeys(run.store for run in runs)
    ]


def _figures(runs: Sequence[StoredRun]) -> tuple[Figure, ...]:
    return (
        _least("intake / bare commits, 1 client", 0.3, [(run, run.share(run.one)) for run in runs]),
        _least(
            "intake / bare commits, 16 clients",
            0.5,
            [(run, run.share(run.many)) for run in runs],
        ),
        _most(
            "p99 beyond the bare one, 1 client",
            "ms",
            10,
            [(run, run.one.p99 - run.bare.p99) for run in runs],
        ),
        _most(
            "p99 beyond the bare one, 16 clients",
            "ms",
            10,
            [(run, run.many.p99 - run.bare.p99) for run in runs],
        ),
        _most("start to first answer", "s", None, [(run, run.opened) for run in runs]),
        _most(
            "memory at rest, nothing stored",
            "MiB",
            80,
            [(run, run.rest) for run in runs if not run.stored],
        ),
        _most("memory after the load", "MiB", 150, [(run, run.after) for run in runs]),
    )


Told = Sequence[tuple[StoredRun, float]]


def _least(what: str, aim: float, told: Told) -> Figure:
    run, value = min(told, key=lambda pair: pair[1])
    return Figure(what=what, value=value, aim=aim, at_least=True, beside=_where(run))


def _most(what: str, unit: str, aim: float | None, told: Told) -> Figure:
    if not told:
        return Figure(what=what, value=None, unit=unit, aim=aim)
    run, value = max(told, key=lambda pair: pair[1])
    return Figure(what=what, value=value, unit=unit, aim=aim, beside=_where(run))


def _where(run: StoredRun) -> str:
    return f"worst with {run.stored:,} {run.kind}; bare {run.bare.rate:.0f}/s, p99 {run.bare.p99:.1f} ms"


def _chart(kind: str, store: str, runs: Sequence[StoredRun]) -> Chart:
    return Chart(
        name=f"intake-{kind}" if store == "sqlite" else f"intake-{kind}-{store}",
        title=named(f"Orders stored, with more and more that are {kind}", store),
        x_title="orders stored before",
        unit="orders a second",
        x=tuple(float(run.stored) for run in runs),
        curves={
            "bare commits": tuple(run.bare.rate for run in runs),
            "1 client": tuple(run.one.rate for run in runs),
            "16 clients": tuple(run.many.rate for run in runs),
        },
    )
