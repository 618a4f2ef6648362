"""Each alert fires when it should and stays quiet when it nearly should, in Prometheus' own engine."""

import copy
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
from prometheus_client import generate_latest

from exposed_metrics import registries
from ibgateway_alerts import ALERTS, Promtool, Rule, alerts, groups, promtool, write

GATEWAY: Final = 'namespace="trading",gateway="paper"'
SENTINEL: Final = f'{GATEWAY},pod="paper-gateway-0"'
EXECUTOR: Final = f'{GATEWAY},pod="paper-executor-1"'
OPERATOR: Final = 'namespace="RELEASE_NAMESPACE",pod="operator-1"'
LEADING: Final = {f"ibgateway_operator_leading{{{OPERATOR}}}": "1x90"}
"""In every case an operator works, unless the case says otherwise."""
ALWAYS: Final = "x90"

Series = dict[str, str]


@dataclass(frozen=True)
class Case:
    """What is scraped each minute from minute 0 on, and every alert that fires after so many minutes.

    `about`: the alert that nearly fires and does not.
    """

    series: Series
    minutes: int
    fires: str = ""
    about: str = ""
    without: tuple[str, ...] = field(default=())

    def block(self, number: int) -> dict[str, Any]:
        """As promtool wants it."""
        fired = [{"labels": f'{{alertname="{self.fires}"}}', "value": 1}] if self.fires else []
        series = {k: v for k, v in {**LEADING, **self.series}.items() if k not in self.without}
        return {
            "name": f"{number}: {self.fires or f'not {self.about}'}",
            "interval": "1m",
            "input_series": [{"series": k, "values": v} for k, v in series.items()],
            "promql_expr_test": [
                {
                    "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
                    "eval_time": f"{self.minutes}m",
                    "exp_samples": fired,
                }
            ],
        }


def sentinel(name: str, value: str = "1x90", **labels: str) -> Series:
    return {f"ibgateway_{name}{{{SENTINEL}{_more(labels)}}}": value}


def executor(name: str, value: str = "1x90", **labels: str) -> Series:
    return {f"ibgateway_executor_{name}{{{EXECUTOR}{_more(labels)}}}": value}


def operator(name: str, value: str, **labels: str) -> Series:
    return {f"ibgateway_operator_{name}{{{OPERATOR}{_more(labels)}}}": value}


def judged(name: str, value: str, **labels: str) -> Series:
    """A series of a gateway that the operator shows."""
    return {f'ibgateway_operator_{name}{{{GATEWAY},pod="operator-1"{_more(labels)}}}': value}


def state(name: str, value: str = "1x90") -> Series:
    return sentinel("login_state", value, state=name)


def _more(labels: dict[str, str]) -> str:
    return "".join(f',{name}="{value}"' for name, value in labels.items())


IN_HOURS: Final = executor("regular_session")
QUEUE: Final = executor("gate_open") | executor("unsent_orders", "3x90", reason="HoursUnknown")
UNMOVED: Final = executor("orders_sent_total", "5x90")
ROOM: Final = executor("volume_size_bytes", "100x90")


def waits(reason: str) -> Series:
    return sentinel("permit_refused", reason=reason)


def condition(kind: str, reason: str, value: str = "0x90") -> Series:
    return judged("condition", value, type=kind, reason=reason)


