"""IBKR's side as it runs: control API, gateways' back end and TWS engine over real sockets."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest

from ibgateway_simulator.ibkr.server import Running, running
from ibgateway_simulator.ibkr.settings import ibkr_settings
from ibgateway_simulator.tws import stream, wire

PATIENCE = 20
ORDER = (
    "3|{}|265598|AAPL|STK||0.0|||SMART||USD|AAPL|||| {}|10|MKT|0|0|DAY||||0|{}|1|0|0|0|0|0|0|0"
).replace(" ", "")


@dataclass
class Tws:
    """A raw API client."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def send(self, words: str) -> None:
        self.writer.write(wire.frame(tuple(words.split("|"))))

    def order(self, order_id: int, action: str = "BUY", ref: str = "") -> None:
        fields = ORDER.format(order_id, action, ref).split("|") + [""] * 60
        self.writer.write(wire.frame(tuple(fields)))

    async def next(self) -> list[str]:
        async with asyncio.timeout(PATIENCE):
            return list(wire.split(await stream.read_body(self.reader)))

    async def until(self, *start: str) -> list[str]:
        while True:
            fields = await self.next()
            if tuple(fields[: len(start)]) == start:
                return fields

    async def error(self, code: int) -> list[str]:
        while True:
            fields = await self.next()
            if fields[0] == "4" and fields[3] == str(code):
                return fields

    async def end(self) -> None:
        """Read until the server closes; it must."""
        try:
            while True:
                await self.next()
        except (asyncio.IncompleteReadError, ConnectionError):
            return


class World:
    """IBKR, its control API and as many gateways as a test logs in."""

    def __init__(self, ibkr: Running, http: aiohttp.ClientSession) -> None:
        self.ibkr = ibkr
        self.http = http
        self.url = f"http://127.0.0.1:{ibkr.port}"
        self.socket: aiohttp.ClientWebSocketResponse | None = None
        self.session = ""
        self.clients: list[Tws] = []
        self.sockets: list[aiohttp.ClientWebSocketResponse] = []

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        async with self.http.request(method, self.url + path, json=body) as answer:
            document = await answer.json()
            assert answer.status == 200, document
            return document

    async def status(self, method: str, path: str, body: Any = None) -> int:
        async with self.http.request(method, self.url + path, json=body) as answer:
            return answer.status

    async def gateway(self, name: str = "g1") -> aiohttp.ClientWebSocketResponse:
        self.socket = await self.http.ws_connect(f"{self.url}/gateway/session?gateway={name}")
        self.sockets.append(self.socket)
        return self.socket

    async def message(self, kind: str) -> dict[str, Any]:
        assert self.socket is not None
        async with asyncio.timeout(PATIENCE):
            while True:
                message: dict[str, Any] = await self.socket.receive_json()
                if message["type"] == kind:
                    return message

    async def ask(self, **changes: Any) -> None:
        assert self.socket is not None
        login = {"user": "paperuser", "password": "paperpassword", "mode": "paper", "kind": "full"}
        await self.socket.send_json({"type": "login", **login, **changes})

    async def login(self, name: str = "g1", **changes: Any) -> dict[str, Any]:
        await self.gateway(name)
        await self.ask(**changes)
        await self.message("push_sent")
        await self.call("POST", "/v1/pushes/latest/approve")
        message = await self.message("logged_in")
        self.session = message["session"]
        return message

    async def tws(self, client_id: int = 17, *, start: bool = True) -> Tws:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.ibkr.broker_port)
        writer.write(json.dumps({"session": self.session}).encode() + b"\n")
        offer = b"v157..178"
        writer.write(wire.PREFIX + len(offer).to_bytes(4, "big") + offer)
        client = Tws(reader, writer)
        self.clients.append(client)
        assert (await client.next())[0] == "178"
        if start:
            client.send(f"71|2|{client_id}|")
            await client.until("4", "2", "-1", "2158")
        return client


@contextlib.asynccontextmanager
async def a_world() -> AsyncIterator[World]:
    environ = {
        "SIMULATOR_IBKR_PORT": "0",
        "SIMULATOR_BROKER_PORT": "0",
        "SIMULATOR_LOGIN_SECONDS": "0",
    }
    async with running(ibkr_settings(environ)) as ibkr, aiohttp.ClientSession() as http:
        made = World(ibkr, http)
        yield made
        for client in made.clients:
            client.writer.transport.abort()
        for socket in made.sockets:
            await socket.close()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with a_world() as made:
        yield made


