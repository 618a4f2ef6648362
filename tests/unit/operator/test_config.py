"""The settings files that the operator writes for sentinel and executor."""

import json
from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime

from ibgateway_api.gate import GateReason
from ibgateway_api.reports import HoldReport, TradingPause
from ibgateway_api.settings import ExecutorSettings, SentinelSettings
from ibgateway_operator.desired.config import executor_settings, sentinel_settings, settings_hash
from operator_fakes import children_of, desired_input


def test_a_suspension_holds_the_executor_before_anything_stops() -> None:
    assert executor_settings(desired_input(spec={"suspend": True})).holds == (
        HoldReport(reason=GateReason.SUSPENDED),
    )
    assert executor_settings(desired_input()).holds == ()


def test_the_sentinel_is_told_of_the_same_holds_for_programs() -> None:
    suspended = desired_input(spec={"suspend": True})
    assert sentinel_settings(suspended).holds == executor_settings(suspended).holds
    held = replace(desired_input(), holds=(GateReason.READ_ONLY_API,))
    assert sentinel_settings(held).holds == (HoldReport(reason=GateReason.READ_ONLY_API),)


def test_the_sentinels_settings_hold_the_budget() -> None:
    plan = desired_input(
        {
            "login": {
                "dailyAttempts": 4,
                "existingSession": "takeOver",
                "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Europe/Berlin"},
            },
            "executor": {"accounts": ["DU1234567"]},
        }
    )
    settings = json.loads(children_of(plan)["ConfigMap paper-gateway"]["data"]["settings.json"])
    assert settings["tradingMode"] == "paper"
    assert settings["expectedAccounts"] == ["DU1234567"]
    assert settings["existingSession"] == "takeOver"
    assert settings["login"]["dailyAttempts"] == 4
    assert settings["login"]["quietHours"] == {
        "start": "22:00:00",
        "end": "07:00:00",
        "timeZone": "Europe/Berlin",
    }


def test_nobody_is_told_without_a_secret() -> None:
    assert sentinel_settings(desired_input()).notifications is None


def test_the_executors_settings_name_the_pod_and_not_the_ready_only_service() -> None:
    settings = json.loads(
        children_of(desired_input())["ConfigMap paper-executor"]["data"]["settings.json"]
    )
    assert settings["apiHost"] == "paper-gateway-0.paper-gateway-pods.trading.svc"
    assert settings["apiPort"] == 4004
    assert settings["sentinelUrl"] == "http://paper-gateway-0.paper-gateway-pods.trading.svc:8090"
    assert settings["clientId"] == 17


def test_a_change_of_settings_changes_their_hash() -> None:
    before = children_of(desired_input())["ConfigMap paper-gateway"]
    after = children_of(desired_input({"login": {"maxAttempts": 1}}))["ConfigMap paper-gateway"]
    assert settings_hash(before) == settings_hash(deepcopy(before))
    assert settings_hash(after) != settings_hash(before)


FILLED = {
    "notifications": {
        "secretRef": {"name": "phones"},
        "minimumSeverity": "critical",
        "batchSeconds": 30,
        "reminderSeconds": 0,
    },
    "tradingMode": "live",
    "gateway": {"timeZone": "Europe/Berlin"},
    "login": {
        "approvalSeconds": 120,
        "attemptIntervalSeconds": 600,
        "maxAttempts": 2,
        "dailyAttempts": 4,
        "existingSession": "takeOver",
        "dailyTakeOvers": 1,
        "quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Europe/Berlin"},
    },
    "weeklyRestart": {"restartAt": "10:30", "timeZone": "Europe/Berlin"},
    "executor": {
        "clientId": 18,
        "accounts": ["U1234567"],
        "marketClosed": "reject",
        "limits": {
            "maxOrderValue": "10000",
            "maxOrdersPerDay": 50,
            "allowedSymbols": ["AAPL", "BRK B"],
            "priceCollarPercent": "5",
            "shortSelling": True,
        },
        "resend": "proven",
        "archiveAfterDays": 7,
        "cashReservePercent": "2.5",
        "targets": {
            "url": "https://targets.example.com/paper",
            "account": "U1234567",
            "schedule": {"days": ["Sun"], "at": "10:15", "timeZone": "Europe/Berlin"},
        },
    },
    "suspend": True,
}
CALENDAR = json.loads(desired_input().calendar.to_json())


def test_every_setting_of_the_sentinel_arrives() -> None:
    pause = TradingPause(id="a", since=datetime(2026, 11, 18, tzinfo=UTC))
    given = replace(desired_input(FILLED), pause=pause, resume_requested=pause.since)
    written = json.loads(sentinel_settings(given).to_json())
    assert written == {
        "tradingMode": "live",
        "expectedAccounts": ["U1234567"],
        "existingSession": "takeOver",
        "dailyTakeOvers": 1,
        "login": {
            "approvalSeconds": 120,
            "attemptIntervalSeconds": 600,
            "maxAttempts": 2,
            "dailyAttempts": 4,
            "quietHours": {"start": "22:00:00", "end": "07:00:00", "timeZone": "Europe/Berlin"},
        },
        "restart": {"restartAt": "10:30:00", "timeZone": "Europe/Berlin"},
        "calendar": CALENDAR,
        "notifications": {
            "namespace": "trading",
            "gateway": "paper",
            "minimumSeverity": "critical",
            "batchSeconds": 30,
            "reminderSeconds": 0,
        },
        "loginsAllowed": True,
        "needsTurn": False,
        "loggedInBefore": False,
        "holds": [{"reason": "Suspended"}],
        "pause": {"id": "a", "since": "2026-11-18T00:00:00Z", "over": False},
        "resumeRequested": "2026-11-18T00:00:00Z",
    }
    assert len(written) == len(SentinelSettings.model_fields)


def test_every_setting_of_the_executor_arrives() -> None:
    """A limit on money that got lost on the way would not be missed by anybody."""
    written = json.loads(executor_settings(desired_input(FILLED)).to_json())
    assert written == {
        "namespace": "trading",
        "gateway": "paper",
        "tradingMode": "live",
        "apiHost": "paper-gateway-0.paper-gateway-pods.trading.svc",
        "apiPort": 4003,
        "sentinelUrl": "http://paper-gateway-0.paper-gateway-pods.trading.svc:8090",
        "clientId": 18,
        "accounts": ["U1234567"],
        "marketClosed": "reject",
        "maxOrderValue": "10000",
        "maxOrdersPerDay": 50,
        "allowedSymbols": ["AAPL", "BRK B"],
        "priceCollarPercent": "5",
        "shortSelling": True,
        "resend": "proven",
        "gatewayTimeZone": "Europe/Berlin",
        "archiveAfterDays": 7,
        "cashReservePercent": "2.5",
        "targets": {
            "url": "https://targets.example.com/paper",
            "account": "U1234567",
            "schedule": {"days": ["Sun"], "at": "10:15", "timeZone": "Europe/Berlin"},
        },
        "restart": {"restartAt": "10:30:00", "timeZone": "Europe/Berlin"},
        "calendar": CALENDAR,
        "holds": [{"reason": "Suspended"}],
    }
    assert len(written) == len(ExecutorSettings.model_fields)
