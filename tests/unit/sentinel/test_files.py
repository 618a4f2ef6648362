"""The files between sentinel and wrapper: log, state, permit, checkpoint, settings."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path, PosixPath
from typing import Any

import pytest

from ibgateway_agent.sentinel.log.checkpoint import Checkpoint
from ibgateway_agent.sentinel.log.ibc_log import Grammar
from ibgateway_agent.sentinel.log.login_fold import LoginFold
from ibgateway_agent.sentinel.log.run_dir import planned_stop, run_id, wrapper_state
from ibgateway_agent.sentinel.log.tail import HARD_LIMIT_BYTES, LIMIT_BYTES, LogPosition, LogTail
from ibgateway_agent.sentinel.log.wrapper_state import WrapperStage, WrapperState, parse, read_line
from ibgateway_agent.sentinel.log.wrapper_watch import WrapperWatch
from ibgateway_agent.sentinel.loop import Sentinel
from ibgateway_agent.sentinel.permits.decide import GivePermit
from ibgateway_agent.sentinel.permits.permit_file import PermitFile
from ibgateway_agent.sentinel.settings import api_port, environment
from ibgateway_api.accounts import TradingMode
from ibgateway_api.login import Login, LoginState, Sign
from ibgateway_api.permits import Cause, PermitKind
from ibgateway_api.settings import SentinelSettings
from ibgateway_runtime.clock import system_clock
from ibgateway_runtime.errors import SettingsError
from sentinel_fakes.pod import no_driver

NOW = datetime(2026, 11, 25, 15, 0, tzinfo=UTC)


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_line_is_read_once_it_is_whole(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    tail = LogTail(log)
    assert tail.lines() == []
    append(log, "first\nsec")
    assert tail.lines() == ["first"]
    append(log, "ond\nthird\n")
    assert tail.lines() == ["second", "third"]
    assert tail.lines() == []


class CountedPath(PosixPath):
    """A path that counts how often its file is opened."""

    opened = 0

    def open(self, *args: Any, **kwargs: Any) -> Any:
        CountedPath.opened += 1
        return super().open(*args, **kwargs)


def test_a_log_that_has_not_moved_is_not_opened(tmp_path: Path) -> None:
    log = CountedPath(tmp_path / "gateway.log")
    tail = LogTail(log)
    append(log, "first\n")
    assert tail.lines() == ["first"]
    CountedPath.opened = 0
    assert [tail.lines() for _ in range(20)] == [[]] * 20
    assert CountedPath.opened == 0
    append(log, "second\n")
    assert tail.lines() == ["second"]


def test_a_truncated_log_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("a long first line\n")
    tail = LogTail(log)
    tail.lines()
    os.truncate(log, 0)
    append(log, "new\n")
    assert tail.lines() == ["new"]


def test_a_replaced_log_is_read_from_its_start(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("old\n")
    tail = LogTail(log)
    tail.lines()
    other = tmp_path / "other"
    other.write_text("longer than the old one\n")
    other.replace(log)
    assert tail.lines() == ["longer than the old one"]


def test_bytes_that_are_no_text_do_not_stop_the_reading(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(b"caf\xe9\nnext\n")
    assert LogTail(log).lines() == ["caf\ufffd", "next"]


def test_a_long_log_is_cut_when_it_is_read_and_quiet(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_bytes(b"x" * 1023 + b"\n")
    os.truncate(log, 0)
    with log.open("ab") as file:
        for _ in range(LIMIT_BYTES // 1024 + 1):
            file.write(b"x" * 1023 + b"\n")
    tail = LogTail(log)
    while tail.lines():
        assert not tail.cut(quiet_reads=2)
    assert not tail.cut(quiet_reads=2)
    tail.lines()
    assert tail.cut(quiet_reads=2)
    assert log.stat().st_size == 0
    append(log, "after\n")
    assert tail.lines() == ["after"]


def test_a_log_that_has_more_to_read_is_not_cut(tmp_path: Path) -> None:
    log = tmp_path / "gateway.log"
    log.write_text("last\n")
    tail = LogTail(log, LogPosition(log.stat().st_ino, HARD_LIMIT_BYTES + 1))
    append(log, "more\n")
    assert not tail.cut(quiet_reads=0)


def test_the_wrappers_state_is_read() -> None:
    text = "state=running\nstart=17\npermit=7\npid=123\nexit=\ntoken=yes\n"
    assert parse(text) == WrapperState(WrapperStage.RUNNING, "17", permit=7, token_at_hand=True)
    assert parse("state=dancing\n") is None
    assert parse("") is None


def test_before_its_first_start_a_wrapper_has_no_state(tmp_path: Path) -> None:
    assert wrapper_state(tmp_path) is None
    assert not planned_stop(tmp_path)
    (tmp_path / "planned-stop").touch()
    assert planned_stop(tmp_path)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("2026-11-22 09:05:06:000 wrapper: waiting for a permit", (Sign.PERMIT_AWAITED, "")),
        (
            "2026-11-22 09:05:06:000 wrapper: permit 7 taken: full, secondary",
            (Sign.PROCESS_STARTED, "7"),
        ),
        ("2026-11-22 09:05:06:000 wrapper: run.sh ended with 143", (Sign.PROCESS_ENDED, "")),
        ("2026-11-22 09:05:06:000 wrapper: permit 7 does not hold: token", None),
        ("2026-11-22 09:05:06:423 IBC: wrapper: waiting for a permit", None),
    ],
)
def test_the_wrappers_lines_are_read(line: str, said: tuple[Sign, str] | None) -> None:
    assert read_line(line) == said


def test_a_permit_is_whole_or_not_there(tmp_path: Path) -> None:
    writer = PermitFile(tmp_path)
    assert not writer.on_its_way("17")
    writer.permit(7, GivePermit(PermitKind.FULL, Cause.START), "17", NOW)
    text = (tmp_path / "permit").read_text()
    assert text == (
        "id=7\nkind=full\nexistingSession=secondary\n"
        "start=17\ngiven=1795618800\nexpires=1795618830\n"
    )
    assert writer.on_its_way("17")
    assert [path.name for path in tmp_path.iterdir()] == ["permit"]


@pytest.mark.parametrize(
    ("start", "seconds", "stale"),
    [("17", 0, False), ("17", 29, False), ("17", 30, True), ("17", -3600, True), ("18", 0, True)],
    ids=["fresh", "still good", "expired", "the clock was set back", "for a start that is gone"],
)
def test_a_permit_that_nobody_may_use_any_more_is_taken_back(
    tmp_path: Path, start: str, seconds: int, stale: bool
) -> None:
    writer = PermitFile(tmp_path)
    writer.permit(7, GivePermit(PermitKind.FULL, Cause.START), "17", NOW)
    assert writer.remove_stale(start, NOW + timedelta(seconds=seconds)) is stale
    assert (tmp_path / "permit").exists() is not stale


@pytest.mark.parametrize("text", ["", "id=7\nkind=full\nexistingSession=secondary\n", "start=17\n"])
def test_a_permit_that_is_torn_or_of_an_older_version_is_taken_back(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "permit").write_text(text)
    assert PermitFile(tmp_path).remove_stale("17", NOW)


def test_a_permit_that_an_earlier_start_has_taken_is_not_on_its_way(tmp_path: Path) -> None:
    writer = PermitFile(tmp_path)
    writer.permit(7, GivePermit(PermitKind.FULL, Cause.START), "17", NOW)
    (tmp_path / "permit").rename(tmp_path / "permit.taken")
    assert writer.on_its_way("17")
    assert not writer.on_its_way("18")


def waiting_wrapper(run: Path, start: str, count: int) -> None:
    (run / "wrapper").write_text(f"state=waiting\nstart={start}\npermit=\ntoken=no\n")
    (run / "alive").write_text(f"{start} {count}\n")


def test_a_wrapper_is_alive_while_it_is_seen_counting(tmp_path: Path) -> None:
    watch = WrapperWatch(tmp_path)
    waiting_wrapper(tmp_path, "17", 1)
    seen = watch.look(100.0)
    assert seen is not None
    assert seen.alive
    assert [s.alive for t in (104.9, 105.0) if (s := watch.look(t))] == [True, False]
    waiting_wrapper(tmp_path, "17", 2)
    assert [s.alive for t in (106.0,) if (s := watch.look(t))] == [True]


def test_what_a_dead_wrapper_left_is_no_sign_of_life(tmp_path: Path) -> None:
    """A new sentinel finds the files of before a reboot; and a torn file is no count either."""
    waiting_wrapper(tmp_path, "17", 41)
    watch = WrapperWatch(tmp_path)
    assert [s.alive for t in (1.0, 2.0) if (s := watch.look(t))] == [False, False]
    (tmp_path / "alive").write_text("")
    assert [s.alive for t in (3.0,) if (s := watch.look(t))] == [False]
    (tmp_path / "alive").write_text("18 1\n")
    assert [s.alive for t in (4.0,) if (s := watch.look(t))] == [False]


FOLD = LoginFold(
    Login(
        *(LoginState.AWAITING_APPROVAL, NOW),
        deadline=NOW,
        full_auth_time=NOW,
        shown=NOW,
        accounts=("DU1",),
    ),
    Grammar(push_open=True),
    attempt=7,
    back=True,
)


def test_the_next_sentinel_of_a_pod_goes_on(tmp_path: Path) -> None:
    run = run_id(tmp_path)
    Checkpoint(tmp_path / "checkpoint.json", run).save(FOLD, LogPosition(3, 99))
    loaded = Checkpoint(tmp_path / "checkpoint.json", run_id(tmp_path)).load(NOW)
    assert loaded == (FOLD, LogPosition(3, 99))


def test_a_run_directory_whose_name_was_torn_gets_a_new_one(tmp_path: Path) -> None:
    """Two directories without a name would be taken for the same pod's."""
    (tmp_path / "run-id").write_text("")
    name = run_id(tmp_path)
    assert name
    assert run_id(tmp_path) == name