async def test_a_full_login_needs_one_approved_push(world: World) -> None:
    await world.login()
    (push,) = await world.call("GET", "/v1/pushes")
    assert (push["user"], push["state"], push["stacked"]) == ("paperuser", "approved", False)
    (attempt,) = await world.call("GET", "/v1/logins")
    assert (attempt["kind"], attempt["result"], attempt["push"]) == ("full", "logged-in", 1)


async def test_a_denied_push_and_an_ignored_one_end_the_attempt(world: World) -> None:
    await world.gateway()
    await world.ask()
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/deny")
    await world.message("push_denied")
    await world.ask()
    await world.message("push_sent")
    await world.call("POST", "/v1/pushes/latest/ignore", {"seconds": 0})
    await world.message("push_missed")
    assert [p["state"] for p in await world.call("GET", "/v1/pushes")] == ["denied", "missed"]
    results = [a["result"] for a in await world.call("GET", "/v1/logins")]
    assert results == ["push-denied", "push-missed"]


async def test_a_wrong_password_is_refused_and_never_shown(world: World) -> None:
    await world.gateway()
    await world.ask(password="canary-password")
    assert (await world.message("rejected"))["dialog"] == "unrecognized"
    for path in ("/v1/events", "/v1/logins", "/v1/state"):
        assert "canary-password" not in json.dumps(await world.call("GET", path))


async def test_the_gateways_end_ends_the_session_and_its_api_clients(world: World) -> None:
    await world.login()
    client = await world.tws()
    assert world.socket is not None
    await world.socket.close()
    await client.end()
    assert (await world.call("GET", "/v1/state"))["sessions"] == []


async def test_the_push_of_a_gateway_that_died_stays_and_a_second_one_is_stacked(
    world: World,
) -> None:
    socket = await world.gateway("g1")
    await world.ask()
    await world.message("push_sent")
    await socket.close()
    await world.gateway("g2")
    await world.ask()
    await world.message("push_sent")
    first, second = await world.call("GET", "/v1/pushes")
    assert (first["state"], first["orphaned"]) == ("waiting", True)
    assert second["stacked"] is True


async def test_a_token_restart_needs_no_push_until_the_token_is_dead(world: World) -> None:
    token = (await world.login())["token"]
    await world.gateway("g1")
    await world.ask(kind="token", token=token)
    await world.message("logged_in")
    await world.call("POST", "/v1/users/paperuser/expire-token")
    await world.ask(kind="token", token=token)
    assert (await world.message("token_expired"))["dialog"] == "dialog"
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_start_up_says_accounts_then_the_next_id(world: World) -> None:
    await world.login()
    client = await world.tws(start=False)
    client.send("71|2|17|")
    assert await client.next() == ["15", "1", "DU1234567"]
    assert await client.next() == ["9", "1", "1"]
    assert (await client.next())[3] == "2104"


async def test_a_client_id_is_used_by_one_connection(world: World) -> None:
    await world.login()
    first = await world.tws(17)
    second = await world.tws(17, start=False)
    second.send("71|2|17|")
    await second.error(326)
    await second.end()
    first.send("49|1")
    assert (await first.until("49"))[2].isdigit()


async def test_an_order_fills_and_only_its_client_hears_of_it(world: World) -> None:
    await world.login()
    buyer, other = await world.tws(17), await world.tws(18)
    buyer.order(1, ref="mine")
    await buyer.until("59")
    other.send("8|1|1")
    assert await other.next() == ["9", "1", "1"]
    other.send("7|3|5|0|||||||")
    fill = await other.until("11", "5")
    assert fill[26] == "mine"
    await other.until("55", "1", "5")
    (order,) = await world.call("GET", "/v1/orders")
    assert (order["order_ref"], order["status"], order["client_id"]) == ("mine", "Filled", 17)


async def test_open_orders_are_the_clients_own_and_all_are_everybodys(world: World) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"hold_fills": True})
    mine, other = await world.tws(17), await world.tws(18)
    mine.order(1)
    await mine.until("3", "1", "Submitted")
    other.send("5|1")
    assert await other.next() == ["53", "1"]
    other.send("16|1")
    assert (await other.next())[:2] == ["5", "1"]
    await other.until("53")


async def test_a_read_only_gateway_answers_orders_with_321(world: World) -> None:
    await world.login(read_only=True)
    client = await world.tws()
    client.order(1)
    assert (await client.error(321))[2] == "1"
    client.send("5|1")
    assert (await client.error(321))[2] == "-1"
    client.send("61|1")
    assert await client.until("62") == ["62", "1"]
    assert await world.call("GET", "/v1/orders") == []


