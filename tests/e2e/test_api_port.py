"""The Service of the API port has an address exactly while an order would reach the market, and programs are waited for."""

import base64
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from ibgateway_api.gate_documents import GateReport
from ibgateway_stage.calendar import calendar
from ibgateway_stage.forward import forward
from ibgateway_stage.ibkr import Ibkr
from ibgateway_stage.stage import Json, Stage
from ibgateway_stage.waiting import stays, until

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

ALONE: Json = {"executor": {"enabled": False}, "novnc": {"enabled": False}}


class ProgramOnCluster:
    """It asks the sentinel through a port-forward, and listens to it while stops are to wait for it."""

    def __init__(self, stage: Stage, address: str) -> None:
        self._address = address
        self._bearer = {name: token_of(stage, name) for name in ("gate", "agent")}
        self._ends = threading.Event()
        self._listens = threading.Thread(target=self._run)

    def word(self) -> GateReport:
        """What the sentinel says now."""
        answer = self._call("gate", "GET", "/v1/gate")
        return GateReport.model_validate_json(answer.raise_for_status().text)

    def press(self, action: str) -> None:
        """A button of the console."""
        body = {"id": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {action}", "action": action}
        assert self._call("agent", "POST", "/v1/console-requests", json=body).status_code == 202

    def answers(self, drain: str) -> int:
        """It has drained."""
        body = {"program": "bot", "drain": drain}
        return self._call("gate", "POST", "/v1/gate/drained", json=body).status_code

    @contextlib.contextmanager
    def present(self) -> Iterator[None]:
        """It listens, so that stops wait for it."""
        self._listens.start()
        try:
            yield
        finally:
            self._ends.set()
            self._listens.join()

    def _run(self) -> None:
        headers = {**self._bearer["gate"], "Accept": "text/event-stream"}
        url = f"http://{self._address}/v1/gate?program=bot"
        with (
            contextlib.suppress(httpx.TransportError),
            httpx.stream("GET", url, headers=headers, timeout=10) as stream,
        ):
            for _ in stream.iter_lines():
                if self._ends.is_set():
                    return

    def _call(self, token: str, method: str, path: str, **more: Any) -> httpx.Response:
        url = f"http://{self._address}{path}"
        return httpx.request(method, url, headers=self._bearer[token], timeout=10, **more)


def token_of(stage: Stage, name: str) -> Json:
    secret = stage.read("secret", f"{stage.gateway}-{name}-token") or {}
    value = base64.b64decode(secret["data"]["token"]).decode()
    return {"Authorization": f"Bearer {value}"}


@pytest.fixture(scope="module")
def program(stage: Stage, ibkr: Ibkr, long_ago: Json) -> Iterator[ProgramOnCluster]:
    """A gateway without an executor, whose push waits, and a program that asks its sentinel."""
    stage.write_credentials()
    stage.install_operator(long_ago)
    stage.install_gateway(ALONE)
    until("a push waits", ibkr.waiting, seconds=240)
    with forward(stage.cluster, stage.namespace, "pod/paper-gateway-0", 8090) as address:
        yield ProgramOnCluster(stage, address)


def addresses(stage: Stage) -> list[str]:
    """Where a program that connects to the API port is sent to now."""
    selector = "kubernetes.io/service-name=paper-gateway"
    slices = json.loads(stage.kubectl("get", "endpointslices", f"-l={selector}", "-o=json"))
    return [
        address
        for one in slices["items"]
        for endpoint in one["endpoints"] or []
        if endpoint["conditions"]["ready"]
        for address in endpoint["addresses"]
    ]


def closed_for(stage: Stage, program: ProgramOnCluster, reason: str) -> None:
    until(f"closed: {reason}", lambda: program.word().reason == reason, seconds=60)
    until("no address is left", lambda: not addresses(stage), seconds=60)


def opened(stage: Stage, program: ProgramOnCluster) -> None:
    until("open", lambda: program.word().open, seconds=60)
    until("there is an address", lambda: addresses(stage), seconds=60)


def test_there_is_no_address_while_the_push_waits(stage: Stage, program: ProgramOnCluster) -> None:
    closed_for(stage, program, "AwaitingApproval")
    assert not stage.ready("gateway")


def test_an_approval_opens_the_port(stage: Stage, ibkr: Ibkr, program: ProgramOnCluster) -> None:
    ibkr.approve()
    opened(stage, program)
    assert stage.ready("gateway")
    stop = program.word().next_stop
    assert stop is not None
    assert stop.at > datetime.now(UTC)


def test_a_pause_at_the_console_closes_it_and_leaves_the_login_alone(
    stage: Stage, program: ProgramOnCluster
) -> None:
    program.press("pause")
    closed_for(stage, program, "Paused")
    stage.wait_for("GatewayLoggedIn", "True")
    program.press("resume")
    opened(stage, program)


@pytest.fixture
def read_only(stage: Stage) -> Iterator[Callable[[bool], None]]:
    def set_to(wanted: bool) -> None:
        stage.install_gateway({**ALONE, "gateway": {"readOnlyApi": wanted}})

    yield set_to
    set_to(False)


def test_a_hold_of_the_operators_closes_it(
    stage: Stage, program: ProgramOnCluster, read_only: Callable[[bool], None]
) -> None:
    read_only(True)
    closed_for(stage, program, "ReadOnlyApi")
    read_only(False)
    opened(stage, program)


def test_the_weeks_window_closes_it(
    stage: Stage, program: ProgramOnCluster, long_ago: Json
) -> None:
    stage.install_operator(calendar(datetime.now(UTC) + timedelta(seconds=30)))
    closed_for(stage, program, "RestartWindow")
    stage.wait_for("GatewayLoggedIn", "True")
    stage.install_operator(long_ago)
    opened(stage, program)


def test_a_suspend_waits_for_the_program_also_without_an_executor(
    stage: Stage, program: ProgramOnCluster
) -> None:
    with program.present():
        stage.install_gateway({**ALONE, "suspend": True})
        drain = until("a drain is asked for", lambda: program.word().drain, seconds=60)
        assert (drain.reason, drain.waiting_for) == ("Suspend", ("bot",))
        stays("it waits", lambda: len(stage.pods("gateway")) == 1, seconds=10)
        assert "deletionTimestamp" not in stage.pods("gateway")[0]["metadata"]
        assert program.answers(drain.id) == 204
        until("the pod goes", lambda: not stage.pods("gateway"), seconds=180)
