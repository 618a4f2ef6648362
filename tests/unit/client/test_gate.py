"""Both gates against a sentinel on a socket that tells what the test says."""

import asyncio
import logging
import socket
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gate_fakes import (
    PROGRAM,
    SOON,
    TOKEN,
    FollowedGate,
    HandClock,
    Kind,
    ToldGate,
    following,
    until,
)
from ibgateway.client import AsyncGate, Gate, GateClosedError, GateSettingsError
from ibgateway.client.gate_calls import RETRIES, program_name, seconds_since_boot
from ibgateway.client.http_calls import reconnect_pause
from ibgateway_api.gate_documents import PROGRAM_NAME, PROGRAM_STAYS_SECONDS

WORD = {"program": PROGRAM, "drain": "d1"}


@pytest.fixture
async def there() -> AsyncIterator[ToldGate]:
    async with ToldGate() as made:
        yield made


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture(params=["async", "sync"])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


@pytest.fixture
async def here(kind: Kind, there: ToldGate, clock: HandClock) -> AsyncIterator[FollowedGate]:
    async with following(kind, there.url, clock=clock) as made:
        yield made


async def test_the_gate_is_closed_before_anything_was_heard(kind: Kind) -> None:
    url = "http://127.0.0.1:1/v1/gate"
    gate = AsyncGate(url, token=TOKEN) if kind == "async" else Gate(url, token=TOKEN)
    assert (gate.is_open, gate.report) == (False, None)
    assert gate.why_closed is not None
    assert gate.why_closed.reason == "NoNews"
    await gate.close() if isinstance(gate, AsyncGate) else gate.close()


async def test_an_order_goes_while_the_gate_is_open(here: FollowedGate, there: ToldGate) -> None:
    async with here.trading():
        assert here.gate.is_open
    assert here.gate.report is not None
    assert here.gate.report.boot == "boot-1"
    assert there.asked[0] == {"program": PROGRAM, "token": f"Bearer {TOKEN}"}


async def test_an_order_waits_until_the_gate_opens(here: FollowedGate, there: ToldGate) -> None:
    there.closed()
    await there.tell()
    await here.until_closed("NightlyRestart")
    entered = asyncio.Event()

    async def send() -> None:
        async with here.trading():
            entered.set()

    sending = asyncio.create_task(send())
    with pytest.raises(GateClosedError, match="NightlyRestart: the gateway restarts") as raised:
        async with here.trading(0.05):
            raise AssertionError
    assert raised.value.reason == "NightlyRestart"
    assert not entered.is_set()
    there.opened()
    await there.tell()
    await sending
    assert entered.is_set()


async def test_a_gate_that_opens_is_waited_for(here: FollowedGate, there: ToldGate) -> None:
    await here.wait_open()
    there.closed()
    await there.tell()
    await here.until_closed("NightlyRestart")
    with pytest.raises(GateClosedError):
        await here.wait_open(0.05)


async def test_a_drain_waits_for_what_is_inside_and_lets_nobody_in(
    here: FollowedGate, there: ToldGate
) -> None:
    async with here.trading():
        there.draining("d1")
        await there.tell()
        await here.until_closed("PlannedStop")
        with pytest.raises(GateClosedError, match="PlannedStop"):
            async with here.trading(0.05):
                raise AssertionError
        assert there.words == []
    await until(lambda: bool(there.words))
    there.draining("d1")
    await there.tell()
    with pytest.raises(GateClosedError):
        async with here.trading(0.2):
            raise AssertionError
    assert there.words == [WORD]
    there.opened()
    await there.tell()
    async with here.trading():
        assert here.gate.is_open


async def test_two_inside_have_both_to_leave(here: FollowedGate, there: ToldGate) -> None:
    async with here.trading():
        async with here.trading():
            there.draining("d1")
            await there.tell()
            await here.until_closed("PlannedStop")
        with pytest.raises(GateClosedError):
            async with here.trading(0.2):
                raise AssertionError
        assert there.words == []
    await until(lambda: there.words == [WORD])


async def test_an_open_gate_with_a_drain_lets_nobody_in(
    here: FollowedGate, there: ToldGate
) -> None:
    there.draining("d1")
    there._report["open"] = True
    await there.tell()
    await here.until_closed("Restart")
    await until(lambda: there.words == [WORD])


async def test_another_process_of_the_sentinel_is_told_anew(
    here: FollowedGate, there: ToldGate
) -> None:
    there.draining("d1")
    await there.tell()
    await until(lambda: there.words == [WORD])
    there.boot = "boot-2"
    there.cut()
    await until(lambda: there.words == [WORD, WORD])
    there.opened()
    await there.tell()
    await here.wait_open()


