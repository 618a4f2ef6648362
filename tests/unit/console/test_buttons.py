"""The routes behind the buttons: who gets a key, what is handed on, and every refusal."""

import json
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from console_world.fake_display import Client
from host_processes import free_port
from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.guessing import Guesser, GuessLimits
from ibgateway_agent.console.presses import ButtonKeys
from ibgateway_agent.console.run import running
from ibgateway_agent.console.settings import from_env
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.http_client import Endpoint

HERE = Guesser("loopback")
PASSWORD = "canary-vnc"
TOKEN = "canary-access"
AGENT = "canary-agent"


@dataclass
class AskedSentinel:
    """Takes what is asked for, or refuses it."""

    status: int = 202
    text: str = ""
    asked: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    port: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self.asked.append((request.headers["Authorization"], json.loads(await request.text())))
        return web.Response(status=self.status, text=self.text)


@pytest.fixture
async def sentinel() -> AsyncIterator[AskedSentinel]:
    stub = AskedSentinel()
    app = web.Application()
    app.router.add_post("/v1/console-requests", stub.take)
    async with TestServer(app) as server:
        assert server.port is not None
        stub.port = server.port
        yield stub


@dataclass
class Page:
    """The console's own page, as its server sees it."""

    http: ClientSession
    url: str
    key: str = ""

    async def post(self, path: str, body: object, **headers: str) -> tuple[int, str]:
        own = {"Origin": self.url, "X-Console-Key": self.key, "Content-Type": "application/json"}
        sent = {name: value for name, value in {**own, **headers}.items() if value != "-"}
        text = body if isinstance(body, str) else json.dumps(body)
        async with self.http.post(self.url + path, data=text, headers=sent) as answer:
            return answer.status, await answer.text()

    async def unlock(self, password: str = PASSWORD, *protocols: str) -> int:
        status, text = await self.post("/key", {"password": password, "protocols": protocols})
        self.key = json.loads(text).get("key", "")
        return status


def settings(folder: Path, sentinel: AskedSentinel, **more: str) -> dict[str, str]:
    (folder / "vnc").write_text(f"{PASSWORD}\n")
    (folder / "agent").write_text(AGENT)
    (folder / "token").write_text(TOKEN)
    return {
        "CONSOLE_NAME": "trading/paper",
        "CONSOLE_MODE": "paper",
        "CONSOLE_VNC_HOST": "127.0.0.1",
        "CONSOLE_SENTINEL_HOST": "127.0.0.1",
        "CONSOLE_SENTINEL_PORT": str(sentinel.port),
        "CONSOLE_STATIC": str(folder),
        "CONSOLE_BIND": "127.0.0.1",
        "CONSOLE_PORT": str(free_port()),
        "CONSOLE_ADMIN_PORT": str(free_port()),
        "CONSOLE_AGENT_TOKEN_FILE": str(folder / "agent"),
        "CONSOLE_VNC_PASSWORD_FILE": str(folder / "vnc"),
        **more,
    }


@pytest.fixture
async def page(static: Path, sentinel: AskedSentinel) -> AsyncIterator[Page]:
    env = settings(static, sentinel)
    async with running(from_env(env)), ClientSession() as http:
        yield Page(http, f"http://127.0.0.1:{env['CONSOLE_PORT']}")


async def test_what_is_asked_for_with_the_password_reaches_the_sentinel_once(
    page: Page, sentinel: AskedSentinel, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert await page.unlock() == 200
    assert await page.post("/asked", {"action": "handover", "minutes": 45}) == (202, "")
    ((bearer, asked),) = sentinel.asked
    assert bearer == f"Bearer {AGENT}"
    assert (asked["action"], asked["minutes"]) == ("handover", 45)
    assert str(asked["id"]).endswith("Z")
    assert any("asked for handover" in line for line in caplog.messages)
    assert not [line for line in caplog.messages if "canary" in line or page.key in line]


async def test_the_time_of_a_press_is_the_consoles(page: Page, sentinel: AskedSentinel) -> None:
    await page.unlock()
    await page.post("/asked", {"action": "login", "id": "2999-01-01T00:00:00Z"})
    assert not str(sentinel.asked[0][1]["id"]).startswith("2999")


async def test_the_words_of_a_refusal_are_the_sentinels(
    page: Page, sentinel: AskedSentinel
) -> None:
    await page.unlock()
    sentinel.status, sentinel.text = 409, "a login is under way"
    assert await page.post("/asked", {"action": "login"}) == (409, "a login is under way")


async def test_a_sentinel_of_an_older_version_is_said_to_be_one(
    page: Page, sentinel: AskedSentinel
) -> None:
    await page.unlock()
    sentinel.status = 404
    status, text = await page.post("/asked", {"action": "login"})
    assert status == 503
    assert "older than this console" in text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"X-Console-Key": "-"}, 403),
        ({"X-Console-Key": "wrong"}, 403),
        ({"Origin": "-"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Content-Type": "text/plain"}, 415),
        ({"Content-Type": "application/x-www-form-urlencoded"}, 415),
    ],
)
async def test_a_press_that_is_not_the_pages_is_refused(
    page: Page, sentinel: AskedSentinel, headers: dict[str, str], status: int
) -> None:
    await page.unlock()
    assert (await page.post("/asked", {"action": "login"}, **headers))[0] == status
    assert sentinel.asked == []