CASES: Final = (
    Case(state("AwaitingApproval"), 1, "IBGatewayPushWaiting"),
    Case(state("LoggingIn"), 1, about="IBGatewayPushWaiting"),
    Case(state("ApprovalMissed"), 1, "IBGatewayPushMissed"),
    Case(state("LoggedIn"), 60, about="IBGatewayPushMissed"),
    Case(
        sentinel("window_open") | sentinel("window_restart_timestamp_seconds", "0x90"),
        37,
        "IBGatewayWeekNotAuthenticated",
    ),
    Case(
        sentinel("window_open", "0x90") | sentinel("window_restart_timestamp_seconds", "0x90"),
        60,
        about="IBGatewayWeekNotAuthenticated",
    ),
    Case(
        sentinel("window_open") | sentinel("window_restart_timestamp_seconds", "3600x90"),
        60,
        about="IBGatewayWeekNotAuthenticated",
    ),
    Case(waits("Parked"), 2, "IBGatewayParked"),
    Case(waits("LedgerLost"), 2, "IBGatewayParked"),
    Case(waits("Interval"), 60, about="IBGatewayParked"),
    Case(waits("DailyBudget"), 2, "IBGatewayLoginBudgetSpent"),
    Case(waits("QuietHours"), 60, about="IBGatewayLoginBudgetSpent"),
    Case(state("Rejected"), 1, "IBGatewayLoginRejected"),
    Case(state("WaitingForPermit"), 1, about="IBGatewayLoginRejected"),
    Case(state("LockedOut"), 1, "IBGatewayLockedOut"),
    Case(state("Stopped"), 1, about="IBGatewayLockedOut"),
    Case(state("NeedsPerson"), 2, "IBGatewayNeedsPerson"),
    Case(state("NeedsPerson", "1 stale"), 2, about="IBGatewayNeedsPerson"),
    Case(state("TokenExpired"), 2, "IBGatewayTokenExpired"),
    Case(state("TokenExpired", "1 stale"), 2, about="IBGatewayTokenExpired"),
    Case(state("SessionConflict"), 6, "IBGatewaySessionConflict"),
    Case(state("SessionConflict"), 4, about="IBGatewaySessionConflict"),
    Case(
        state("ConnectionLost", "1x7 stale") | state("ApiUnresponsive", "_x7 1x30"),
        16,
        "IBGatewayConnectionLost",
    ),
    Case(state("ConnectionLost") | sentinel("ibkr_outage"), 60, about="IBGatewayConnectionLost"),
    Case(executor("gate_closed", reason="NotReconciled") | IN_HOURS, 11, "IBGatewayGateClosed"),
    Case(
        executor("gate_closed", "1x5 stale", reason="ConnectionLost")
        | executor("gate_closed", "_x5 1x30", reason="NotReconciled")
        | IN_HOURS,
        11,
        "IBGatewayGateClosed",
    ),
    Case(
        judged("gate_open", "0x90", reason="LockedOut") | operator("regular_session", "1x90"),
        11,
        "IBGatewayGateClosed",
    ),
    Case(
        executor("gate_closed", reason="NightlyRestart") | IN_HOURS,
        60,
        about="IBGatewayGateClosed",
    ),
    Case(
        executor("gate_closed", reason="NotReconciled") | executor("regular_session", "0x90"),
        60,
        about="IBGatewayGateClosed",
    ),
    Case(executor("orders", "2x90", state="Unknown"), 11, "IBGatewayOrdersInDoubt"),
    Case(executor("orders", "2x90", state="Working"), 60, about="IBGatewayOrdersInDoubt"),
    Case(executor("orders", "2x8 0x90", state="Unknown"), 11, about="IBGatewayOrdersInDoubt"),
    Case(executor("rebalances_stuck"), 11, "IBGatewayRebalanceStuck"),
    Case(executor("rebalances_stuck", "1x8 0x90"), 11, about="IBGatewayRebalanceStuck"),
    Case(executor("backup_failing"), 16, "IBGatewayBackupFailing"),
    Case(executor("backup_failing", "1x13 0x90"), 16, about="IBGatewayBackupFailing"),
    Case(QUEUE | UNMOVED, 25, "IBGatewayQueueNotMoving"),
    Case(QUEUE | executor("orders_sent_total", "0+1x90"), 60, about="IBGatewayQueueNotMoving"),
    Case(
        executor("gate_open") | executor("unsent_orders", "3x90", reason="MarketClosed") | UNMOVED,
        60,
        about="IBGatewayQueueNotMoving",
    ),
    Case(executor("ledger_writable", "0x90"), 2, "IBGatewayLedgerUnavailable"),
    Case(executor("ledger_writable"), 60, about="IBGatewayLedgerUnavailable"),
    Case(ROOM | executor("volume_available_bytes", "9x90"), 11, "IBGatewayVolumeNearlyFull"),
    Case(
        sentinel("sentinel_volume_size_bytes", "100x90")
        | sentinel("sentinel_volume_available_bytes", "9x90"),
        11,
        "IBGatewayVolumeNearlyFull",
    ),
    Case(ROOM | executor("volume_available_bytes", "11x90"), 60, about="IBGatewayVolumeNearlyFull"),
    Case(sentinel("clock_skew_seconds", "-6x90"), 3, "IBGatewayClockSkew"),
    Case(executor("clock_skew_seconds", "6x90"), 3, "IBGatewayClockSkew"),
    Case(sentinel("clock_skew_seconds", "4.9x90"), 60, about="IBGatewayClockSkew"),
    Case(condition("ExecutorReady", "PodNotReady"), 4, "IBGatewayExecutorDown"),
    Case(
        condition("ExecutorReady", "NoPod") | judged("gate_open", "1x90", reason="GateOpen"),
        4,
        "IBGatewayExecutorDown",
    ),
    Case(condition("ExecutorReady", "GateClosed"), 60, about="IBGatewayExecutorDown"),
    Case(condition("ExecutorReady", "StoppedWhileClosed"), 60, about="IBGatewayExecutorDown"),
    Case(
        condition("ExecutorReady", "NoPod") | judged("gate_open", "0x90", reason="Suspended"),
        60,
        about="IBGatewayExecutorDown",
    ),
    Case(judged("gate_open", "0x90", reason="NoNews"), 6, "IBGatewaySilent"),
    Case(judged("gate_open", "0x90", reason="Suspended"), 60, about="IBGatewaySilent"),
    Case(sentinel("sentinel_blind"), 2, "IBGatewaySentinelBlind"),
    Case(sentinel("sentinel_unwritten"), 2, "IBGatewaySentinelBlind"),
    Case(
        sentinel("sentinel_blind", "0x90") | sentinel("sentinel_unwritten", "0x90"),
        60,
        about="IBGatewaySentinelBlind",
    ),
    Case(operator("leading", "0x90"), 6, "IBGatewayOperatorAway"),
    Case(
        {'ibgateway_operator_leading{namespace="elsewhere",pod="operator-1"}': "1x90"},
        6,
        "IBGatewayOperatorAway",
        without=tuple(LEADING),
    ),
    Case(
        {'ibgateway_operator_leading{namespace="RELEASE_NAMESPACE",pod="second"}': "0x90"},
        60,
        about="IBGatewayOperatorAway",
    ),
    Case(operator("queue_failing", "2x90", queue="reconcile"), 16, "IBGatewayReconcilesFail"),
    Case(
        operator("queue_failing", "2x9 0x90", queue="reconcile"),
        16,
        about="IBGatewayReconcilesFail",
    ),
    Case(operator("queue_oldest_due_seconds", "61x90", queue="gate"), 6, "IBGatewayOperatorSlow"),
    Case(operator("queue_oldest_run_seconds", "61x90", queue="gate"), 6, "IBGatewayOperatorSlow"),
    Case(
        operator("queue_oldest_due_seconds", "59x90", queue="gate"),
        60,
        about="IBGatewayOperatorSlow",
    ),
    Case(condition("Ready", "CredentialsMissing"), 6, "IBGatewaySetupTrouble"),
    Case(condition("Ready", "WaitingForPermit"), 60, about="IBGatewaySetupTrouble"),
    Case(
        condition("NotificationsDelivered", "Undelivered"),
        6,
        "IBGatewayNotificationsUndelivered",
    ),
    Case(sentinel("notifications_undelivered"), 6, "IBGatewayNotificationsUndelivered"),
    Case(
        condition("NotificationsDelivered", "NotConfigured", " ".join(["NaN"] * 90)),
        60,
        about="IBGatewayNotificationsUndelivered",
    ),
)