@pytest.mark.parametrize("status", [409, 503])
async def test_a_word_that_was_not_taken_is_given_again(
    here: FollowedGate, there: ToldGate, status: int
) -> None:
    await here.wait_open()
    there.word_status = status
    there.draining("d1")
    await there.tell()
    await until(lambda: len(there.words) > 2)
    there.word_status = 204
    given = len(there.words)
    await until(lambda: len(there.words) == given + 1)
    assert (len(there.asked) == 1) == (status == 409), "409 is an answer, 503 is none"


async def test_an_error_inside_leaves(here: FollowedGate, there: ToldGate) -> None:
    with pytest.raises(ZeroDivisionError):
        async with here.trading():
            raise ZeroDivisionError
    there.draining("d1")
    await there.tell()
    await until(lambda: there.words == [WORD])


async def test_silence_of_five_seconds_closes_until_it_is_heard_anew(
    here: FollowedGate, there: ToldGate, clock: HandClock
) -> None:
    await here.wait_open()
    there.mute = True
    clock.seconds += 4.9
    assert here.gate.is_open
    clock.seconds += 0.2
    assert not here.gate.is_open
    assert here.gate.why_closed is not None
    assert here.gate.why_closed.reason == "NoNews"
    there.mute = False
    await here.wait_open()
    assert len(there.asked) >= 2, "what stood in the old connection tells nothing"


async def test_a_connection_that_ends_is_no_word_and_the_next_one_is(
    here: FollowedGate, there: ToldGate
) -> None:
    await here.wait_open()
    there.boot = "boot-2"
    there.closed("SessionConflict", "somebody else is logged in")
    there.cut()
    await here.until_closed("SessionConflict")
    there.opened()
    await there.tell()
    async with here.trading():
        assert here.gate.report is not None
        assert here.gate.report.boot == "boot-2"


@pytest.mark.parametrize(
    ("status", "said"), [(401, "refuses the token"), (404, "404"), (503, "503")]
)
async def test_an_answer_that_is_no_word_closes_at_once(
    here: FollowedGate, there: ToldGate, status: int, said: str
) -> None:
    await here.wait_open()
    there.status = status
    there.cut()
    await here.until_closed("NoNews")
    assert here.gate.why_closed is not None
    assert said in here.gate.why_closed.message
    there.status = 200
    await here.wait_open()


@pytest.mark.parametrize(
    "garbage",
    [
        b"event: gate\ndata: {}\n\n",
        b"event: gate\ndata: {half\n\n",
        b"event: gate\ndata: \xff\xfe\n\n",
        b'event: gate\ndata: {"boot": "b", "sequence": 1, "open": "perhaps"}\n\n',
        b"<html>hello</html>\n\n",
        b"event: other\ndata: {}\n\n",
    ],
)
async def test_a_text_that_is_no_report_never_opens(
    kind: Kind, there: ToldGate, clock: HandClock, garbage: bytes
) -> None:
    there.garbage = garbage
    async with following(kind, there.url, clock=clock) as here:
        await until(lambda: bool(there.asked))
        with pytest.raises(GateClosedError, match="NoNews"):
            await here.wait_open(0.2)
        there.garbage = b""
        there.cut()
        await here.wait_open()


async def test_a_heartbeat_of_a_new_connection_makes_no_old_report_younger(
    here: FollowedGate, there: ToldGate, clock: HandClock
) -> None:
    await here.wait_open()
    there.garbage = b":\n\n"
    there.cut()
    await until(lambda: len(there.asked) == 2)
    for _ in range(10):
        clock.seconds += 0.6
        await asyncio.sleep(0.06)
    assert not here.gate.is_open


