"""What people were told, on a volume that may be full, hang or hold anything."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.notifications.told_file import ToldFile
from ibgateway_api.notifications import Episode, Subject

EPISODE = Episode(("PushWaits/1", "PushMissed/2"), datetime(2026, 11, 22, 14, tzinfo=UTC))
SOON = Episode(("RestartComing/w",), datetime(2026, 11, 22, 13, tzinfo=UTC), announced_only=True)


async def test_what_was_kept_is_loaded(tmp_path: Path) -> None:
    file = ToldFile(tmp_path / "told.json")
    assert file.load() == {}
    file.keep({Subject.LOGIN: EPISODE})
    file.keep({Subject.LOGIN: EPISODE, Subject.RESTART: SOON})
    await file.close()
    assert ToldFile(tmp_path / "told.json").load() == {
        Subject.LOGIN: EPISODE,
        Subject.RESTART: SOON,
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        '{"Login": 7}',
        '{"Login": {"told": "x", "at": "2026", "announced": false}}',
        '{"Login": {"told": [], "at": "2026-11-22T14:00:00", "announced": false}}',
    ],
)
def test_a_file_that_can_not_be_read_tells_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / "told.json").write_text(text)
    assert ToldFile(tmp_path / "told.json").load() == {}


def test_a_subject_of_another_version_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "told.json").write_text('{"Weather": 1}')
    assert ToldFile(tmp_path / "told.json").load() == {}


async def test_a_full_volume_is_said_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    file = ToldFile(tmp_path / "told.json")
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", full)
        file.keep({Subject.LOGIN: EPISODE})
        await file.close()
    assert "what people were told can't be written down" in caplog.text
    file.keep({Subject.LOGIN: EPISODE})
    await file.close()
    assert file.load() == {Subject.LOGIN: EPISODE}


async def test_a_volume_that_hangs_holds_nothing_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, begun, goes_on = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()

    async def released() -> None:
        await goes_on.wait()

    def hangs(_: int) -> None:
        loop.call_soon_threadsafe(begun.set)
        asyncio.run_coroutine_threadsafe(released(), loop).result(30)

    file = ToldFile(tmp_path / "told.json")
    with monkeypatch.context() as disk:
        disk.setattr("os.fsync", hangs)
        file.keep({Subject.LOGIN: EPISODE})
        await asyncio.wait_for(begun.wait(), 10)
        assert file.load() == {}
        goes_on.set()
        await file.close()
    assert file.load() == {Subject.LOGIN: EPISODE}
