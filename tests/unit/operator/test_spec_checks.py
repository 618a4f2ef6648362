"""What is refused of a spec, and in which words."""

from typing import Any

import pytest

from ibgateway_api.week import Calendar, is_time_zone
from ibgateway_operator.decide.spec_checks import refusal, spec_refusal
from ibgateway_operator.model.snapshot import Snapshot, parse
from operator_fakes import NOW, snapshot


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        pytest.param(
            {"gateway": {"timeZone": "Mars/Olympus"}},
            "UnknownTimeZone",
            "spec.gateway.timeZone: Mars/Olympus is no time zone",
            id="gateway zone",
        ),
        pytest.param(
            {"executor": {"targets": {"url": "http://desk.example/t?key=hidden"}}},
            "InvalidSpec",
            "spec.executor.targets.url http://desk.example/t: use https, or a Service of the cluster",
            id="a token that others could read",
        ),
        pytest.param(
            {"executor": {"targets": {"url": "https://a.b/", "schedule": {"timeZone": "Mars"}}}},
            "UnknownTimeZone",
            "spec.executor.targets.schedule.timeZone: Mars is no time zone",
            id="the schedule of targets",
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
        pytest.param(
            {"login": {"quietHours": {"start": "22:00", "end": "09:30"}}},
            "RestartInQuietHours",
            "spec.weeklyRestart.restartAt 09:00 (America/New_York)",
            id="a restart in the quiet hours",
        ),
        pytest.param(
            {"login": {"quietHours": {"start": "09:10", "end": "09:12"}}},
            "RestartInQuietHours",
            "or the quarter of an hour after it",
            id="quiet hours that a late restart would meet",
        ),
        pytest.param(
            {
                "login": {"quietHours": {"start": "22:00", "end": "09:00"}},
                "weeklyRestart": {"restartAt": "14:30", "timeZone": "Europe/Berlin"},
            },
            "RestartInQuietHours",
            "22:00 to 09:00 (America/New_York)",
            id="half past eight in New York, as seen from Berlin",
        ),
        pytest.param(
            {
                "login": {"quietHours": {"start": "22:00", "end": "09:00"}},
                "weeklyRestart": {"restartAt": "15:30", "timeZone": "Europe/Berlin"},
            },
            None,
            "",
            id="half past nine, and half past ten in the weeks between the changes of clocks",
        ),
        pytest.param(
            {"login": {"quietHours": {"start": "22:00", "end": "09:00"}}},
            None,
            "",
            id="quiet hours that end at the restart",
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
    found = refusal(Snapshot(gateway, NOW))
    assert found is not None
    assert found.reason == "InvalidSpec"
    assert found.message.startswith("spec.executor.clientId: Input should be a valid integer")


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


WEEKEND = {"name": "move", "start": {"weekday": "Saturday", "at": "00:00"}, "seconds": 172800}


@pytest.mark.parametrize(
    ("calendar", "time", "words"),
    [
        ({}, "10:59 PM", ""),
        ({}, "11:00 PM", "(Friday: 11:00 PM to 03:00 AM America/New_York)"),
        ({}, "02:59 AM", "(Friday: 11:00 PM to 03:00 AM America/New_York)"),
        ({}, "03:00 AM", ""),
        ({"outages": []}, "11:00 PM", ""),
        ({"outages": []}, "11:45 PM", "(nightly: 11:45 PM to 01:45 AM America/New_York)"),
        ({"outages": [], "resets": []}, "12:30 AM", ""),
        ({"outages": [WEEKEND], "resets": []}, "12:30 AM", ""),
        (
            {"resets": [{"name": "noon", "start": "12:00", "seconds": 60, "timeZone": "UTC"}]},
            "07:00 AM",
            "(noon: 12:00 PM to 12:01 PM UTC)",
        ),
    ],
)
def test_ibkrs_resets_and_outages_are_those_of_the_calendar(
    calendar: dict[str, Any], time: str, words: str
) -> None:
    spec = {"gateway": {"timeZone": "America/New_York", "autoRestartTime": time}}
    found = spec_refusal(snapshot(spec).gateway, NOW, Calendar.model_validate(calendar))
    assert words in (found.message if found else "")
    assert bool(found) == bool(words)
