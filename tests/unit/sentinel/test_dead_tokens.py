"""A token that IBKR takes no longer: IBC's own new start is counted and left to go on."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ibgateway_agent.sentinel.permits.records import NoteKind, RequestKind
from ibgateway_api.login import LoginState, Sign
from ibgateway_api.permits import AttemptOutcome
from sentinel_fakes import FakePod
from sentinel_fakes.pod import ANSWERED, ATTEMPT, DONE, PUSH, START

BY_TOKEN = "IBC: Re-starting session: will exit if login dialog is not displayed within 60 seconds"
NO_SERVER = (
    "IBC: Connection to server failed: The security tokens associated with your login credentials"
    " have expired (routinely) in accordance with our security protocols."
)
UNKNOWN_TOKEN = "IBC: detected dialog entitled: Unrecognized Username or Password; event=Opened"
STARTS_OVER = ("IBC will cold-restart shortly", "IBC will restart shortly")


@pytest.fixture
def pod(tmp_path: Path) -> FakePod:
    return FakePod(tmp_path)


def starts_by_token(pod: FakePod) -> None:
    pod.logs_in()
    pod.later(hours=10)
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    pod.says(BY_TOKEN)


def ending(pod: FakePod) -> bool:
    return pod.sentinel._stop.busy


async def test_a_driver_that_begins_anew_by_itself_is_left_to_it(pod: FakePod) -> None:
    starts_by_token(pod)
    assert pod.says(NO_SERVER).state is LoginState.TOKEN_EXPIRED
    assert not ending(pod)
    assert pod.prints(*STARTS_OVER).attempts_today == 2
    pod.says(START, ATTEMPT, PUSH)
    assert pod.look().state is LoginState.AWAITING_APPROVAL
    assert not ending(pod)
    assert pod.outcomes() == [AttemptOutcome.SETTLED, None]


async def test_a_request_waits_for_the_drivers_own_start_and_is_met_by_it(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(NO_SERVER)
    pod.sentinel.accept(RequestKind.LOGIN, f"{pod.time.now.isoformat()}")
    pod.look()
    assert not ending(pod)
    pod.prints(*STARTS_OVER)
    pod.says(START)
    pod.look()
    assert not ending(pod)
    assert pod.records().pending(RequestKind.LOGIN) == ""


async def test_a_driver_that_says_so_and_does_nothing_is_ended(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(NO_SERVER)
    pod.later(minutes=4)
    assert not ending(pod)
    pod.later(minutes=2)
    assert ending(pod)


async def test_a_driver_that_begins_anew_is_expected_by_the_next_sentinel_too(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(NO_SERVER)
    pod.boot()
    assert pod.look().state is LoginState.TOKEN_EXPIRED
    assert not ending(pod)


async def test_a_dead_token_with_another_text_is_ended_at_once(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(UNKNOWN_TOKEN)
    assert ending(pod)


async def test_a_driver_that_may_not_begin_anew_is_ended_at_once(pod: FakePod) -> None:
    pod.settings('{"tradingMode": "paper", "login": {"dailyAttempts": 1}}')
    starts_by_token(pod)
    pod.settings('{"tradingMode": "paper", "login": {"dailyAttempts": 0}}')
    pod.says(NO_SERVER)
    pod.prints(*STARTS_OVER)
    assert ending(pod)
    await asyncio.sleep(0)
    assert (pod.run / "stop").exists()


async def test_a_stop_that_nobody_was_told_of_gives_way_to_a_start_that_is_counted(
    pod: FakePod,
) -> None:
    starts_by_token(pod)
    pod.sentinel._stop.begin("the week's restart", planned=True)
    assert ending(pod)
    pod.prints(*STARTS_OVER)
    for _ in range(3):
        await asyncio.sleep(0)
    assert not ending(pod)
    assert not (pod.run / "stop").exists()


async def test_the_wrapper_removes_a_dead_tokens_file_however_the_process_goes_on(
    pod: FakePod,
) -> None:
    starts_by_token(pod)
    assert not (pod.run / "drop-token").exists()
    pod.says(NO_SERVER)
    assert (pod.run / "drop-token").read_text() == "1"
    (pod.run / "drop-token").unlink()
    pod.later(seconds=5)
    assert not (pod.run / "drop-token").exists()


async def test_a_token_that_ibc_tried_by_itself_gets_no_permit_where_its_file_stays(
    pod: FakePod,
) -> None:
    starts_by_token(pod)
    pod.says(UNKNOWN_TOKEN)
    await pod.sentinel._stop.close()
    pod.ends()
    pod.waits(token=True)
    assert pod.permit().startswith("id=2 kind=full")


async def test_a_token_of_a_later_full_login_is_tried(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(UNKNOWN_TOKEN)
    await pod.sentinel._stop.close()
    pod.ends()
    pod.waits()
    pod.runs()
    pod.later(minutes=1)
    pod.says(PUSH, ANSWERED, DONE)
    pod.api(Sign.API_READY, "DU1")
    pod.later(hours=1)
    pod.ends()
    pod.waits(token=True)
    assert pod.permit().startswith("id=3 kind=token")


def test_a_dead_token_is_noted_once(pod: FakePod) -> None:
    starts_by_token(pod)
    pod.says(NO_SERVER)
    pod.later(seconds=5)
    pod.boot()
    pod.later(seconds=5)
    notes = [note for note in pod.records().notes if note.note is NoteKind.TOKEN_DEAD]
    assert len(notes) == 1


def test_a_request_from_ahead_of_the_clock_is_not_taken(pod: FakePod) -> None:
    pod.waits()
    ahead = pod.time.now + timedelta(minutes=11)
    assert not pod.sentinel.accept(RequestKind.LOGIN, ahead.isoformat())
    assert pod.sentinel.accept(RequestKind.LOGIN, (pod.time.now + timedelta(minutes=9)).isoformat())


async def test_a_request_lives_for_ten_minutes_from_when_it_was_taken(pod: FakePod) -> None:
    pod.logs_in()
    pod.time.passes(timedelta(minutes=1))
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    pod.sentinel.accept(RequestKind.LOGIN, (pod.time.now + timedelta(minutes=9)).isoformat())
    pod.later(minutes=4)
    assert pod.records().pending(RequestKind.LOGIN)
    pod.later(minutes=7)
    assert pod.records().pending(RequestKind.LOGIN) == ""


async def test_a_request_that_lies_ahead_after_the_clock_went_back_is_over(pod: FakePod) -> None:
    pod.logs_in()
    pod.says("IBC: detected dialog entitled: Restart in progress; event=Opened")
    pod.sentinel.accept(RequestKind.LOGIN, pod.time.now.isoformat())
    pod.time.now -= timedelta(hours=1)
    pod.look()
    assert pod.records().pending(RequestKind.LOGIN) == ""
