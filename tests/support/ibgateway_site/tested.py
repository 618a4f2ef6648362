"""docs/tested.md: every promise, its limit, the test that holds it and the figure that was measured last. Pure but for the kept figures."""

from typing import Final

from bench_page.measured import FOLDER, Figure, Measured
from bench_page.page import amount
from ibgateway_site.promises import GROUPS, Promise

HEAD: Final = """# What is tested

Made by `make pages` from the list in `tests/support/ibgateway_site/promises.py` and the kept figures of [performance](performance.md); never edited by hand. A house test holds that each test that is named
exists, and that a limit in seconds stands in it.

"Limit" is the longest that a test waits for it, or, where a figure is measured, what the figure may be at most (or at least). "Last measured" has the benchmark's date; **bold** is above its limit. What has no limit holds at once or
never: nothing of it depends on time. `e2e` and `apiserver` run in `make test`; `stories` and `faults` by hand, as `bench` does. Everything runs against [our simulator](simulator.md).
"""


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for group in GROUPS:
        rows = "".join(_row(promise) for promise in group.promises)
        parts.append(
            f"## {group.title}\n\n| promise | limit | last measured | held by |\n|---|---|---|---|\n{rows}"
        )
    return "\n".join(parts)


def _row(promise: Promise) -> str:
    tests = ", ".join(f"`tests/{test}`" for test in promise.tests)
    limit = "" if promise.seconds is None else f"{promise.seconds} s"
    last = ""
    if promise.figure is not None:
        run, figure = measured(*promise.figure)
        limit, last = _limit(figure), f"{_value(figure)} ({run.date})"
    return f"| {promise.what} | {limit} | {last} | {tests} |\n"


def _limit(figure: Figure) -> str:
    if figure.aim is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {amount(figure.aim, figure.unit)}"


def _value(figure: Figure) -> str:
    if figure.value is None:
        return "**not measured**"
    value = amount(figure.value, figure.unit)
    return f"**{value}**" if figure.met is False else value


def measured(name: str, what: str) -> tuple[Measured, Figure]:
    """A figure of docs/performance with its run; raises ValueError where there is none of that name."""
    run = Measured.model_validate_json((FOLDER / f"{name}.json").read_text())
    for figure in run.figures:
        if figure.what == what:
            return run, figure
    raise ValueError(f"{name}.json has no figure {what}")
