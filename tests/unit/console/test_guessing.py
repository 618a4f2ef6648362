"""Whose wrong guesses are counted together."""

from collections.abc import AsyncIterator, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from console_world.fake_display import (
    RIGHT,
    WRONG,
    Client,
    Socket,
    closing,
    log_in,
    receive,
    until,
)
from ibgateway_agent.console.guessing import COOKIE, Guesser, GuessLimits, guesser, new_browser
from ibgateway_agent.console.session import SessionState

FORWARD = Guesser("loopback")
ADDRESS = "X-Made-Up-Address"


def wrong(limits: GuessLimits, who: Guesser, now: float = 0.0) -> bool:
    return limits.budget(who, now).charge(now)


def guesses(limits: GuessLimits, who: Guesser, count: int) -> int:
    return [wrong(limits, who) for _ in range(count)].count(True)


def test_a_strangers_guesses_are_not_the_owners() -> None:
    limits = GuessLimits()
    assert guesses(limits, Guesser("10.0.0.7"), 20) == 5
    assert wrong(limits, Guesser("10.0.0.8"))
    assert guesses(limits, FORWARD, 20) == 5


def test_whoever_has_many_addresses_has_fifteen_guesses_a_minute() -> None:
    limits = GuessLimits()
    assert sum(guesses(limits, Guesser(f"10.0.0.{n}"), 5) for n in range(100)) == 15
    assert wrong(limits, FORWARD)
    assert not wrong(limits, Guesser("10.0.1.1"), 59.9)
    assert wrong(limits, Guesser("10.0.1.1"), 60.0)


def test_what_all_strangers_have_used_up_is_not_charged_to_one_of_them() -> None:
    limits = GuessLimits()
    for number in range(3):
        guesses(limits, Guesser(f"10.0.0.{number}"), 5)
    assert not wrong(limits, Guesser("10.0.0.9"), 30.0)
    assert [wrong(limits, Guesser("10.0.0.9"), 60.0) for _ in range(6)] == [True] * 5 + [False]


def test_a_browser_that_was_let_in_before_is_let_in_while_its_address_is_hammered() -> None:
    limits = GuessLimits()
    owner = Guesser("10.0.0.7", new_browser())
    limits.budget(owner, 0.0).right_password()
    assert guesses(limits, Guesser("10.0.0.7", new_browser()), 20) == 5
    assert guesses(limits, Guesser("10.0.0.7"), 20) == 0
    assert guesses(limits, owner, 20) == 5


def test_no_browser_is_known_by_an_empty_name() -> None:
    limits = GuessLimits()
    limits.budget(Guesser("10.0.0.7"), 0.0).right_password()
    guesses(limits, Guesser("10.0.0.7"), 5)
    assert not wrong(limits, Guesser("10.0.0.7"))


def test_sixty_four_browsers_are_remembered_the_last_ones() -> None:
    limits = GuessLimits()
    browsers = [Guesser("10.0.0.7", new_browser()) for _ in range(65)]
    for each in browsers:
        limits.budget(each, 0.0).right_password()
    guesses(limits, Guesser("10.0.0.7"), 5)
    assert [wrong(limits, each) for each in browsers] == [False] + [True] * 64


def test_addresses_without_end_are_forgotten() -> None:
    limits = GuessLimits()
    for number in range(5000):
        budget = limits.budget(Guesser(f"10.{number // 250}.0.{number % 250}"), 0.0)
        assert budget.charge(0.0)
        budget.give_back(0.0)
    assert len(limits._limits) <= 256


@pytest.mark.parametrize(
    ("remote", "source"),
    [
        ("127.0.0.1", "loopback"),
        ("127.9.9.9", "loopback"),
        ("::1", "loopback"),
        ("::ffff:127.0.0.1", "loopback"),
        ("10.0.0.7", "10.0.0.7"),
        ("::ffff:10.0.0.7", "10.0.0.7"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::ffff:2", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", "unknown"),
        (None, "unknown"),
        ("localhost", "unknown"),
    ],
)
def test_a_source_is_the_address_of_the_connection(remote: str | None, source: str) -> None:
    assert guesser(remote, {}).address == source


@pytest.mark.parametrize("cookie", ["", "x", "a" * 21, "a" * 23, "a" * 21 + "\n", "\u00e9" * 22])
def test_a_cookie_that_is_not_ours_is_none(cookie: str) -> None:
    assert guesser("10.0.0.7", {COOKIE: cookie}).browser == ""


