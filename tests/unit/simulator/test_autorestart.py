"""The nightly restart's time and the file that carries the token over it."""

import datetime as dt
from pathlib import Path

import pytest

from ibgateway_simulator.gateway import autorestart
from ibgateway_simulator.gateway.settings import (
    Remembered,
    gateway_settings,
    remember,
    remembered,
    user_folder,
)


@pytest.mark.parametrize(
    ("time", "zone", "now", "seconds"),
    [
        ("11:45 PM", "Etc/UTC", "2026-11-20T23:00:00", 2700),
        ("11:45 PM", "Etc/UTC", "2026-11-20T23:45:00", 86400),
        ("11:45 PM", "America/New_York", "2026-11-21T04:00:00", 2700),
        ("12:00 AM", "Etc/UTC", "2026-11-20T23:59:00", 60),
        ("11:45 PM", "America/New_York", "2026-11-01T03:45:00", 90000),
    ],
)
def test_the_restart_comes_at_its_wall_clock_time(
    time: str, zone: str, now: str, seconds: int
) -> None:
    at = dt.datetime.fromisoformat(now).replace(tzinfo=dt.UTC)
    assert autorestart.seconds_until(time, zone, at) == seconds


@pytest.mark.parametrize(
    ("now", "expected"), [("12:00:00", "12:01"), ("12:00:50", "12:01"), ("12:00:51", "12:02")]
)
def test_a_commanded_restart_waits_for_a_full_minute(now: str, expected: str) -> None:
    at = dt.datetime.fromisoformat(f"2026-11-20T{now}+00:00")
    assert f"{autorestart.next_minute(at):%H:%M}" == expected


def test_the_token_is_left_for_one_start_only(tmp_path: Path) -> None:
    ini = tmp_path / "config.ini"
    ini.write_text("IbLoginId=u\n")
    folder = user_folder(tmp_path, "u")
    autorestart.leave(folder, "the-token")
    assert (folder / "autorestart").stat().st_mode & 0o777 == 0o600
    settings = gateway_settings(
        [str(ini), f"-Drestart={folder.name}"], {"TWS_SETTINGS_PATH": str(tmp_path)}
    )
    assert autorestart.take(settings) == "the-token"
    assert autorestart.take(settings) == ""


def test_a_fresh_gateway_is_read_only_and_remembers_what_is_set(tmp_path: Path) -> None:
    assert remembered(tmp_path) == Remembered(read_only=True, restart_time="")
    remember(tmp_path, Remembered(read_only=False, restart_time="11:45 PM"))
    assert remembered(tmp_path) == Remembered(read_only=False, restart_time="11:45 PM")
    (tmp_path / "simulator.json").write_text("{")
    assert remembered(tmp_path) == Remembered()


@pytest.mark.parametrize("time", ["23:45", "9:45 PM", "11:45 pm", ""])
def test_a_bad_restart_time_is_none(tmp_path: Path, time: str) -> None:
    ini = tmp_path / "config.ini"
    ini.write_text(f"AutoRestartTime={time}\n")
    assert gateway_settings([str(ini)], {}).restart_time == ""


def test_login_and_password_are_hidden_in_the_settings_dump(tmp_path: Path) -> None:
    ini = tmp_path / "config.ini"
    ini.write_text("IbLoginId=canary-user\nIbPassword=canary-word\nTradingMode=paper\n")
    lines = gateway_settings([str(ini)], {}).masked()
    assert lines == ["    IbLoginId=***", "    IbPassword=***", "    TradingMode=paper"]
