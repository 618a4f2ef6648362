"""A gateway that can't be looked at, and a volume that takes no writes."""

from datetime import timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.log.tail import LogTail
from ibgateway_api.login import LoginState
from sentinel_fakes import FakePod


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def test_a_login_that_cannot_be_seen_is_unknown_and_the_sentinel_not_alive(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = pod.logs_in().full_auth_time

    def unreadable(_: LogTail) -> list[str]:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as disk:
        disk.setattr(LogTail, "lines", unreadable)
        assert pod.look().state is LoginState.LOGGED_IN
        pod.time.passes(timedelta(seconds=3))
        report = pod.look()
        assert (report.state, report.accounts) == (LoginState.UNKNOWN, ())
        assert report.full_auth_time == full
        assert "[Errno 5] Input/output error" in report.trouble
        assert pod.sentinel.alive()
        pod.time.passes(timedelta(seconds=7))
        assert pod.look().sequence == report.sequence
        assert not pod.sentinel.alive()
    seen = pod.look()
    assert (seen.state, seen.accounts, seen.trouble) == (LoginState.LOGGED_IN, ("DU1",), "")
    assert pod.sentinel.alive()


def test_a_full_volume_hides_no_login_and_ends_no_sentinel(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        assert pod.waits().state is LoginState.WAITING_FOR_PERMIT
        pod.time.passes(timedelta(minutes=5))
        report = pod.look()
        assert "No space left on device" in report.trouble
        assert "make room" in report.trouble
        assert pod.sentinel.alive()
        assert pod.permit() == ""
    pod.time.passes(timedelta(minutes=1))
    assert pod.look().trouble == ""
    assert pod.permit().startswith("id=")


def test_an_idle_sentinel_syncs_nothing_but_its_hourly_try(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod.logs_in()
    pod.time.passes(timedelta(minutes=11))
    pod.look()
    pod.time.passes(timedelta(seconds=31))
    pod.look()
    synced: list[int] = []
    monkeypatch.setattr("os.fsync", synced.append)
    for _ in range(20):
        pod.time.passes(timedelta(minutes=2))
        pod.look()
    assert synced == []
    pod.says("IBC: a line that changes nothing")
    pod.time.passes(timedelta(seconds=31))
    pod.look()
    assert len(synced) == 1
    pod.time.passes(timedelta(minutes=61))
    pod.look()
    assert len(synced) == 2
