"""A pause from the console stands until a person ends it, whatever is lost meanwhile."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from ibgateway_agent.errors import LedgerError
from ibgateway_api.console_documents import ConsoleAction
from ibgateway_api.reports import TradingPause
from ibgateway_api.requests import ConsoleRequest
from sentinel_fakes import FakePod

PAUSE, RESUME = ConsoleAction.PAUSE, ConsoleAction.RESUME


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    made = FakePod(tmp_path)
    made.logs_in()
    return made


def press(pod: FakePod, action: ConsoleAction) -> None:
    at = f"{pod.time.now:%Y-%m-%dT%H:%M:%SZ}"
    assert pod.sentinel.asked_at_console(ConsoleRequest(id=at, action=action))


def told(pod: FakePod, **settings: object) -> None:
    """What the operator has written."""
    pod.settings(json.dumps({"tradingMode": "paper", **settings}))
    pod.later(seconds=2)


def remembered(pod: FakePod) -> dict[str, object]:
    """The pause as the operator keeps it in the status."""
    pause = pod.look().pause
    assert pause is not None
    return json.loads(pause.to_json())  # type: ignore[no-any-return]


def held(pod: FakePod) -> bool:
    return [hold.reason for hold in pod.look().holds] == ["Paused"]


def ledger_goes(pod: FakePod) -> None:
    (pod.state / "attempts.jsonl").unlink()


def pod_goes(pod: FakePod) -> None:
    (pod.run / "paused").unlink(missing_ok=True)


def pauses_noted(pod: FakePod) -> int:
    return [n.kind for n in pod.records().notes].count("console pause")


def test_a_pause_outlives_its_ledger_in_the_same_pod(pod: FakePod) -> None:
    press(pod, PAUSE)
    since = pod.sentinel.console_report().paused_since
    ledger_goes(pod)
    pod.boot()
    assert held(pod)
    assert pauses_noted(pod) == 1
    assert pod.sentinel.console_report().paused_since == since
    press(pod, RESUME)
    assert not held(pod)
    assert not (pod.run / "paused").exists()
    pod.boot()
    assert not held(pod)


def test_a_pause_outlives_pod_and_volume_by_the_operators_word(pod: FakePod) -> None:
    press(pod, PAUSE)
    told(pod, pause=remembered(pod))
    ledger_goes(pod)
    pod_goes(pod)
    pod.boot()
    assert held(pod)
    assert pauses_noted(pod) == 1
    press(pod, RESUME)
    assert not held(pod)
    assert pod.look().pause == TradingPause(
        id=str(remembered(pod)["id"]), since=pod.records().notes[1].at, over=True
    )
    pod.later(minutes=5)
    assert not held(pod)


def test_what_the_operator_says_late_begins_no_pause_again(pod: FakePod) -> None:
    press(pod, PAUSE)
    late = remembered(pod)
    pod.later(seconds=1)
    press(pod, RESUME)
    told(pod, pause=late)
    assert not held(pod)
    pod.boot()
    assert not held(pod)


def test_a_pause_stands_though_the_ledger_cannot_be_read(pod: FakePod) -> None:
    press(pod, PAUSE)
    told(pod, pause=remembered(pod))
    (pod.state / "attempts.jsonl").write_text("no line of ours\n")
    pod.boot()
    assert held(pod)
    pod_goes(pod)
    pod.boot()
    assert held(pod)
    with pytest.raises(LedgerError):
        press(pod, RESUME)
    assert held(pod)


def test_a_torn_note_beside_the_ledger_is_a_pause(pod: FakePod) -> None:
    (pod.run / "paused").write_text("id=")
    pod.boot()
    assert held(pod)
    press(pod, RESUME)
    assert not held(pod)
    pod.boot()
    assert not held(pod)


def test_a_pause_needs_no_room_beside_the_ledger(
    pod: FakePod, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        press(pod, PAUSE)
    assert held(pod)
    assert pauses_noted(pod) == 1


def test_the_annotation_ends_what_was_paused_before_it_and_nothing_later(pod: FakePod) -> None:
    press(pod, PAUSE)
    pod.later(minutes=5)
    asked = pod.time.now.isoformat()
    told(pod, resumeRequested=asked)
    assert not held(pod)
    pod.later(minutes=5)
    press(pod, PAUSE)
    pod.boot()
    assert held(pod)
    ((note, by),) = [(n.request, n.by) for n in pod.records().notes if n.kind == "console resume"]
    assert note == f"annotation {asked}"
    assert by == "annotation"


def test_an_annotation_that_found_nothing_paused_ends_no_later_pause(pod: FakePod) -> None:
    told(pod, resumeRequested=pod.time.now.isoformat())
    lines = len(pod.records().notes)
    pod.later(seconds=-30)
    press(pod, PAUSE)
    pod.later(seconds=5)
    assert held(pod)
    assert len(pod.records().notes) == lines + 1


def test_an_annotation_from_the_future_waits_for_its_time(pod: FakePod) -> None:
    press(pod, PAUSE)
    told(pod, resumeRequested=(pod.time.now + timedelta(minutes=10)).isoformat())
    assert held(pod)
    pod.later(minutes=10)
    assert not held(pod)


def test_an_annotation_ends_a_pause_that_only_the_operator_remembers(pod: FakePod) -> None:
    press(pod, PAUSE)
    known = remembered(pod)
    pod.later(minutes=2)
    ledger_goes(pod)
    pod_goes(pod)
    told(pod, pause=known, resumeRequested=pod.time.now.isoformat())
    pod.boot()
    pod.look()
    assert not held(pod)
