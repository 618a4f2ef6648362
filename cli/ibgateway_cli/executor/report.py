"""The executor's own view of the gate, and what is on its way: what `status` shows of it."""

import httpx
from pydantic import ValidationError

from ibgateway_api import names
from ibgateway_api.reports import ExecutorReport
from ibgateway_cli.app import Plugin
from ibgateway_cli.errors import ExitCode, PluginError
from ibgateway_cli.executor.problems import LOOK
from ibgateway_cli.kube.loopback import direct, token_of


def executor_report(plugin: Plugin, gateway: str) -> ExecutorReport:
    """What the executor of a gateway answers to the agents' token, asked once. Raises PluginError."""
    children = names.child_names(gateway)
    token = token_of(children.agent_token, plugin.cluster.secret(children.agent_token))
    headers = {"Authorization": f"Bearer {token}"}
    with (
        plugin.cluster.forward(f"svc/{children.intake}", names.PORT_EXECUTOR) as url,
        httpx.Client(transport=direct(plugin.transport), timeout=10) as client,
    ):
        try:
            answer = client.get(f"{url}/v1/gate", headers=headers).raise_for_status()
            return ExecutorReport.model_validate_json(answer.content)
        except (httpx.HTTPError, ValidationError) as error:
            raise PluginError(
                f"the executor of {gateway} does not answer: {type(error).__name__}",
                LOOK,
                ExitCode.UNREACHABLE,
            ) from error
