"""The plugin through the real kubectl, with a kubeconfig of two contexts, each with an API server of its own on loopback."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final

import pytest

from ibgateway_charts.generated import REPOSITORY
from ibgateway_charts.rendering import cluster_program
from plugin_fakes import gateway_object
from plugin_fakes.at_terminal import at_terminal
from plugin_fakes.objects import login_status

Json = dict[str, Any]
GROUP: Final = "ibgateway.dev/v1alpha1"
RESOURCE: Final = {
    "name": "ibgateways",
    "singularName": "ibgateway",
    "namespaced": True,
    "kind": "IBGateway",
    "verbs": ["get", "list", "patch"],
}
DISCOVERY: Final[dict[str, Json]] = {
    "/api": {"kind": "APIVersions", "versions": ["v1"]},
    "/api/v1": {"kind": "APIResourceList", "groupVersion": "v1", "resources": []},
    "/apis": {
        "kind": "APIGroupList",
        "apiVersion": "v1",
        "groups": [
            {
                "name": "ibgateway.dev",
                "versions": [{"groupVersion": GROUP, "version": "v1alpha1"}],
                "preferredVersion": {"groupVersion": GROUP, "version": "v1alpha1"},
            }
        ],
    },
    f"/apis/{GROUP}": {
        "kind": "APIResourceList",
        "apiVersion": "v1",
        "groupVersion": GROUP,
        "resources": [RESOURCE],
    },
}


class LoopbackApiServer:
    """Has the gateway `paper` in one namespace, and stops it once it is suspended; `patched` are the namespaces it was asked in."""

    def __init__(self, namespace: str) -> None:
        self.gateway = gateway_object(executor={"enabled": False})
        self.gateway["metadata"]["namespace"] = namespace
        self.paths = f"/apis/{GROUP}/namespaces/{namespace}/ibgateways"
        self.patched: list[Json] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        threading.Thread(target=self.http.serve_forever, args=(0.01,), daemon=True).start()

    def answer(self, path: str) -> Json | None:
        """The document at a path."""
        if path == f"{self.paths}/paper":
            return self.gateway
        if path == self.paths:
            return {"kind": "IBGatewayList", "apiVersion": GROUP, "items": [self.gateway]}
        return DISCOVERY.get(path)

    def patch(self, document: Json) -> None:
        """Suspended at once."""
        self.patched.append(document)
        status = login_status("Stopped", "the gateway is suspended")
        self.gateway = {**self.gateway, "status": status}
        self.gateway["spec"] = {**self.gateway["spec"], **document["spec"]}

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._send(server.answer(self.path.partition("?")[0]))

            def do_PATCH(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.path.startswith(f"{server.paths}/paper"):
                    server.patch(json.loads(body))
                self._send(server.answer(self.path.partition("?")[0]))

            def _send(self, found: Json | None) -> None:
                missing: Json = {"kind": "Status", "apiVersion": "v1", "status": "Failure"}
                missing |= {"reason": "NotFound", "message": "not found", "code": 404}
                content = json.dumps(found or missing).encode()
                self.send_response(200 if found else 404)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler


class TwoContexts:
    """`here` is current, `there` is production; both have a gateway `paper`."""

    def __init__(self, folder: Path) -> None:
        self.here, self.there = LoopbackApiServer("trading"), LoopbackApiServer("live")
        self.folder = folder
        file = folder / "kubeconfig"
        servers = {"here": self.here, "there": self.there}
        file.write_text(json.dumps(kubeconfig(servers)))
        program = folder / "kubectl-ibgateway"
        rooms = ":".join(str(REPOSITORY / room) for room in ("api", "client", "cli"))
        program.write_text(
            f'#!/bin/sh\nPYTHONPATH={rooms} exec {sys.executable} -m ibgateway_cli "$@"\n'
        )
        program.chmod(0o755)
        kubectl = Path(cluster_program("kubectl")).parent
        path = f"{folder}:{kubectl}:/usr/bin:/bin"
        self.env = {"PATH": path, "KUBECONFIG": str(file), "HOME": str(folder), "TERM": "dumb"}

    def switch(self, context: str) -> None:
        """As another terminal does."""
        words = ["kubectl", "config", "use-context", context]
        subprocess.run(words, env=self.env, check=True, capture_output=True, timeout=60)


def kubeconfig(servers: dict[str, LoopbackApiServer]) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {"name": name, "cluster": {"server": server.url}} for name, server in servers.items()
        ],
        "users": [{"name": "person", "user": {"token": "kube-token-canary-7"}}],
        "contexts": [
            {
                "name": name,
                "context": {
                    "cluster": name,
                    "user": "person",
                    "namespace": server.gateway["metadata"]["namespace"],
                },
            }
            for name, server in servers.items()
        ],
        "current-context": "here",
    }


@pytest.fixture
def contexts(tmp_path: Path) -> Iterator[TwoContexts]:
    made = TwoContexts(tmp_path)
    yield made
    made.here.close()
    made.there.close()


def test_a_yes_is_for_the_context_that_was_asked_about(contexts: TwoContexts) -> None:
    call = ["kubectl", "ibgateway", "suspend", "-o", "json"]
    with at_terminal(call, env=contexts.env, folder=contexts.folder) as terminal:
        terminal.until("Go on? [y/N]")
        contexts.switch("there")
        terminal.types("y\n")
        answer = json.loads(terminal.answer())
        assert terminal.process.wait(60) == 0
    assert (answer["namespace"], answer["state"]) == ("trading", "Stopped")
    assert (contexts.here.patched, contexts.there.patched) == ([{"spec": {"suspend": True}}], [])
    assert "canary" not in terminal.shown


def test_a_context_that_is_named_is_asked_whatever_is_current(contexts: TwoContexts) -> None:
    call = ["kubectl", "ibgateway", "suspend", "--context=there", "--yes", "-o", "json"]
    done = subprocess.run(
        call, env=contexts.env, capture_output=True, text=True, timeout=120, check=True
    )
    assert json.loads(done.stdout)["namespace"] == "live"
    assert (contexts.here.patched, contexts.there.patched) == ([], [{"spec": {"suspend": True}}])