async def test_the_time_is_not_told_twice_within_a_second(world: World) -> None:
    await world.login()
    client = await world.tws()
    client.send("49|1")
    await client.until("49")
    client.send("49|1")
    client.send("8|1|1")
    assert (await client.next())[0] == "9"


async def test_while_the_link_is_lost_only_the_gateway_answers(world: World) -> None:
    await world.login()
    client = await world.tws()
    await world.call("POST", "/v1/connectivity", {"state": "lost"})
    await client.error(1100)
    client.send("9|8|1|265598||||||||||||||||")
    client.send("8|1|1")
    assert (await client.next())[0] == "9"
    client.order(1, ref="lost")
    await world.call("POST", "/v1/connectivity", {"state": "restored", "code": 1101})
    await client.error(1101)
    client.send("16|1")
    assert await client.next() == ["53", "1"]
    assert await world.call("GET", "/v1/orders") == []


async def test_an_order_of_the_outage_is_placed_later_if_the_gateway_keeps_such(
    world: World,
) -> None:
    await world.login()
    await world.call("PATCH", "/v1/faults", {"resubmit": True})
    client = await world.tws()
    await world.call("POST", "/v1/connectivity", {"state": "lost"})
    await client.error(1100)
    client.order(1, ref="late")
    client.send("8|1|1")
    await client.until("9")
    await world.call("POST", "/v1/connectivity", {"state": "restored"})
    await client.until("59")
    assert [o["order_ref"] for o in await world.call("GET", "/v1/orders")] == ["late"]


async def test_a_kick_is_1100_with_the_socket_open_and_1102_when_free(world: World) -> None:
    await world.login()
    client = await world.tws()
    await world.call("POST", "/v1/users/paperuser/kick")
    assert (await world.message("kicked"))["style"] == "waits"
    await client.error(1100)
    await world.ask(kind="relogin", session=world.session)
    client.send("8|1|1")
    assert (await client.until("9"))[0] == "9"
    await world.call("POST", "/v1/users/paperuser/free")
    assert (await world.message("logged_in"))["session"] == world.session
    await client.error(1102)
    assert len(await world.call("GET", "/v1/pushes")) == 1


async def test_a_contested_session_is_taken_over_or_yielded(world: World) -> None:
    await world.login()
    await world.call("POST", "/v1/users/paperuser/kick", {"style": "contest"})
    await world.ask(kind="relogin", session=world.session)
    assert (await world.message("existing"))["other"] == "person"
    assert world.socket is not None
    await world.socket.send_json({"type": "existing_answer", "go_on": False})
    await world.message("yielded")
    await world.ask(kind="relogin", session=world.session)
    await world.message("existing")
    await world.socket.send_json({"type": "existing_answer", "go_on": True})
    await world.message("logged_in")
    (user,) = (await world.call("GET", "/v1/state"))["users"]
    assert user["person"] is False


@pytest.mark.parametrize(("when", "booked"), [("before-booking", []), ("after-booking", ["lost"])])
async def test_a_connection_breaks_around_the_booking(
    world: World, when: str, booked: list[str]
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"lose_next": when})
    client.order(1, ref="lost")
    await client.end()
    assert [o["order_ref"] for o in await world.call("GET", "/v1/orders")] == booked
    again = await world.tws()
    again.send("8|1|1")
    assert (await again.until("9"))[2] == ("2" if booked else "1")


async def test_connections_are_dropped_by_client_id(world: World) -> None:
    await world.login()
    first, second = await world.tws(17), await world.tws(18)
    assert await world.call("POST", "/v1/connections/drop", {"client_id": 17}) == {"dropped": 1}
    await first.end()
    second.send("8|1|1")
    await second.until("9")


async def test_a_muted_server_says_nothing_and_records_everything(world: World) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"mute": True})
    client.order(1)
    frames: list[Any] = []
    async with asyncio.timeout(PATIENCE):
        while not frames:
            frames = await world.call("GET", "/v1/frames?direction=in&message=3")
    await world.call("PATCH", "/v1/faults", {"mute": False})
    client.send("8|1|1")
    assert (await client.until("9"))[0] == "9"


