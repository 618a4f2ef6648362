"""All checks in their order, and their results."""

from collections.abc import Iterator
from typing import Final

from ibgateway_cli.doctor.check import Check, CheckResult, CheckState, CheckSubject
from ibgateway_cli.doctor.objects import (
    operator,
    resource,
    secret_keys,
    server,
    spec,
    storage,
    time_zone,
)
from ibgateway_cli.doctor.running import clock, image_contract, messages, policies, reachability
from ibgateway_cli.errors import PluginError

CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("server", server),
    ("resource", resource),
    ("operator", operator),
    ("spec", spec),
    ("secret keys", secret_keys),
    ("time zone", time_zone),
    ("image contract", image_contract),
    ("storage", storage),
    ("policies", policies),
    ("clock", clock),
    ("reachability", reachability),
    ("messages", messages),
)


def results(of: CheckSubject) -> Iterator[CheckResult]:
    """One after the other, as they come."""
    for name, check in CHECKS:
        yield result(name, check, of)


def result(name: str, check: Check, of: CheckSubject) -> CheckResult:
    """A check that can't be made has its reason for a sentence."""
    try:
        return CheckResult(name, *check(of))
    except PluginError as error:
        return CheckResult(name, CheckState.UNKNOWN, error.sentence, error.next_step)