async def test_a_suspend_of_the_machine_is_silence(
    kind: Kind, there: ToldGate, clock: HandClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The monotonic clock stands still meanwhile: a gate that was open before would be so after it."""
    monkeypatch.setattr(time, "clock_gettime", lambda which: clock())
    followed = AsyncGate if kind == "async" else Gate
    gate = followed(there.url, token=TOKEN, program=PROGRAM)
    await gate.__aenter__() if isinstance(gate, AsyncGate) else gate.__enter__()
    try:
        await until(lambda: gate.is_open)
        there.mute = True
        clock.seconds += 3600
        assert gate.why_closed is not None
        assert gate.why_closed.reason == "NoNews"
    finally:
        await gate.close() if isinstance(gate, AsyncGate) else await asyncio.to_thread(gate.close)


def test_a_system_without_such_a_clock_has_the_monotonic_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME")
    assert time.monotonic() <= seconds_since_boot() <= time.monotonic()


async def test_an_address_that_leads_nowhere_is_tried_again(kind: Kind, clock: HandClock) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1/gate"
        async with following(kind, url, clock=clock) as here:
            await until(lambda: "not answered yet" not in (here.gate.why_closed or ("", ""))[1])
            assert not here.gate.is_open


async def test_a_rotated_token_is_taken_and_shown_to_nobody(
    kind: Kind, there: ToldGate, clock: HandClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    file = tmp_path / "token"
    environment = {"IBGATEWAY_STATUS_URL": there.url, "IBGATEWAY_TOKEN_FILE": str(file)}
    gate = (AsyncGate if kind == "async" else Gate).from_environment(environment)
    token = gate._token
    await gate.close() if isinstance(gate, AsyncGate) else gate.close()
    async with following(kind, there.url, clock=clock, token=token) as here:
        for content, said in (
            (None, "can't be read (FileNotFoundError)"),
            (b"", "holds no token"),
            (b"canary-\xff", "can't be read (UnicodeDecodeError)"),
            (b"canary-one\ncanary-two", "holds no token"),
        ):
            if content is not None:
                file.write_bytes(content)
            await until(lambda: said in (here.gate.why_closed or ("", ""))[1])  # noqa: B023 - within the turn
        file.write_text("canary-right\n")
        await here.wait_open()
        assert there.asked[-1]["token"] == "Bearer canary-right"
        there.status = 401
        there.cut()
        await here.until_closed("NoNews")
        assert "canary" not in str(here.gate.why_closed)
    assert "canary" not in caplog.text


async def test_a_gate_that_was_closed_by_its_owner_lets_nobody_in(
    kind: Kind, there: ToldGate, clock: HandClock
) -> None:
    async with following(kind, there.url, clock=clock) as here:
        await here.wait_open()
    with pytest.raises(GateClosedError, match="has closed its Gate"):
        async with here.trading(0):
            raise AssertionError


def test_what_a_fork_inherits_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate("http://127.0.0.1:1/v1/gate", token=TOKEN)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert "in each process" in (gate.why_closed or ("", ""))[1]
    with pytest.raises(GateClosedError), gate.trading(0):
        raise AssertionError


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "IBGATEWAY_STATUS_URL is not set"),
        ({"IBGATEWAY_STATUS_URL": "http://x/v1/gate"}, "IBGATEWAY_TOKEN_FILE is not set"),
        (
            {"IBGATEWAY_STATUS_URL": "x/v1/gate", "IBGATEWAY_TOKEN_FILE": "t"},
            "no address of a gate",
        ),
        (
            {"IBGATEWAY_STATUS_URL": "http://x:port/", "IBGATEWAY_TOKEN_FILE": "t"},
            "no address of a gate",
        ),
    ],
)
def test_an_environment_that_says_too_little_is_told_at_once(
    environment: dict[str, str], said: str
) -> None:
    for made in (Gate, AsyncGate):
        with pytest.raises(GateSettingsError, match=said):
            made.from_environment(environment)


@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("bot-0", "bot-0"),
        ("My_Bot 1", "my-bot-1"),
        ("x" * 63, "x" * 63),
        ("", "program"),
    ],
)
def test_a_program_has_a_name_that_the_sentinel_takes(name: str, program: str) -> None:
    assert program_name(name) == program


def test_long_names_that_begin_alike_are_two_names() -> None:
    first, second = program_name("x" * 80 + "-0"), program_name("x" * 80 + "-1")
    assert first != second
    assert first == program_name("x" * 80 + "-0")
    assert PROGRAM_NAME.fullmatch(first)


@pytest.mark.parametrize("host", ["my-bot-7c9f-abcde", "x" * 63])
def test_a_program_is_called_as_its_pod_and_no_two_are_called_the_same(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: host)
    first, second = program_name(None), program_name(None)
    assert first.startswith(f"{host[:54]}-")
    assert first != second
    assert PROGRAM_NAME.fullmatch(first)


def test_a_gate_asks_anew_before_its_program_is_forgotten() -> None:
    assert max(reconnect_pause(n, RETRIES) for n in range(100)) < PROGRAM_STAYS_SECONDS / 2


async def test_a_half_open_connection_is_given_up_after_the_silence() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ReadTimeout("nothing came")

    transport = httpx.MockTransport(answer)
    gate = AsyncGate("http://x/v1/gate", token=TOKEN, retries=SOON, transport=transport)
    async with gate:
        await until(lambda: len(asked) == 2)
        assert "nothing came" in (gate.why_closed or ("", ""))[1]
    assert asked[0].extensions["timeout"]["read"] == 5.0
