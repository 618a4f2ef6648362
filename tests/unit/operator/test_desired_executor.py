"""The executor's Deployment and its ledger."""

from typing import Any

from ibgateway_operator.desired.config import executor_settings
from operator_fakes import LIVE, children_of, desired_input


def test_the_ledger_is_stamped_with_its_trading_mode() -> None:
    claim = children_of(desired_input(LIVE))["PersistentVolumeClaim paper-executor"]
    assert claim["metadata"]["annotations"] == {"ibgateway.dev/trading-mode": "live"}


def test_the_executor_waits_for_the_operators_gate_and_for_its_own() -> None:
    deployment = children_of(desired_input())["Deployment paper-executor"]["spec"]
    spec = deployment["template"]["spec"]
    assert deployment["strategy"] == {"type": "Recreate"}
    assert spec["readinessGates"] == [{"conditionType": "ibgateway.dev/trading-allowed"}]
    probe = spec["containers"][0]["readinessProbe"]
    assert probe["httpGet"] == {"path": "/readyz?held", "port": 8081, "scheme": "HTTP"}
    assert (probe["periodSeconds"], probe["failureThreshold"]) == (1, 1)


def test_an_unchanged_executor_keeps_its_template_hash_when_settings_change() -> None:
    def stamp(spec: dict[str, Any]) -> str:
        deployment = children_of(desired_input(spec))["Deployment paper-executor"]
        return str(deployment["metadata"]["annotations"]["ibgateway.dev/template-hash"])

    before = stamp({"executor": {"clientId": 17}})
    assert stamp({"executor": {"clientId": 18}}) == before
    assert stamp({"weeklyRestart": {"restartAt": "11:00"}}) == before


def test_the_executor_is_told_the_cash_that_rebalances_leave() -> None:
    settings = executor_settings(desired_input({"executor": {"cashReservePercent": "2.5"}}))
    assert settings.cash_reserve_percent == "2.5"
    assert executor_settings(desired_input()).cash_reserve_percent is None
