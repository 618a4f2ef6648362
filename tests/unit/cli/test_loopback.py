"""The way to what is forwarded: never by a proxy, and a token is in no error."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from ibgateway.client import ExecutorClient, RetryLimit, UnansweredError
from ibgateway_cli.app import Plugin
from ibgateway_cli.doctor.check import CheckState, CheckSubject
from ibgateway_cli.doctor.running import reachability
from ibgateway_cli.errors import PluginError
from ibgateway_cli.executor.connection import connected
from ibgateway_cli.executor.report import executor_report
from ibgateway_cli.kube.cluster import Cluster
from ibgateway_cli.kube.loopback import direct, token_of
from ibgateway_cli.status.overview import facts_of
from ibgateway_cli.terminal.terminal import this_terminal
from plugin_fakes import FakeKubectl, PluginWorld, gateway_object

GATE = b'{"open": true, "unacknowledged": 0, "openOrders": 0, "inDoubt": 0}'


class RecordingServer:
    """Answers whatever it is asked, and keeps the request lines."""

    def __init__(self, answer: bytes) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[RecordingServer, RecordingServer]]:
    """What is forwarded, and a proxy that the environment names."""
    there, proxy = RecordingServer(GATE), RecordingServer(b"{}")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)

    @contextmanager
    def forward(*_: object) -> Iterator[str]:
        yield there.url

    monkeypatch.setattr(Cluster, "forward", forward)
    yield there, proxy
    for server in (there, proxy):
        server.http.shutdown()
        server.http.server_close()


def plugin() -> Plugin:
    kubectl: FakeKubectl = PluginWorld().kubectl
    return Plugin(Cluster(run=kubectl), this_terminal())


def test_a_proxy_of_the_environment_gets_no_token(
    servers: tuple[RecordingServer, RecordingServer],
) -> None:
    there, proxy = servers
    assert executor_report(plugin(), "paper").open
    with connected(plugin(), "paper") as (_, connection), pytest.raises(UnansweredError):
        connection.once(lambda client: client.paused())
    gateway = gateway_object()
    found, _, _ = reachability(CheckSubject(plugin(), facts_of(gateway), gateway))
    assert found is CheckState.FINE
    assert there.asked[:2] == ["/v1/gate", "/v1/pause"]
    assert proxy.asked == []


@pytest.mark.parametrize("token", [b"", b" \n", b"geheim canary-55", b"geheim\ncanary-55", b"\xff"])
def test_a_token_that_no_header_can_have_is_refused_and_not_shown(token: bytes) -> None:
    with pytest.raises(PluginError) as raised:
        token_of("paper-executor-token", {"token": token})
    assert "canary" not in f"{raised.value.sentence} {raised.value.next_step}"
    assert "paper-executor-token" in raised.value.sentence


def test_a_line_end_behind_a_token_is_none_of_it() -> None:
    assert token_of("s", {"token": b"canary-55\n"}) == "canary-55"


def test_the_client_shows_no_token_that_it_cannot_send(
    servers: tuple[RecordingServer, RecordingServer],
) -> None:
    client = ExecutorClient(
        servers[0].url,
        token="geheim-canary-55\n",
        retries=RetryLimit(attempts=1),
        transport=direct(None),
    )
    with client, pytest.raises(UnansweredError) as raised:
        client.paused()
    assert str(raised.value) == httpx.LocalProtocolError.__name__