@pytest.mark.parametrize(
    "body",
    ["", "{}", "[]", '{"action": "suspend"}', '{"action": "handover", "minutes": 721}', '"login"'],
)
async def test_what_is_not_known_is_not_handed_on(
    page: Page, sentinel: AskedSentinel, body: str
) -> None:
    await page.unlock()
    assert (await page.post("/asked", body))[0] == 400
    assert sentinel.asked == []


async def test_a_long_body_is_not_read(page: Page, sentinel: AskedSentinel) -> None:
    assert (await page.post("/key", {"password": "x" * 5000}))[0] == 413


async def test_without_the_right_password_there_is_no_key_and_guessing_ends(page: Page) -> None:
    for guess in ("", "canary", f"{PASSWORD}x", "password", "\u00fc"):
        assert await page.unlock(guess) == 403
    status, text = await page.post("/key", {"password": PASSWORD})
    assert (status, json.loads(text)["code"]) == (403, 4429)


async def test_an_empty_password_file_opens_nothing(page: Page, static: Path) -> None:
    (static / "vnc").write_text("")
    assert await page.unlock("") == 403


async def test_a_renewed_password_counts_at_once(page: Page, static: Path) -> None:
    (static / "vnc").write_text("canary-new")
    assert await page.unlock("canary-new") == 200


async def test_in_token_mode_the_password_alone_is_not_enough(
    static: Path, sentinel: AskedSentinel
) -> None:
    more = {"CONSOLE_AUTH": "token", "CONSOLE_TOKEN_FILE": str(static / "token")}
    env = settings(static, sentinel, **more)
    async with running(from_env(env)), ClientSession() as http:
        page = Page(http, f"http://127.0.0.1:{env['CONSOLE_PORT']}")
        assert await page.unlock() == 403
        assert await page.unlock(PASSWORD, "binary", "token.Y2FuYXJ5LWFjY2Vzcw") == 200


async def test_who_has_gone_presses_nothing_any_more(page: Page, sentinel: AskedSentinel) -> None:
    await page.unlock()
    headers = {"Origin": page.url, "X-Console-Key": page.key, "Content-Type": "application/json"}
    async with page.http.delete(f"{page.url}/key", headers=headers) as answer:
        assert answer.status == 204
    assert (await page.post("/asked", {"action": "login"}))[0] == 403


async def test_a_minute_has_ten_presses(page: Page, sentinel: AskedSentinel) -> None:
    await page.unlock()
    answers = [(await page.post("/asked", {"action": "pause"}))[0] for _ in range(11)]
    assert answers == [202] * 10 + [429]
    assert len(sentinel.asked) == 10


async def test_a_key_is_not_stored_by_the_browser(page: Page) -> None:
    headers = {"Origin": page.url}
    body = {"password": PASSWORD}
    async with page.http.post(f"{page.url}/key", json=body, headers=headers) as answer:
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("path", ["/key", "/asked"])
async def test_where_no_buttons_are_allowed_there_are_no_such_routes(
    client: Client, path: str
) -> None:
    headers = {"Origin": f"http://127.0.0.1:{client.port}"}
    assert (await client.post(path, json={"password": "x"}, headers=headers)).status == 404
    assert (await (await client.get("/gateway")).json())["buttons"] is False


@pytest.mark.parametrize("missing", ["CONSOLE_VNC_PASSWORD_FILE", "CONSOLE_SENTINEL_HOST"])
def test_half_of_what_buttons_need_is_no_setting(tmp_path: Path, missing: str) -> None:
    env = {k: v for k, v in settings(tmp_path, AskedSentinel(port=1)).items() if k != missing}
    with pytest.raises(SettingsError, match=f"{missing} is not set"):
        from_env(env)


@dataclass
class KeyClock:
    now: float = 100.0


def keys(clock: KeyClock) -> ButtonKeys:
    return ButtonKeys(
        sentinel=lambda: Endpoint("http://127.0.0.1:1"),
        password=lambda: b"right",
        token=None,
        limits=GuessLimits(),
        monotonic=lambda: clock.now,
        policies_proven=lambda: False,
    )


