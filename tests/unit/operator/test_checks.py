"""What is refused, what is not started, and in which words."""

from datetime import datetime
from typing import Any

import pytest

from ibgateway_api.names import Key
from ibgateway_api.week import is_time_zone
from ibgateway_operator.decide.spec_checks import refusal
from ibgateway_operator.decide.start_checks import blocker
from ibgateway_operator.model.snapshot import Credentials, Snapshot, parse
from operator_fakes import LIVE, snapshot


def credentials(*keys: str, **more: Any) -> Credentials:
    return Credentials("ib-credentials", found=True, keys=frozenset(keys), **more)


FULL = credentials("IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD")


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        pytest.param(
            {"executor": {"database": {"postgresSecretRef": {"name": "db"}}}},
            "NotSupported",
            "spec.executor.database.postgresSecretRef is not supported in this version",
            id="postgres",
        ),
        pytest.param(
            {"notifications": {"secretRef": {"name": "urls"}}},
            "NotSupported",
            "spec.notifications.secretRef is not supported in this version",
            id="notifications",
        ),
        pytest.param(
            {"gateway": {"timeZone": "Mars/Olympus"}},
            "UnknownTimeZone",
            "spec.gateway.timeZone: Mars/Olympus is no time zone",
            id="gateway zone",
        ),
        pytest.param(
            {"weeklyRestart": {"timeZone": "America"}},
            "UnknownTimeZone",
            "spec.weeklyRestart.timeZone: America is no time zone",
            id="a folder of zones",
        ),
        pytest.param(
            {"login": {"quietHours": {"start": "22:00", "end": "07:00", "timeZone": "Nowhere"}}},
            "UnknownTimeZone",
            "spec.login.quietHours.timeZone: Nowhere is no time zone",
            id="quiet hours",
        ),
        pytest.param(
            {"gateway": {"timeZone": "Europe/Berlin", "autoRestartTime": "06:30 AM"}},
            "AutoRestartInReset",
            "spec.gateway.autoRestartTime 06:30 AM (Europe/Berlin) falls",
            id="half past midnight in New York",
        ),
        pytest.param(
            {"gateway": {"timeZone": "Europe/Berlin", "autoRestartTime": "09:30 AM"}},
            None,
            "",
            id="half past three in New York",
        ),
        pytest.param(
            {"gateway": {"timeZone": "Asia/Tokyo", "autoRestartTime": "04:30 PM"}},
            "AutoRestartInReset",
            "at least in a part of the year",
            id="only in winter: half past two, in summer half past three, in New York",
        ),
        pytest.param({}, None, "", id="the defaults"),
        pytest.param({"gateway": {"credentials": 1}}, None, "", id="an unknown field is ignored"),
    ],
)
def test_the_spec_is_served_or_refused(
    spec: dict[str, Any], reason: str | None, words: str
) -> None:
    found = refusal(snapshot(spec))
    assert (found.reason if found else None) == reason
    assert words in (found.message if found else "")


def test_a_spec_that_no_version_of_ours_wrote_is_a_finding_and_no_crash() -> None:
    gateway = parse(
        {
            "metadata": {"namespace": "trading", "name": "paper", "uid": "u"},
            "spec": {"credentialsSecretRef": {"name": "s"}, "executor": {"clientId": "many"}},
        }
    )
    found = refusal(Snapshot(gateway, datetime.fromisoformat("2026-11-18T15:00:00+00:00")))
    assert found is not None
    assert found.reason == "InvalidSpec"
    assert found.message.startswith("spec.executor.clientId: Input should be a valid integer")


@pytest.mark.parametrize(
    ("spec", "more", "reason", "words"),
    [
        pytest.param({}, {"credentials": FULL}, None, "", id="all there"),
        pytest.param({}, {"credentials": None}, "CredentialsUnknown", "", id="not looked at"),
        pytest.param(
            {},
            {"credentials": Credentials("ib-credentials")},
            "CredentialsMissing",
            "Secret ib-credentials does not exist: create it",
            id="no Secret",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_USERNAME")},
            "CredentialsMissing",
            "Secret ib-credentials has no key IB_PASSWORD",
            id="no password",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_PASSWORD")},
            "CredentialsMissing",
            "Secret ib-credentials has no key IB_USERNAME",
            id="no user name",
        ),
        pytest.param(
            {},
            {"duplicate": Key("other", "first")},
            "DuplicateUserName",
            "IBGateway other/first is older",
            id="an older gateway has the user name",
        ),
        pytest.param(
            {},
            {"credentials": credentials("IB_USERNAME", "IB_PASSWORD")},
            None,
            "",
            id="paper has a default VNC password",
        ),
        pytest.param(
            LIVE,
            {"credentials": credentials("IB_USERNAME", "IB_PASSWORD")},
            "VncPasswordMissing",
            "add the key VNC_PASSWORD to Secret ib-credentials",
            id="live without VNC password",
        ),
        pytest.param(
            LIVE,
            {
                "credentials": credentials(
                    "IB_USERNAME", "IB_PASSWORD", "VNC_PASSWORD", default_vnc=True
                )
            },
            "DefaultVncPassword",
            "is the documented default",
            id="live with the default VNC password",
        ),
        pytest.param(LIVE, {"credentials": FULL}, None, "", id="live with its own"),
    ],
)
def test_the_gateway_is_started_or_not(
    spec: dict[str, Any], more: dict[str, Any], reason: str | None, words: str
) -> None:
    seen = snapshot(spec, **more)
    assert seen.gateway.spec is not None
    found = blocker(seen.gateway.spec, seen)
    assert (found.reason if found else None) == reason
    assert words in (found.message if found else "")


@pytest.mark.parametrize(
    ("zone", "known"),
    [
        ("Europe/Berlin", True),
        ("Etc/UTC", True),
        ("America", False),
        ("../etc/passwd", False),
        ("Berlin", False),
    ],
)
def test_time_zones_are_looked_up(zone: str, known: bool) -> None:
    assert is_time_zone(zone) is known
