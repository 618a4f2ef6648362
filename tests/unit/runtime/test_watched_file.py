"""Files that change under a running process."""

import logging
import os
from pathlib import Path

import pytest

from ibgateway_api.settings import ExecutorSettings
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.watched_file import watched_document, watched_token

SETTINGS = ExecutorSettings(
    namespace="trading", gateway="paper", api_host="h", api_port=4004, sentinel_url="http://s"
)


def test_a_document_is_read_again_when_the_file_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text(SETTINGS.to_json())
    watched = watched_document(path, ExecutorSettings)
    assert watched.value().max_orders_per_day is None
    fresh = tmp_path / "new"
    fresh.write_text(SETTINGS.model_copy(update={"max_orders_per_day": 5}).to_json())
    fresh.replace(path)
    assert watched.value().max_orders_per_day == 5


def test_a_file_that_turns_bad_leaves_the_last_good_one_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(SETTINGS.to_json())
    watched = watched_document(path, ExecutorSettings)
    watched.value()
    path.write_text('{"namespace": 3}')
    with caplog.at_level(logging.WARNING):
        assert watched.value() == SETTINGS
        assert watched.value() == SETTINGS
    assert len(caplog.records) == 1
    assert "going on with what it said before" in caplog.text


def test_a_file_that_was_never_good_is_told_without_its_content(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"namespace": "secret-canary"}')
    with pytest.raises(SettingsError, match=r"settings\.json can't be read: 4 fields") as refused:
        watched_document(path, ExecutorSettings).value()
    assert "canary" not in str(refused.value)


def test_a_file_that_goes_away_leaves_what_it_said(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("t0ken")
    watched = watched_token(path)
    assert watched.value() == b"t0ken"
    path.unlink()
    assert watched.value() == b"t0ken"


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_missing_or_empty_token_is_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "token"
    if content is not None:
        path.write_text(content)
    with pytest.raises(SettingsError, match="can't be read"):
        watched_token(path).value()


def test_a_rotated_token_is_taken_over(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("old\n")
    watched = watched_token(path)
    assert watched.value() == b"old"
    path.write_text("newer\n")
    os.utime(path, ns=(1, 1))
    assert watched.value() == b"newer"