def test_a_key_that_nobody_uses_is_over_after_a_quarter_of_an_hour() -> None:
    clock = KeyClock()
    held = keys(clock)
    used, idle = held.open("right", [], HERE), held.open("right", [], HERE)
    clock.now += 899
    assert held.is_open(used)
    clock.now += 2
    assert not held.is_open(idle)
    assert held.is_open(used)


def test_the_oldest_key_goes_for_the_seventeenth() -> None:
    clock = KeyClock()
    held = keys(clock)
    made = []
    for _ in range(17):
        clock.now += 1
        made.append(held.open("right", [], HERE))
    assert [held.is_open(key) for key in made] == [False] + [True] * 16


async def test_a_key_is_over_with_the_password_that_it_was_given_for(
    page: Page, static: Path, sentinel: AskedSentinel
) -> None:
    await page.unlock()
    (static / "vnc").write_text("canary-new")
    assert (await page.post("/asked", {"action": "login"}))[0] == 403
    assert await page.unlock("canary-new") == 200
    assert (await page.post("/asked", {"action": "login"}))[0] == 202
    assert len(sentinel.asked) == 1


def test_a_new_password_leaves_no_older_key_though_nobody_has_pressed_meanwhile() -> None:
    password = [b"right"]
    held = replace(keys(KeyClock()), password=lambda: password[0])
    older = held.open("right", [], HERE)
    password[0] = b"renewed"
    held.open("renewed", [], HERE)
    assert not held.is_open(older)


def test_in_token_mode_a_key_is_over_with_its_token() -> None:
    token = [b"first"]
    held = replace(keys(KeyClock()), token=lambda: token[0])
    key = held.open("right", ["binary", "token.Zmlyc3Q"], HERE)
    assert held.is_open(key)
    token[0] = b"second"
    assert not held.is_open(key)


def test_a_key_that_is_no_text_is_none() -> None:
    held = keys(KeyClock())
    held.open("right", [], HERE)
    assert not held.is_open("\udcff")


async def test_whether_a_push_was_agreed_to_is_handed_on(
    page: Page, sentinel: AskedSentinel
) -> None:
    await page.unlock()
    await page.post("/asked", {"action": "login", "pushAgreed": True})
    await page.post("/asked", {"action": "login"})
    assert [asked["pushAgreed"] for _, asked in sentinel.asked] == [True, False]


@pytest.mark.parametrize("path", ["/key", "/asked"])
async def test_brackets_without_end_are_no_request(page: Page, path: str) -> None:
    await page.unlock()
    assert (await page.post(path, "[" * 4000))[0] == 400


async def shown(page: Page) -> tuple[bool, str]:
    async with page.http.get(f"{page.url}/gateway") as answer:
        told = await answer.json()
    return told["buttons"], told["withheld"]


async def test_the_documented_password_opens_no_buttons_while_policies_are_not_proven(
    page: Page, static: Path, sentinel: AskedSentinel
) -> None:
    assert await shown(page) == (True, "")
    for documented in ("password", "password-and-more"):
        (static / "vnc").write_text(documented)
        status, text = await page.post("/key", {"password": documented})
        assert (status, json.loads(text)["code"]) == (403, 4405)
        buttons, words = await shown(page)
        assert not buttons
        assert "Set your own VNC_PASSWORD" in words
    (static / "vnc").write_text(PASSWORD)
    assert await page.unlock() == 200
    assert await shown(page) == (True, "")


def test_a_key_ends_when_policies_turn_out_not_to_be_enforced() -> None:
    proven = [True]
    held = replace(
        keys(KeyClock()), password=lambda: b"password", policies_proven=lambda: proven[0]
    )
    key = held.open("password", [], HERE)
    assert held.is_open(key)
    proven[0] = False
    assert held.withheld()
    assert not held.is_open(key)


def test_with_a_token_the_documented_password_is_not_all_that_is_asked_for() -> None:
    held = replace(keys(KeyClock()), password=lambda: b"password", token=lambda: b"first")
    assert not held.withheld()
    assert held.open("password", ["binary", "token.Zmlyc3Q"], HERE)


async def test_guessing_at_the_buttons_is_counted_by_address_as_at_the_screen() -> None:
    held = keys(KeyClock())
    for _ in range(5):
        with pytest.raises(SessionEndedError, match="refused"):
            held.open("wrong", [], Guesser("10.0.0.7"))
    with pytest.raises(SessionEndedError, match="Too many"):
        held.open("right", [], Guesser("10.0.0.7"))
    assert held.open("right", [], HERE)
