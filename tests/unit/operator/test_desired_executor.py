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


TARGETS = {
    "executor": {
        "targets": {
            "url": "https://desk.example:8443/targets?book=1",
            "account": "DU1234567",
            "tokenSecretRef": {"name": "desk", "key": "bearer"},
            "schedule": {"days": ["Mon"], "at": "10:15", "timeZone": "Europe/Berlin"},
        }
    }
}


def test_the_source_of_targets_is_named_in_the_settings_and_its_token_is_a_file() -> None:
    given = desired_input(TARGETS)
    targets = executor_settings(given).targets
    assert targets is not None
    assert (targets.url, targets.account) == (
        "https://desk.example:8443/targets?book=1",
        "DU1234567",
    )
    assert (targets.schedule.at, targets.schedule.time_zone) == ("10:15", "Europe/Berlin")
    pod = children_of(given)["Deployment paper-executor"]["spec"]["template"]["spec"]
    volume = next(v for v in pod["volumes"] if v["name"] == "targets-token")
    assert volume["secret"]["secretName"] == "desk"
    assert volume["secret"]["items"] == [{"key": "bearer", "path": "token"}]
    assert volume["secret"]["optional"] is True
    mounts = {m["name"]: m["mountPath"] for m in pod["containers"][0]["volumeMounts"]}
    assert mounts["targets-token"] == "/run/secrets/targets"


def test_the_executor_may_reach_the_port_of_its_source_and_nothing_more() -> None:
    def egress(spec: dict[str, Any] | None = None) -> list[Any]:
        policy = children_of(desired_input(spec))["NetworkPolicy paper-executor"]
        rules: list[Any] = policy["spec"]["egress"]
        return rules

    assert egress(TARGETS)[: len(egress())] == egress()
    assert egress(TARGETS)[len(egress()) :] == [{"ports": [{"protocol": "TCP", "port": 8443}]}]


def test_the_databases_url_is_a_file_and_its_port_the_only_way_out() -> None:
    plain = children_of(desired_input())
    ref = {"name": "ledger", "key": "dsn"}
    spec = {"executor": {"database": {"postgresSecretRef": ref, "postgresPort": 6432}}}
    made = children_of(desired_input(spec))
    pod = made["Deployment paper-executor"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    assert pod["volumes"][-1] == {
        "name": "database",
        "secret": {
            "secretName": "ledger",
            "items": [{"key": "dsn", "path": "dsn"}],
            "defaultMode": pod["volumes"][-2]["secret"]["defaultMode"],
        },
    }
    assert container["volumeMounts"][-1] == {
        "name": "database",
        "mountPath": "/run/secrets/database",
        "readOnly": True,
    }
    assert {
        "name": "EXECUTOR_DATABASE_URL_FILE",
        "value": "/run/secrets/database/dsn",
    } in container["env"]
    before, after = (
        children["NetworkPolicy paper-executor"]["spec"]["egress"] for children in (plain, made)
    )
    assert [rule for rule in after if rule not in before] == [
        {"ports": [{"protocol": "TCP", "port": 6432}]}
    ]
    assert "database" not in str(plain["Deployment paper-executor"])


def test_copies_of_the_ledger_go_to_a_claim_of_ones_own() -> None:
    spec = {"executor": {"backup": {"claimName": "copies", "everyHours": 6, "keep": 3}}}
    pod = children_of(desired_input(spec))["Deployment paper-executor"]["spec"]["template"]["spec"]
    container = pod["containers"][0]
    volume = {"name": "backup", "persistentVolumeClaim": {"claimName": "copies"}}
    assert volume in pod["volumes"]
    mounted = {"name": "backup", "mountPath": "/var/lib/ibgateway-backup"}
    assert mounted in container["volumeMounts"]
    told = {each["name"]: each["value"] for each in container["env"] if "BACKUP" in each["name"]}
    assert told == {
        "EXECUTOR_BACKUP_DIR": "/var/lib/ibgateway-backup",
        "EXECUTOR_BACKUP_HOURS": "6",
        "EXECUTOR_BACKUP_KEEP": "3",
    }
