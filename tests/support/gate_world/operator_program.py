"""`python -m gate_world.operator_program SENTINEL_PORT EXECUTOR_PORT TOKEN CALENDAR`: an operator and its API server.

The operator's own parts with its own client, and `PlainApiServer` in the same process. One line a readiness gate that
is stored: monotonic seconds, pod, status, reason. A pod of somebody else's follows the gate beside the executor's. Its log is on standard error. Ends with standard input.
"""

import asyncio
import base64
import json
import logging
import sys
from typing import Final

from kubernetes.aio import client

from gate_world import PROGRAM
from gate_world.plain_api_server import PlainApiServer
from ibgateway_api.names import PORT_EXECUTOR, PORT_SENTINEL, Key
from ibgateway_api.week import Calendar
from ibgateway_operator.act.leadership import Leadership
from ibgateway_operator.app import App, build
from ibgateway_operator.kube.bodies import itself, named_by_label
from ibgateway_operator.kube.client import KubernetesApi
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.model.kinds import GATEWAY
from ibgateway_operator.settings import OperatorSettings
from ibgateway_runtime.clock import system_clock
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_runtime.notifications.courier import Courier
from operator_fakes import (
    IMAGES,
    SCRIPTS,
    FakeApiServer,
    WatchEvent,
    foreign_pod,
    ibgateway_body,
    pod,
)

KEY: Final = Key("trading", "paper")
NOBODY: Final = "http://127.0.0.1:9"


class WatchedApp:
    """What the watches show goes where the handlers bring it."""

    def __init__(self) -> None:
        self.app: App | None = None

    def shown(self, event: WatchEvent) -> None:
        """As `Handlers`."""
        app, body = self.app, event.body
        if app is None:
            return
        if event.of_program:
            app.queues.fast.add(named_by_label(body))
            return
        if event.type == "DELETED":
            app.gone(body)
        elif not app.shown(body):
            return
        if event.kind == GATEWAY.kind:
            app.add(itself(body))
        else:
            app.queues.child_changed(body)


def tell(at: float, name: str, status: str, reason: str) -> None:
    """One line."""
    sys.stdout.write(f"{at} {name} {status} {reason}\n")
    sys.stdout.flush()


async def listed() -> None:
    """Everything is known from the start."""


def secret(stored: FakeApiServer, name: str, **values: str) -> None:
    """A Secret as somebody wrote it."""
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    meta = {"namespace": KEY.namespace, "name": name}
    stored.put({"apiVersion": "v1", "kind": "Secret", "metadata": meta, "data": data})


async def operate(sentinel: int, executor: int, token: str, calendar: Calendar) -> None:
    """Until standard input ends."""
    ports = {PORT_SENTINEL: sentinel, PORT_EXECUTOR: executor}
    watched = WatchedApp()
    stored = FakeApiServer(on_event=watched.shown)
    port = await PlainApiServer(stored, tell).serve()
    configuration = client.Configuration(host=f"http://127.0.0.1:{port}")
    configuration.retries = False
    settings = OperatorSettings(images=IMAGES, calendar=calendar, watch_namespaces=(KEY.namespace,))
    async with client.ApiClient(configuration) as api, client_session() as session:
        server, clock = KubernetesApi(api), system_clock()
        watched.app = app = build(
            settings,
            SCRIPTS,
            api_server=server,
            http=HttpClient(session),
            courier=Courier(),
            clock=clock,
            informer=stored.informer,
            metrics=OperatorMetrics(),
            leadership=Leadership(server, clock, Key("default", "lease"), "one"),
            address_of=lambda _, port: (
                f"http://127.0.0.1:{ports[port]}" if port in ports else NOBODY
            ),
        )
        secret(stored, "ib-credentials", IB_USERNAME="paperuser", IB_PASSWORD="paperpassword")
        secret(stored, "paper-agent-token", token=token)
        app.start(listed)
        stored.put(ibgateway_body())
        while not stored.has("Deployment", "paper-executor"):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.05)
        for component in ("gateway", "executor"):
            stored.put(pod(component))
        stored.put(foreign_pod(PROGRAM))
        await asyncio.to_thread(sys.stdin.read)
        await app.stop()


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    sentinel_port, executor_port, agent_token, times = sys.argv[1:]
    asyncio.run(
        operate(
            int(sentinel_port),
            int(executor_port),
            agent_token,
            Calendar.model_validate(json.loads(times)),
        )
    )
