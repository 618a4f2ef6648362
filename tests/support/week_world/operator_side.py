"""The real operator on an API server in memory, its gateway's pods, and how its programs reach each other."""

import json
from typing import Final, Protocol

from ibgateway_agent.errors import HandoverRefusedError, StopRefusedError
from ibgateway_agent.sentinel.permits.records import RequestKind
from ibgateway_api.gate_documents import DrainRequest
from ibgateway_api.reports import ExecutorReport
from ibgateway_api.requests import HandoverRequest
from ibgateway_api.spec import WeeklyRestartSpec
from ibgateway_api.week import RestartTime
from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from ibgateway_runtime.http_client import Endpoint
from operator_fakes import FakeHttpClient, OperatorWorld
from week_world.gateway_pod import GatewayPod

_KINDS: Final = {"/v1/restarts": RequestKind.RESTART, "/v1/login-requests": RequestKind.LOGIN}


def chosen_restart(operator: OperatorWorld) -> RestartTime:
    """What the spec says of the week's restart."""
    spec = operator.stored()["spec"].get("weeklyRestart") or {}
    return WeeklyRestartSpec.model_validate(spec).as_restart_time()


class ExecutorAnswers(Protocol):
    """What the operator asks of an executor."""

    def state(self) -> ExecutorReport:
        """Its gate, and whether it has drained."""


class PathsInMemory(FakeHttpClient):
    """Requests go straight to the sentinel and the executor of the world."""

    def __init__(self, pod: GatewayPod, executor: ExecutorAnswers) -> None:
        super().__init__()
        self._pod, self._executor = pod, executor

    async def get(self, endpoint: Endpoint, path: str) -> bytes:
        if path == "/v1/gate":
            return self._executor.state().to_json().encode()
        if path == "/network-policy":
            return b'{"enforced": true}'
        raise EndpointUnavailableError(path)

    async def post(self, endpoint: Endpoint, path: str, body: str) -> bytes:
        if self._pod.sentinel is None:
            raise EndpointUnavailableError(path)
        try:
            if path == "/v1/drains":
                asked = DrainRequest.model_validate_json(body)
                return self._pod.sentinel.request_drain(asked).to_json().encode()
            if path == "/v1/handovers":
                self._pod.sentinel.hand_over(HandoverRequest.model_validate_json(body))
            else:
                self._pod.sentinel.accept(_KINDS[path], json.loads(body)["id"])
        except (HandoverRefusedError, StopRefusedError) as error:
            raise EndpointRefusedError(str(error)) from error
        except OSError as error:
            raise EndpointUnavailableError(str(error)) from error
        return b""