async def test_too_many_messages_get_100_and_the_third_time_a_closed_connection(
    world: World,
) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"max_rate": 5})
    for _ in range(18):
        client.send("14|1|1")
    await client.error(100)
    await client.error(100)
    await client.error(100)
    await client.end()


async def test_silent_requests_get_no_answer(world: World) -> None:
    await world.login()
    client = await world.tws()
    await world.call("PATCH", "/v1/faults", {"silent_requests": [7]})
    client.send("7|3|1|0|||||||")
    client.send("8|1|1")
    assert (await client.next())[0] == "9"


async def test_next_ids_can_be_rolled_back(world: World) -> None:
    await world.login()
    client = await world.tws()
    client.order(40)
    await client.until("59")
    await world.call(
        "PATCH", "/v1/next-ids", {"account": "DU1234567", "client_id": 17, "value": 38}
    )
    client.send("8|1|1")
    assert (await client.until("9"))[2] == "38"


async def test_prices_hours_and_accounts_are_set(world: World) -> None:
    await world.login()
    client = await world.tws()
    client.send("1|11|5|265598||||||||||||0||1|0|")
    assert (await client.until("1", "6", "5", "4"))[4] == "190"
    await client.until("57")
    assert (await world.call("PATCH", "/v1/prices", {"AAPL": "201.5"}))["AAPL"] == "201.5"
    clock = await world.call("PATCH", "/v1/clock", {"hours": "closed"})
    assert clock["open"] is False
    body = {"cash": {"USD": "5"}, "positions": {"AAPL": {"quantity": "3", "average_cost": "2"}}}
    shown = await world.call("PATCH", "/v1/accounts/DU1234567", body)
    assert shown["cash"] == {"USD": "5"}
    client.send("61|1")
    held = await client.until("61")
    assert (held[4], held[14], held[15]) == ("AAPL", "3", "2")


async def test_the_clock_moves_what_currenttime_says(world: World) -> None:
    await world.login()
    client = await world.tws()
    before = (await world.call("GET", "/healthz"))["now"]
    await world.call("PATCH", "/v1/clock", {"offset_seconds": 86400})
    after = (await world.call("GET", "/healthz"))["now"]
    assert after[:10] > before[:10]
    client.send("49|1")
    told = int((await client.until("49"))[2])
    assert told - asyncio.get_running_loop().time() > 0


async def test_events_can_be_waited_for(world: World) -> None:
    waiting = asyncio.create_task(world.call("GET", "/v1/events?after=0&wait=20"))
    await world.gateway("g7")
    (event, *_) = await waiting
    assert (event["seq"], event["kind"], event["gateway"]) == (1, "gateway_connected", "g7")
    assert await world.call("GET", "/v1/events?after=1000&wait=0") == []


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/v1/pushes/latest/approve", None, 409),
        ("POST", "/v1/pushes/7/approve", None, 404),
        ("POST", "/v1/users/nobody/kick", None, 404),
        ("POST", "/v1/users/paperuser/kick", {"style": "odd"}, 409),
        ("POST", "/v1/users/paperuser/odd", None, 404),
        ("PATCH", "/v1/faults", {"odd": 1}, 409),
        ("PATCH", "/v1/login-rules", {"odd": 1}, 409),
        ("PATCH", "/v1/prices", {"NONE": 1}, 404),
        ("PATCH", "/v1/prices", {"AAPL": "dear"}, 400),
        ("POST", "/v1/orders/5/fill", None, 404),
        ("PATCH", "/v1/accounts/U1", {}, 404),
        ("POST", "/v1/connectivity", {}, 400),
        ("PUT", "/v1/users/new", {"password": "x"}, 400),
    ],
)
async def test_the_control_api_says_what_it_cannot_do(
    world: World, method: str, path: str, body: Any, status: int
) -> None:
    assert await world.status(method, path, body) == status


async def test_a_new_user_logs_in_without_second_factor(world: World) -> None:
    body = {"password": "pw", "account": "U7654321", "modes": ["live"], "two_factor": False}
    await world.call("PUT", "/v1/users/liveuser", body)
    await world.gateway()
    await world.ask(user="liveuser", password="pw", mode="paper")
    await world.message("rejected")
    await world.ask(user="liveuser", password="pw", mode="live")
    assert (await world.message("logged_in"))["account"] == "U7654321"


async def test_an_unknown_session_gets_no_connection(world: World) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", world.ibkr.broker_port)
    writer.write(b'{"session": "made up"}\n')
    assert await asyncio.wait_for(reader.read(), PATIENCE) == b""
    writer.close()
