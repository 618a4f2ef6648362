"""docs/metrics.md and what the programs really expose are the same; and it is never much, nor secret."""

import re
from pathlib import Path
from typing import Final

import pytest

from exposed_metrics import OURS, Exposed, exposed
from ibgateway_agent.console import endings
from ibgateway_agent.sentinel.probe.handshake import ProbeResult
from ibgateway_alerts import alerts, series_in
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.gate import GateReason
from ibgateway_api.login import LoginState
from ibgateway_api.permits import Cause, PermitKind
from ibgateway_executor.orders.order import OrderReason, OrderState
from ibgateway_executor.rebalance.progress import ENDED, RebalanceReason, RebalanceState
from ibgateway_operator.figures import MEASURED

ROOT: Final = Path(__file__).parents[3]
PAGE: Final = (ROOT / "docs/metrics.md").read_text()
EVERYWHERE: Final = "Every program"
SHARED: Final = frozenset({"ibgateway_build_info", "ibgateway_notifications_total"})
"""Names that more than one program has, with the same meaning."""


def documented() -> dict[str, set[tuple[str, str, tuple[str, ...]]]]:
    """By heading, each row: name, type and labels."""
    found = {}
    for section in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]:
        rows = re.findall(r"^\| `(ibgateway_\w+)` \| (\w+) \| (.*?) ?\|", section, re.MULTILINE)
        found[section.split("\n")[0]] = {
            (name, kind, tuple(re.findall(r"\w+", labels))) for name, kind, labels in rows
        }
    return found


def remedies() -> dict[str, str]:
    """What the last column says of each metric; empty where no value of it is wrong."""
    rows = re.findall(r"^\| `(ibgateway_\w+)` (?:\|[^|]*){3}\| (.*?) ?\|$", PAGE, re.MULTILINE)
    assert len(rows) == sum(map(len, documented().values()))
    found: dict[str, str] = {}
    for name, remedy in rows:
        found[name] = f"{found.get(name, '')} {remedy}".strip()
    return found


def shown(metrics: list[Exposed]) -> set[tuple[str, str, tuple[str, ...]]]:
    return {(metric.name, metric.type, metric.labels) for metric in metrics}


EXPOSED: Final = exposed()


@pytest.mark.parametrize("program", EXPOSED)
def test_every_metric_of_a_program_is_documented_and_nothing_else(program: str) -> None:
    assert documented()[program.capitalize()] | documented()[EVERYWHERE] == shown(EXPOSED[program])


@pytest.mark.parametrize("alert", alerts())
def test_an_alerts_runbook_is_what_to_do_about_a_metric_that_it_asks_for(alert: str) -> None:
    asked = series_in(alerts()[alert]["expr"])
    assert asked & {name for name, remedy in remedies().items() if f"[{alert}](" in remedy}


CONTEXT: Final = {
    "ibgateway_console_bytes_total",
    "ibgateway_executor_regular_session",
    "ibgateway_executor_volume_size_bytes",
    "ibgateway_login_attempts_daily_limit",
    "ibgateway_next_window_timestamp_seconds",
    "ibgateway_operator_regular_session",
    "ibgateway_sentinel_volume_size_bytes",
    "ibgateway_window_start_timestamp_seconds",
}
"""No value of these is wrong: they are asked for beside others."""


def test_every_other_metric_says_which_value_is_wrong_and_what_to_do() -> None:
    assert {name for name, remedy in remedies().items() if not remedy} == CONTEXT


def test_a_name_means_one_thing_in_one_program() -> None:
    names = [m.name for metrics in EXPOSED.values() for m in metrics if m.name not in SHARED]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("program", EXPOSED)
def test_names_follow_the_customs_of_prometheus(program: str) -> None:
    for metric in EXPOSED[program]:
        assert metric.name.startswith(OURS)
        assert metric.name.endswith("_total") == (metric.type == "counter"), metric
        assert not re.search(r"_(ms|milliseconds|minutes|hours|kb|mb)(_|$)", metric.name), metric
        assert metric.type != "histogram" or metric.name.endswith("_seconds"), metric
        assert metric.text


HISTOGRAM: Final = {
    "ibgateway_api_handshake_seconds": 10,
    "ibgateway_executor_acknowledgement_seconds": 13,
    "ibgateway_executor_rebalance_seconds": 9,
    "ibgateway_operator_reconcile_seconds": 17,
}
"""Buckets, sum and count."""
MOST: Final = {
    "ibgateway_build_info": 1,
    "ibgateway_login_state": 1,
    "ibgateway_login_state_seconds_total": len(LoginState),
    "ibgateway_login_attempts_total": len(PermitKind) * len(Cause),
    "ibgateway_permit_refused": 1,
    "ibgateway_restarts_total": len(Cause) + 2,
    "ibgateway_trading_held": 4,
    "ibgateway_api_probes_total": len(ProbeResult),
    "ibgateway_notifications_total": 3,
    "ibgateway_executor_gate_closed": 1,
    "ibgateway_executor_gate_seconds_total": len(LoginState) + len(GateReason),
    "ibgateway_executor_orders": 4,
    "ibgateway_executor_unsent_orders": len(OrderReason) + len(LoginState) + len(GateReason),
    "ibgateway_executor_order_moves_total": len(OrderState),
    "ibgateway_executor_rebalances": len(RebalanceState) - len(ENDED),
    "ibgateway_executor_rebalance_state_since_timestamp_seconds": len(RebalanceState) - len(ENDED),
    "ibgateway_executor_rebalances_ended_total": len(RebalanceReason) + 2,
    "ibgateway_console_sessions_total": sum(
        isinstance(one, endings.SessionEnd) for one in vars(endings).values()
    ),
    "ibgateway_console_refused_total": 4,
    "ibgateway_console_pressed_total": 3 * len(ConsoleAction),
    "ibgateway_console_bytes_total": 2,
}
"""The values that a label may have; of a present state one at a time."""
OF_A_GATEWAY: Final = 2 + len(MEASURED)
"""In the operator: login, gate, conditions."""
OF_A_PROCESS: Final = 6
"""`process_*`, by the kernel's word."""


def most_series(program: str) -> int:
    return sum(
        HISTOGRAM.get(metric.name) or (MOST[metric.name] if metric.labels else 1)
        for metric in EXPOSED[program]
    )


def test_a_gateway_has_at_most_as_many_series_as_the_page_says() -> None:
    said = re.search(r"and (\d+) at most", PAGE)
    assert said is not None
    programs = ("sentinel", "executor", "console")
    most = sum(most_series(program) + OF_A_PROCESS for program in programs)
    assert most + OF_A_GATEWAY <= int(said[1])
    assert OF_A_GATEWAY == 5
