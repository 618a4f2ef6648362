"""What an attempt to reach the API says about NetworkPolicies."""

import asyncio
import errno
import socket

import pytest

from ibgateway_agent.console.reachability import (
    ConnectOutcome,
    PolicyObservation,
    PolicyWatch,
    before_login,
    learn,
    try_connect,
    verdict,
)
from ibgateway_agent.console.settings import TcpAddress

A, R, F, S, U = (
    ConnectOutcome.ACCEPTED,
    ConnectOutcome.REFUSED,
    ConnectOutcome.FORBIDDEN,
    ConnectOutcome.SILENT,
    ConnectOutcome.UNKNOWN,
)
API = TcpAddress("gateway", 4004)
CONTROL = TcpAddress("gateway", 5900)


@pytest.mark.parametrize(
    ("api", "control", "enforced"),
    [
        (A, A, False),
        (A, S, False),
        (S, A, True),
        (F, A, True),
        (S, S, None),
        (S, R, None),
        (S, U, None),
        (F, F, None),
        (R, A, None),
        (R, R, None),
        (U, A, None),
        (U, U, None),
    ],
)
def test_silence_counts_only_against_a_control(
    api: ConnectOutcome, control: ConnectOutcome, enforced: bool | None
) -> None:
    assert verdict(api=api, control=control) is enforced


@pytest.mark.parametrize(
    ("verdicts", "enforced"),
    [
        ([None], None),
        ([False], None),
        ([False, False], False),
        ([True, True], True),
        ([False, True], None),
        ([False, None, False], None),
        ([True, True, None, None], True),
        ([True, True, False], True),
        ([True, True, False, True], True),
        ([True, True, False, False], False),
        ([False, False, True, True], True),
    ],
)
def test_two_equal_answers_in_a_row_are_needed(
    verdicts: list[bool | None], enforced: bool | None
) -> None:
    known = PolicyObservation()
    for said in verdicts:
        known = learn(known, said=said)
    assert known.enforced is enforced


@pytest.mark.parametrize(
    ("known", "seconds"),
    [
        (PolicyObservation(), 10),
        (PolicyObservation(None, True), 5),
        (PolicyObservation(True), 60),
        (PolicyObservation(True, False), 5),
    ],
)
def test_a_suspicion_is_confirmed_soon(known: PolicyObservation, seconds: float) -> None:
    assert known.wait_seconds == seconds


class EnoughError(Exception):
    """Ends a watch that would run for ever."""


async def watched(
    outcomes: list[tuple[ConnectOutcome, ConnectOutcome]],
) -> tuple[list[bool | None], list[str]]:
    """What a watch told in rounds with these (API, control) outcomes, and whom it visited."""
    told: list[bool | None] = []
    visits: list[str] = []
    rounds = iter(outcomes)
    current = next(rounds)

    async def connect(address: TcpAddress) -> ConnectOutcome:
        visits.append("api" if address == API else "control")
        return current[0] if address == API else current[1]

    async def sleep(_seconds: float) -> None:
        nonlocal current
        following = next(rounds, None)
        if following is None:
            raise EnoughError
        current = following

    watch = PolicyWatch(
        api=API,
        control=CONTROL,
        publish=lambda known: told.append(known.enforced),
        connect=connect,
        sleep=sleep,
    )
    with pytest.raises(EnoughError):
        await watch.run()
    return told, visits


async def test_an_open_api_is_told_after_its_confirmation() -> None:
    assert await watched([(A, A), (A, A)]) == ([None, False], ["api", "api"])


async def test_before_a_login_the_sentinels_ports_tell() -> None:
    sentinel = TcpAddress("gateway", 8090)
    answers = {
        API: ConnectOutcome.REFUSED,
        CONTROL: ConnectOutcome.REFUSED,
        TcpAddress("gateway", 8091): S,
        sentinel: A,
    }
    told: list[bool | None] = []

    async def connect(address: TcpAddress) -> ConnectOutcome:
        return answers[address]

    async def sleep(_seconds: float) -> None:
        if len(told) == 2:
            raise EnoughError

    watch = PolicyWatch(
        api=API,
        control=CONTROL,
        publish=lambda known: told.append(known.enforced),
        connect=connect,
        sleep=sleep,
        before_login=before_login(TcpAddress("gateway", 4004)),
    )
    with pytest.raises(EnoughError):
        await watch.run()
    assert told == [None, True]
    told.clear()
    answers[TcpAddress("gateway", 8091)] = A
    with pytest.raises(EnoughError):
        await watch.run()
    assert told == [None, False]


async def test_the_control_is_left_alone_once_enforcement_is_known() -> None:
    told, visits = await watched([(S, A), (S, A), (S, A), (S, A)])
    assert told == [None, True, True, True]
    assert visits == ["api", "control", "api", "control", "api", "api"]


async def test_policies_that_were_taken_away_are_noticed() -> None:
    told, _ = await watched([(S, A), (S, A), (A, A), (A, A)])
    assert told == [None, True, True, False]


async def test_a_listener_accepts() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await try_connect(TcpAddress("127.0.0.1", port)) is ConnectOutcome.ACCEPTED


async def test_a_free_port_refuses() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound but not listening: nobody else can take it
        port = held.getsockname()[1]
        assert await try_connect(TcpAddress("127.0.0.1", port)) is ConnectOutcome.REFUSED


async def test_a_full_backlog_is_silent() -> None:
    with socket.socket() as deaf, socket.socket() as first, socket.socket() as second:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        for filler in (first, second):  # Linux drops further SYNs, as a policy does
            filler.setblocking(False)
            filler.connect_ex(deaf.getsockname())
        port = deaf.getsockname()[1]
        assert (
            await try_connect(TcpAddress("127.0.0.1", port), seconds=0.3) is ConnectOutcome.SILENT
        )


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (PermissionError(errno.EPERM, "not permitted"), F),
        (OSError(errno.EHOSTUNREACH, "no route to host"), F),
        (OSError(errno.ENETUNREACH, "network is unreachable"), F),
        (socket.gaierror(socket.EAI_NONAME, "unknown name"), U),
        (TimeoutError(errno.ETIMEDOUT, "timed out"), S),
        (OSError("multiple exceptions"), U),
    ],
)
async def test_each_error_of_a_connect_has_its_meaning(
    monkeypatch: pytest.MonkeyPatch, error: OSError, outcome: ConnectOutcome
) -> None:
    async def fail(*_address: object) -> None:
        raise error

    monkeypatch.setattr(asyncio, "open_connection", fail)
    assert await try_connect(API) is outcome
