"""The executor of a gateway, reached by port-forward with the token of its Secret; its errors as the plugin's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx
from pydantic import ValidationError

from ibgateway.client import (
    ClientError,
    ConflictError,
    ExecutorClient,
    LimitError,
    NotFoundError,
    ProblemError,
    RefusedError,
    RetryLimit,
    TokenError,
)
from ibgateway_api import names
from ibgateway_api.reports import ExecutorReport
from ibgateway_cli.cluster import Cluster
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.loopback import direct, token_of

_DOCTOR: Final = "kubectl ibgateway doctor looks at what is in the way"
_CODES: Final[dict[type[ProblemError], ExitCode]] = {
    TokenError: ExitCode.NOT_ALLOWED,
    NotFoundError: ExitCode.NOT_FOUND,
    ConflictError: ExitCode.REFUSED,
    RefusedError: ExitCode.REFUSED,
    LimitError: ExitCode.REFUSED,
}


@dataclass(frozen=True)
class ExecutorAccess:
    """The way to one gateway's executor; `transport` is a test's way to what is forwarded."""

    cluster: Cluster
    gateway: str
    transport: httpx.BaseTransport | None = None

    @contextmanager
    def client(self) -> Iterator[ExecutorClient]:
        """A client of its API, at any time: orders are stored. A ClientError inside is raised as a PluginError."""
        children = names.child_names(self.gateway)
        token = self._token(children.executor_token)
        with (
            self._forwarded() as url,
            ExecutorClient(
                url, token=token, retries=RetryLimit(attempts=3), transport=direct(self.transport)
            ) as client,
        ):
            try:
                yield client
            except ClientError as error:
                raise client_failure(error) from error

    def report(self) -> ExecutorReport:
        """Its own view of the gate, and what is on its way. Raises PluginError."""
        token = self._token(names.child_names(self.gateway).agent_token)
        headers = {"Authorization": f"Bearer {token}"}
        with (
            self._forwarded() as url,
            httpx.Client(transport=direct(self.transport), timeout=10) as client,
        ):
            try:
                answer = client.get(f"{url}/v1/gate", headers=headers).raise_for_status()
                return ExecutorReport.model_validate_json(answer.content)
            except (httpx.HTTPError, ValidationError) as error:
                raise PluginError(
                    f"the executor of {self.gateway} does not answer: {type(error).__name__}",
                    _DOCTOR,
                    ExitCode.UNREACHABLE,
                ) from error

    @contextmanager
    def _forwarded(self) -> Iterator[str]:
        service = names.child_names(self.gateway).intake
        with self.cluster.forward(f"svc/{service}", names.PORT_EXECUTOR) as url:
            yield url

    def _token(self, secret: str) -> str:
        return token_of(secret, self.cluster.secret(secret))


def client_failure(error: ClientError) -> PluginError:
    """What the executor, or nobody, answered."""
    if not isinstance(error, ProblemError):
        return PluginError(
            f"the executor has not answered: {error}",
            "what was asked may have happened: look with kubectl ibgateway orders",
            ExitCode.UNANSWERED,
        )
    code = _CODES.get(type(error), ExitCode.UNREACHABLE)
    said = error.problem.title or "the executor says no"
    sentence = f"{said.removesuffix('.')} ({error.code or error.status})"
    return PluginError(sentence, error.problem.detail.rstrip("."), code)