@pytest.fixture(scope="module")
def tool() -> Promtool:
    return promtool()


def document(cases: tuple[Case, ...], rules: Path) -> dict[str, Any]:
    return {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [case.block(number) for number, case in enumerate(cases)],
    }


def changed(name: str, expression: str, **fields: str) -> list[dict[str, Any]]:
    """The rules with another expression for one alert, without patience."""
    found = copy.deepcopy(groups())
    (rule,) = (rule for group in found for rule in group["rules"] if rule["alert"] == name)
    rule |= {"expr": expression, "for": "0m", **fields}
    return found


def test_the_rules_are_valid(tool: Promtool) -> None:
    done = tool.run("check", "rules", "--lint=all", "--lint-fatal", str(ALERTS))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_fires_when_it_should_and_no_other_does(tool: Promtool, tmp_path: Path) -> None:
    done = tool.run("test", "rules", str(write(tmp_path / "cases.yaml", document(CASES, ALERTS))))
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_has_a_case_that_fires_it_and_one_that_nearly_does() -> None:
    assert {case.fires for case in CASES if case.fires} == set(alerts())
    assert {case.about for case in CASES if case.about} == set(alerts())
    assert all(bool(case.fires) != bool(case.about) for case in CASES)


def test_the_cases_notice_every_alert_that_never_fires_or_always(
    tool: Promtool, tmp_path: Path
) -> None:
    """All in one run: a file for each alert and each way of breaking it, and each of them is to fail."""
    files = {}
    for name, rule in alerts().items():
        for way, expression, cases in (
            (
                "never",
                f"({rule['expr']}) and on () vector(0) > 1",
                [c for c in CASES if c.fires == name],
            ),
            ("always", "vector(1)", [c for c in CASES if c.about == name]),
        ):
            rules = write(
                tmp_path / f"{name}-{way}-rules.yaml", {"groups": changed(name, expression)}
            )
            file = tmp_path / f"{name}-{way}.yaml"
            files[str(write(file, document(tuple(cases), rules)))] = f"{name} {way}"
    done = tool.run("test", "rules", *files)
    found = re.split(r"^Unit Testing:\s+", done.stdout, flags=re.MULTILINE)[1:]
    quiet = [files[part.split("\n")[0].strip()] for part in found if "SUCCESS" in part]
    assert (len(found), quiet) == (2 * len(alerts()), [])