def test_a_login_is_proven_again_after_a_crash(tmp_path: Path) -> None:
    login = replace(FOLD.login, state=LoginState.LOGGED_IN, proven=True, authenticated=True)
    Checkpoint(tmp_path / "c", "pod-a").save(replace(FOLD, login=login), LogPosition(3, 99))
    fold, _ = Checkpoint(tmp_path / "c", "pod-a").load(NOW)
    assert fold.login.state is LoginState.UNKNOWN
    assert fold.login.authenticated


def test_another_pod_keeps_only_the_weeks_authentication(tmp_path: Path) -> None:
    Checkpoint(tmp_path / "c", "pod-a").save(FOLD, LogPosition(3, 99))
    fold, position = Checkpoint(tmp_path / "c", "pod-b").load(NOW)
    assert fold == LoginFold(Login(LoginState.UNKNOWN, NOW, full_auth_time=NOW))
    assert position == LogPosition()


@pytest.mark.parametrize("content", [None, "", "{", "{}", '{"run": "a", "login": {}}'])
def test_without_a_usable_checkpoint_the_log_is_read_anew(
    tmp_path: Path, content: str | None
) -> None:
    if content is not None:
        (tmp_path / "c").write_text(content)
    fold, position = Checkpoint(tmp_path / "c", "pod-a").load(NOW)
    assert (fold, position) == (
        LoginFold(Login(LoginState.UNKNOWN, NOW, by_token=True)),
        LogPosition(),
    )


def test_a_sentinel_without_settings_says_so(tmp_path: Path) -> None:
    at = environment({"SENTINEL_SETTINGS": str(tmp_path / "settings.json")})
    with pytest.raises(SettingsError, match=r"settings\.json can't be read"):
        Sentinel(at, clock=system_clock(), boot="boot", tell_driver=no_driver)


@pytest.mark.parametrize("text", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_named(text: str) -> None:
    with pytest.raises(SettingsError, match="SENTINEL_API_PORT must be a port number"):
        environment({"SENTINEL_API_PORT": text})


def test_the_api_port_follows_the_trading_mode() -> None:
    pod = environment({})
    assert api_port(pod, SentinelSettings()) == 4002
    assert api_port(pod, SentinelSettings(trading_mode=TradingMode.LIVE)) == 4001
    assert api_port(environment({"SENTINEL_API_PORT": "5"}), SentinelSettings()) == 5


def test_the_settings_of_the_operator_are_understood() -> None:
    document = {"existingSession": "takeOver", "dailyTakeOvers": 1, "expectedAccounts": ["DU1"]}
    settings = SentinelSettings.model_validate_json(json.dumps(document))
    assert (settings.existing_session, settings.daily_take_overs) == ("takeOver", 1)
