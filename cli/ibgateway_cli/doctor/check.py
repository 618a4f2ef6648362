"""A check: what it looks at, and the line that it gives."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ibgateway_api.conditions import Condition, ConditionType
from ibgateway_cli.app import Plugin
from ibgateway_cli.kube.cluster import Json
from ibgateway_cli.status.overview import GatewayFacts


class CheckState(StrEnum):
    """How a check came out."""

    FINE = "ok"
    DOUBT = "doubt"
    """Nothing is broken, and somebody should know."""
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """It could not be looked at."""


@dataclass(frozen=True)
class CheckResult:
    """One line: what was looked at, how it is, and what helps."""

    name: str
    state: CheckState
    sentence: str
    remedy: str = ""


@dataclass(frozen=True)
class CheckSubject:
    """What the checks look at: the gateway as it was read, and where to ask further."""

    plugin: Plugin
    facts: GatewayFacts
    document: Json

    def condition(self, kind: ConditionType) -> Condition | None:
        """One of its conditions."""
        return self.facts.condition(kind)


Finding = tuple[CheckState, str, str]
Check = Callable[[CheckSubject], Finding]


def fine(sentence: str) -> Finding:
    """As it should be."""
    return CheckState.FINE, sentence, ""