@pytest.fixture
async def from_anywhere(
    app_of: Callable[[SessionState], web.Application], sessions: SessionState
) -> AsyncIterator[Client]:
    """A console that takes the address of a test's header for the connection's."""

    @web.middleware
    async def moved(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request.clone(remote=request.headers.get(ADDRESS, "127.0.0.1")))

    app = app_of(sessions)
    app.middlewares.append(moved)
    async with TestClient(TestServer(app)) as client:
        yield client


async def socket_from(client: Client, address: str, **headers: str) -> Socket:
    sent = {"Origin": f"http://127.0.0.1:{client.port}", ADDRESS: address, **headers}
    return await client.ws_connect("/websockify", headers=sent, protocols=["binary"])


async def guess_from(client: Client, address: str, answer: bytes, **headers: str) -> int:
    """The close code; 0 for the right password."""
    socket = await socket_from(client, address, **headers)
    await log_in(socket, answer)
    if answer == RIGHT:
        first = await socket.receive()
        if first.data == b"\0\0\0\0":
            await socket.close()
            return 0
        return int(first.data)
    return (await closing(socket))[0]


async def test_a_stranger_who_hammers_shuts_nobody_else_out(from_anywhere: Client) -> None:
    codes = [await guess_from(from_anywhere, "10.0.0.7", WRONG) for _ in range(8)]
    assert codes == [4403] * 5 + [4429] * 3
    assert await guess_from(from_anywhere, "127.0.0.1", RIGHT) == 0
    assert await guess_from(from_anywhere, "10.0.0.8", RIGHT) == 0


async def test_a_header_that_names_another_address_changes_nothing(from_anywhere: Client) -> None:
    codes = [
        await guess_from(
            from_anywhere,
            "10.0.0.7",
            WRONG,
            **{"X-Forwarded-For": f"10.9.9.{n}", "Forwarded": f"for=10.9.8.{n}"},
        )
        for n in range(6)
    ]
    assert codes == [4403] * 5 + [4429]


async def test_the_page_names_a_browser_once_and_the_name_opens_nothing(
    from_anywhere: Client,
) -> None:
    page = await from_anywhere.get("/")
    cookie = page.cookies[COOKIE]
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Lax", "/")
    assert (await from_anywhere.get("/")).cookies[COOKIE].value == cookie.value
    from_anywhere.session.cookie_jar.clear()
    mine = f"{COOKIE}={cookie.value}"
    assert await guess_from(from_anywhere, "10.0.0.7", WRONG, Cookie=mine) == 4403
    assert await guess_from(from_anywhere, "10.0.0.7", RIGHT, Cookie=mine) == 0
    for _ in range(6):
        await guess_from(from_anywhere, "10.0.0.7", WRONG, Cookie=f"{COOKIE}={new_browser()}")
    assert await guess_from(from_anywhere, "10.0.0.7", RIGHT, Cookie=f"{COOKIE}={'a' * 22}") == 4429
    assert await guess_from(from_anywhere, "10.0.0.7", RIGHT, Cookie=mine) == 0


async def test_who_shows_no_password_takes_no_place_from_who_does(
    from_anywhere: Client, sessions: SessionState
) -> None:
    held = [await socket_from(from_anywhere, f"10.0.0.{n % 5}") for n in range(30)]
    greeted = [s for s in held if (await s.receive()).data == b"RFB 003.008\n"]
    assert len(greeted) == 16
    owner = await socket_from(from_anywhere, "127.0.0.1")
    await log_in(owner)
    assert await receive(owner, 4) == b"\0\0\0\0"
    for socket in (*held, owner):
        await socket.close()
    await until(lambda: not sessions.open and not sessions.waiting)


async def test_one_source_holds_eight_places_without_a_password(from_anywhere: Client) -> None:
    held = [await socket_from(from_anywhere, "10.0.0.7") for _ in range(10)]
    codes = [(await socket.receive()).data for socket in held]
    assert codes == [b"RFB 003.008\n"] * 8 + [4430] * 2
    for socket in held:
        await socket.close()


async def test_a_ninth_viewer_with_the_password_is_told(from_anywhere: Client) -> None:
    held = []
    for number in range(8):
        socket = await socket_from(from_anywhere, f"10.0.0.{number}")
        await log_in(socket)
        assert await receive(socket, 4) == b"\0\0\0\0"
        held.append(socket)
    late = await socket_from(from_anywhere, "127.0.0.1")
    assert (await closing(late))[0] == 4430
    await held.pop().close()
    for socket in held:
        await socket.close()
