"""What the console's two ports serve over HTTP."""

import asyncio
import re
from pathlib import Path

import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestClient, TestServer

from console_world.fake_display import Client
from host_processes import free_port
from ibgateway_agent.console.app import admin_app
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.reachability import PolicyObservation
from ibgateway_agent.console.run import running
from ibgateway_agent.console.settings import from_env
from ibgateway_runtime.errors import SettingsError

PAGE = Path(__file__).parents[3] / "gateway" / "console-page" / "page"


@pytest.mark.parametrize("path", ["/", "/vnc.html", "/vnc.html?autoconnect=1&resize=scale"])
async def test_the_page_is_served_under_the_usual_paths(client: Client, path: str) -> None:
    answer = await client.get(path)
    assert answer.status == 200
    assert answer.content_type == "text/html"
    assert "<title>IB Gateway</title>" in await answer.text()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/page/console.js", "javascript"),
        ("/page/options.js", "javascript"),
        ("/page/console.css", "css"),
        ("/page/icon.svg", "svg+xml"),
        ("/novnc/core/rfb.js", "javascript"),
    ],
)
async def test_scripts_and_styles_have_types_a_browser_accepts(
    client: Client, path: str, kind: str
) -> None:
    answer = await client.get(path)
    # text/javascript or application/javascript, as this machine's table of types has it
    assert (answer.status, answer.content_type.partition("/")[2]) == (200, kind)


@pytest.mark.parametrize("path", ["/", "/page/console.js", "/nothing", "/websockify"])
async def test_every_answer_carries_the_strict_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = headers["Content-Security-Policy"]
    for rule in ("default-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "path",
    [
        "/secret",
        "/page/../secret",
        "/page/%2e%2e/secret",
        "/page/..%2fsecret",
        "/novnc/../secret",
        "/novnc//etc/passwd",
        "/novnc/%2fetc%2fpasswd",
        "/page/",
        "/novnc",
        "//evil.example/",
        "/websockify/x",
        "/healthz",
        "/metrics",
        "/network-policy",
    ],
)
async def test_nothing_else_is_served(client: Client, path: str) -> None:
    status = await raw_status(client, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n")
    assert status in {403, 404}


@pytest.mark.parametrize(
    "host",
    ["Host: evil.example\r\n", "Host: localhost\r\nHost: evil.example\r\n", "Host: \r\n", ""],
)
@pytest.mark.parametrize("path", ["/", "/vnc.html", "/page/console.js", "/websockify", "/x"])
async def test_no_path_is_served_under_a_foreign_host(client: Client, path: str, host: str) -> None:
    assert await raw_status(client, f"GET {path} HTTP/1.1\r\n{host}") in {400, 403}


async def test_an_absolute_request_target_does_not_replace_the_host(client: Client) -> None:
    status = await raw_status(client, "GET http://localhost/ HTTP/1.1\r\nHost: evil.example\r\n")
    assert status == 403


async def raw_status(client: Client, head: str) -> int:
    """The status of a request sent as it stands, past any client's tidying of paths and hosts."""
    reader, writer = await asyncio.open_connection("127.0.0.1", client.port)
    writer.write(f"{head}Connection: close\r\n\r\n".encode())
    line = await reader.readline()
    writer.close()
    return int(line.split()[1])


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
async def test_the_page_only_answers_reads(client: Client, method: str) -> None:
    assert (await client.request(method, "/")).status == 405


async def test_a_plain_get_of_the_bridge_is_a_bad_request(client: Client) -> None:
    answer = await client.get("/websockify", headers={"Origin": f"http://127.0.0.1:{client.port}"})
    assert answer.status == 400


def test_the_page_has_no_inline_script_or_style() -> None:
    html = (PAGE / "vnc.html").read_text()
    assert re.findall(r"<script(?![^>]*\bsrc=)", html) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", html) == []
    assert re.findall(r"https?://", html) == []


async def test_missing_files_are_named_at_the_start() -> None:
    settings = from_env({"CONSOLE_VNC_HOST": "127.0.0.1", "CONSOLE_STATIC": str(PAGE)})
    with pytest.raises(SettingsError, match=r"CONSOLE_STATIC: there is no .*vnc.html"):
        async with running(settings):
            pass


@pytest.mark.parametrize(
    ("known", "body"),
    [
        (PolicyObservation(), {"enforced": None}),
        (PolicyObservation(True), {"enforced": True}),
        (PolicyObservation(False, True), {"enforced": False}),
    ],
)
async def test_the_admin_port_tells_what_is_known_of_policies(
    known: PolicyObservation, body: dict[str, bool | None]
) -> None:
    async with TestClient(TestServer(admin_app(ConsoleMetrics(), lambda: known))) as admin:
        assert await (await admin.get("/network-policy")).json() == body
        assert (await admin.get("/healthz")).status == 200


async def test_the_whole_console_runs_from_its_environment(static: Path) -> None:
    people, admin = free_port(), free_port()
    api = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    settings = from_env(
        {
            "CONSOLE_VNC_HOST": "127.0.0.1",
            "CONSOLE_API_HOST": "127.0.0.1",
            "CONSOLE_API_PORT": str(api.sockets[0].getsockname()[1]),
            "CONSOLE_STATIC": str(static),
            "CONSOLE_BIND": "127.0.0.1",
            "CONSOLE_PORT": str(people),
            "CONSOLE_ADMIN_PORT": str(admin),
        }
    )
    async with api, running(settings), ClientSession() as http:
        assert (await http.get(f"http://127.0.0.1:{people}/")).status == 200
        answer = await http.get(f"http://127.0.0.1:{admin}/network-policy")
        assert await answer.json() == {"enforced": None}
        metrics = await (await http.get(f"http://127.0.0.1:{admin}/metrics")).text()
        assert "ibgateway_console_network_policy_enforced NaN" in metrics
        assert "ibgateway_console_viewers 0.0" in metrics


async def test_the_metrics_of_a_console_tell_no_token(static: Path, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("canary-token")
    people, admin = free_port(), free_port()
    settings = from_env(
        {
            "CONSOLE_VNC_HOST": "127.0.0.1",
            "CONSOLE_AUTH": "token",
            "CONSOLE_TOKEN_FILE": str(tmp_path / "token"),
            "CONSOLE_STATIC": str(static),
            "CONSOLE_BIND": "127.0.0.1",
            "CONSOLE_PORT": str(people),
            "CONSOLE_ADMIN_PORT": str(admin),
        }
    )
    offers = {"Sec-WebSocket-Protocol": "binary, token.canary-wrong", "Host": "canary-host"}
    async with running(settings), ClientSession() as http:
        assert (await http.get(f"http://127.0.0.1:{people}/", headers=offers)).status >= 400
        text = await (await http.get(f"http://127.0.0.1:{admin}/metrics")).text()
    assert 'ibgateway_console_refused_total{check="host"} 1.0' in text
    assert "canary" not in text


async def test_token_mode_does_not_start_without_its_token(static: Path, tmp_path: Path) -> None:
    settings = from_env(
        {
            "CONSOLE_VNC_HOST": "127.0.0.1",
            "CONSOLE_AUTH": "token",
            "CONSOLE_TOKEN_FILE": str(tmp_path / "none"),
            "CONSOLE_STATIC": str(static),
            "CONSOLE_BIND": "127.0.0.1",
        }
    )
    with pytest.raises(SettingsError, match=r"CONSOLE_TOKEN_FILE: .*none is missing or empty"):
        async with running(settings):
            pass
