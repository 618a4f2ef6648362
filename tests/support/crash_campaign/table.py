"""What a campaign has found, as a table: a line for each accident, store and story."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from crash_campaign.campaign import CampaignResult

HEAD: Final = (
    *("accident", "store", "story", "points", "moments", "deaths", "on their way", "orders"),
    *("lost", "twice", "out of order", "otherwise", "unknown resolved", "unknown parked"),
)


def table(results: Iterable[CampaignResult]) -> str:
    """One line for each accident, store and story; several worlds of one are added up."""
    sums: dict[tuple[str, ...], Counter[str]] = {}
    for result in results:
        plan = result.plan
        story = f"{plan.story}, restart" if plan.restart else plan.story
        line = sums.setdefault((plan.accident.value, plan.store, story), Counter())
        line.update(figures(result))
    rows = [[*names, *(str(line[name]) for name in HEAD[3:])] for names, line in sums.items()]
    return "\n".join(_line(cells) for cells in (HEAD, ["---"] * len(HEAD), *rows))


def figures(result: CampaignResult) -> dict[str, int]:
    """One world's. `otherwise`: sent with other terms, told otherwise than the book, in doubt without a reason."""
    verdict = result.verdict
    otherwise = (verdict.other_terms, verdict.told_otherwise, verdict.unexplained)
    return {
        "points": result.done["points reached"],
        "moments": result.done["moments"],
        "deaths": sum(result.done[accident] for accident in ("kill", "power", "database", "cut")),
        "on their way": result.done["orders on their way at a death"],
        "orders": sum(verdict.states.values()),
        "lost": len(verdict.lost),
        "twice": len(verdict.twice),
        "out of order": len(verdict.out_of_order),
        "otherwise": sum(len(lines) for lines in otherwise),
        "unknown resolved": result.doubted - result.parked,
        "unknown parked": result.parked,
    }


def details(result: CampaignResult) -> str:
    """How many points there are and of what kind, everything that was counted, and a line for each violation."""
    kinds = Counter(kind for kind, _, _ in result.targets)
    lines = [f"{number} points of the kind {kind}" for kind, number in sorted(kinds.items())]
    counted = [*sorted(result.done.items()), *result.verdict.rows(), *result.further]
    lines += [f"{name}: {number}" for name, number in counted]
    lines += [f"not reached: {' '.join(map(str, target))}" for target in result.missed]
    lines += [f"VIOLATION {line}" for line in result.violations]
    return "\n".join(lines)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