def words(rule: Rule, *labels: str) -> set[str]:
    text = " ".join(rule["annotations"].values())
    return set(re.findall(r"\$labels\.(\w+)", text))


LEFT: Final = {
    "IBGatewayOperatorAway": {"namespace"},
    "IBGatewayReconcilesFail": {"pod", "queue"},
    "IBGatewayOperatorSlow": {"pod", "queue"},
}
"""The labels of an alert that is about no gateway."""


@pytest.mark.parametrize("name", alerts())
def test_what_an_alert_says_names_labels_that_it_has(name: str) -> None:
    named = words(alerts()[name])
    plain = {"namespace", "gateway"}
    more = {
        "IBGatewayParked": {"reason"},
        "IBGatewaySetupTrouble": {"reason"},
        "IBGatewayVolumeNearlyFull": {"pod"},
        "IBGatewayClockSkew": {"pod"},
    }
    assert named <= LEFT.get(name, plain | more.get(name, set()))


@pytest.mark.parametrize("program", registries())
def test_what_a_program_exposes_is_what_prometheus_calls_good(tool: Promtool, program: str) -> None:
    """But for `process_*`, which are Prometheus' own."""
    text = generate_latest(registries()[program]).decode()
    done = tool.run("check", "metrics", given=text)
    assert (done.stdout, done.stderr) == ("", "")
