"""What the worlds of the wiring tests promise: a group that is ended leaves nothing behind."""

import os
import subprocess
from pathlib import Path

import psutil
import pytest

from host_processes import displays, end_group, forget_display, free_display


def test_the_whole_group_is_gone_when_its_end_returns() -> None:
    script = "trap '' TERM; sleep 60 & echo $!; wait"
    with subprocess.Popen(
        ["bash", "-c", script], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as leader:
        assert leader.stdout is not None
        child = int(leader.stdout.readline())
        assert os.getpgid(child) == leader.pid
        end_group(leader.pid)
        gone = not psutil.pid_exists(child) or (
            psutil.Process(child).status() == psutil.STATUS_ZOMBIE
        )
        assert gone


def test_a_group_that_is_gone_already_is_fine() -> None:
    with subprocess.Popen(["true"], start_new_session=True) as leader:
        leader.wait()
    end_group(leader.pid)


def test_a_displays_own_two_files_are_removed_and_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(displays, "TEMPORARY", tmp_path)
    number = free_display()
    (tmp_path / ".X11-unix").mkdir()
    made = [tmp_path / f".X{number}-lock", tmp_path / ".X11-unix" / f"X{number}"]
    others = [tmp_path / f".X{number}1-lock", tmp_path / ".X11-unix" / f"X{number}1"]
    for path in (*made, *others):
        path.touch()
    forget_display(number)
    forget_display(number)
    assert [path.exists() for path in (*made, *others)] == [False, False, True, True]
