"""The operator's settings: read from the environment, and what is missing is named."""

import re
from pathlib import Path

import pytest

from ibgateway_api.week import Calendar
from ibgateway_operator.settings import calendar_from, from_environment
from ibgateway_runtime.errors import SettingsError

ENV = {
    "WATCH_NAMESPACE": "trading, more",
    "OPERATOR_AGENT_IMAGE": "agent:1",
    "OPERATOR_EXECUTOR_IMAGE": "executor:1",
    "OPERATOR_CALENDAR_FILE": "/nowhere.json",
}


def test_namespaces_are_a_list() -> None:
    assert from_environment(ENV).watch_namespaces == ("trading", "more")


def test_an_empty_namespace_means_all_and_is_said_on_purpose() -> None:
    assert from_environment({**ENV, "WATCH_NAMESPACE": ""}).watch_namespaces == ()


@pytest.mark.parametrize(
    "name", ["WATCH_NAMESPACE", "OPERATOR_AGENT_IMAGE", "OPERATOR_EXECUTOR_IMAGE"]
)
def test_what_is_missing_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({k: v for k, v in ENV.items() if k != name})


def test_images_are_pulled_from_where_they_say_unless_a_registry_is_named() -> None:
    assert from_environment(ENV).images.registry == ""
    named = from_environment({**ENV, "OPERATOR_IMAGE_REGISTRY": "registry.example.com/me"})
    assert named.images.registry == "registry.example.com/me"


def test_a_port_that_is_none_is_named() -> None:
    with pytest.raises(SettingsError, match="OPERATOR_METRICS_PORT"):
        from_environment({**ENV, "OPERATOR_METRICS_PORT": "http"})


def test_the_calendar_is_ibkrs_without_a_file_and_the_files_with_one(tmp_path: Path) -> None:
    assert from_environment(ENV).calendar == Calendar()
    file = tmp_path / "calendar.json"
    file.write_text('{"marginSeconds": 7}')
    assert calendar_from(file).margin_seconds == 7


def test_a_calendar_that_is_a_folder_or_may_not_be_read_is_one_sentence(tmp_path: Path) -> None:
    folder = (
        "calendar.json can't be read: Is a directory; OPERATOR_CALENDAR_FILE names one JSON file"
    )
    (tmp_path / "calendar.json").mkdir()
    with pytest.raises(SettingsError, match=re.escape(folder)):
        calendar_from(tmp_path / "calendar.json")
    with pytest.raises(SettingsError, match="Not a directory"):
        from_environment(ENV | {"OPERATOR_CALENDAR_FILE": f"{__file__}/calendar.json"})


def test_a_calendar_that_is_none_is_named(tmp_path: Path) -> None:
    file = tmp_path / "calendar.json"
    file.write_text('{"marginSeconds": -1}')
    with pytest.raises(SettingsError, match=r"calendar\.json"):
        calendar_from(file)


def test_who_may_read_metrics_is_nobody_unless_somebody_is_named() -> None:
    assert from_environment(ENV).metrics_from == ()
    peers = '[{"podSelector": {"matchLabels": {"app": "prometheus"}}}]'
    read = from_environment({**ENV, "OPERATOR_METRICS_FROM": peers}).metrics_from
    assert read == ({"podSelector": {"matchLabels": {"app": "prometheus"}}},)


@pytest.mark.parametrize("text", ["prometheus", '{"podSelector": {}}', '["a"]', "[{}]"])
def test_a_peer_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="OPERATOR_METRICS_FROM"):
        from_environment({**ENV, "OPERATOR_METRICS_FROM": text})
