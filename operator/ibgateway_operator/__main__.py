"""`python -m ibgateway_operator`: reads the settings, connects, and runs until it is told to stop."""

import asyncio
import logging
import os
import sys
import time
from asyncio.sslproto import SSLProtocol
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any, Final

import kopf
from aiohttp import web

import ibgateway_pod
from ibgateway_api.names import OPERATOR_AGENT, Key
from ibgateway_operator.act.leadership import Leadership
from ibgateway_operator.app import App, build
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.handlers import Handlers, IndexedBodies, kopf_settings
from ibgateway_operator.kube.bodies import PackedBodies
from ibgateway_operator.kube.client import KubernetesApi, connect
from ibgateway_operator.kube.informer import ChildInformer, parts
from ibgateway_operator.kube.namespaces import refused, until_one_may_be_read
from ibgateway_operator.kube.watch_client import KubernetesWatchServer
from ibgateway_operator.metrics import OperatorMetrics
from ibgateway_operator.settings import OperatorSettings, from_environment
from ibgateway_runtime import log
from ibgateway_runtime.clock import system_clock
from ibgateway_runtime.errors import SettingsError
from ibgateway_runtime.garbage import keep_short
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_runtime.http_server import served
from ibgateway_runtime.metrics import metrics_route
from ibgateway_runtime.notifications.courier import Courier

logger = logging.getLogger("ibgateway_operator")


TLS_BUFFER: Final = 64 << 10
"""Bytes of asyncio's read buffer for a TLS connection. Its own choice of 256 KiB is touched whole at once, which
for 48 requests in flight and ten watches is 14 MiB; a TLS record has 16 KiB at most."""


def scripts() -> Scripts:
    """The gateway pod's shell scripts, from the package beside the agent."""
    return Scripts(
        wrapper=ibgateway_pod.script(ibgateway_pod.WRAPPER),
        prestop=ibgateway_pod.script(ibgateway_pod.PRESTOP),
        ibc=ibgateway_pod.script(ibgateway_pod.START_SCRIPT),
    )


class Program:
    """One run of the operator: what it opens, it closes."""

    def __init__(self, settings: OperatorSettings) -> None:
        self.settings = settings
        self._end = asyncio.Event()
        """Set where the process has to begin anew."""
        self._stack = AsyncExitStack()

    async def build(self, gateways: PackedBodies) -> tuple[App, ChildInformer]:
        """Connect to the API server and put the parts together."""
        api, watches = await connect(), await connect(connections=0)
        self._stack.push_async_callback(api.close)
        self._stack.push_async_callback(watches.close)
        session = await self._stack.enter_async_context(client_session(OPERATOR_AGENT))
        courier = Courier()
        self._stack.push_async_callback(courier.close)
        clock, settings = system_clock(), self.settings
        lease = Key(settings.own_namespace, settings.lease)
        # With connections that nothing else can take: a Lease that waits for one is lost.
        leadership = Leadership(KubernetesApi(watches), clock, lease, settings.instance)
        informer = ChildInformer(
            KubernetesWatchServer(watches), parts(settings.watch_namespaces), lost=self._end.set
        )
        metrics = OperatorMetrics()
        app = build(
            settings,
            scripts(),
            api_server=KubernetesApi(api, may_write=leadership.holds, answered=metrics.request),
            http=HttpClient(session),
            clock=clock,
            informer=IndexedBodies(gateways, informer.bodies, informer.programs),
            leadership=leadership,
            courier=courier,
            metrics=metrics,
        )
        await self._serve_metrics(app)
        return app, informer

    async def _serve_metrics(self, app: App) -> None:
        if not self.settings.metrics_port:
            return

        site = web.Application()
        registry = app.queues.metrics.registry
        site.add_routes([metrics_route(registry, app.before_scrape, aside=True)])
        await self._stack.enter_async_context(
            served(site, bind=None, port=self.settings.metrics_port)
        )

    async def close(self) -> None:
        """Close what was opened."""
        await self._stack.aclose()

    async def run(self) -> None:
        """Run until kopf ends: at SIGTERM, when a watch is lost for good, or to begin anew."""
        async with AsyncExitStack() as stack:
            await self._leave_out(stack)
            await self._operate()

    async def _leave_out(self, stack: AsyncExitStack) -> None:
        """Serve the namespaces that may be read; begin anew once another one may be."""
        api = await stack.enter_async_context(await connect(connections=1))
        server, wanted = KubernetesWatchServer(api), self.settings.watch_namespaces
        left = await refused(server, wanted)
        served = tuple(place for place in wanted if place not in left)
        if not left or not served:
            return
        for place, words in left.items():
            logger.error("namespace %s is not served until it may be read: %s", place, words)
        self.settings = replace(self.settings, watch_namespaces=served)
        waiting = asyncio.create_task(until_one_may_be_read(server, left))
        waiting.add_done_callback(lambda _: self._end.set())
        stack.callback(waiting.cancel)

    async def _operate(self) -> None:
        registry = kopf.OperatorRegistry()
        Handlers(self.build, self.close).register(registry)
        port = self.settings.liveness_port
        # Else kopf asks for the user's name, and a container's user has none.
        identity: Any = self.settings.instance
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(),
            identity=identity,
            stop_flag=self._end,
            standalone=True,
            clusterwide=not self.settings.watch_namespaces,
            namespaces=self.settings.watch_namespaces,
            liveness_endpoint=f"http://0.0.0.0:{port}/healthz" if port else None,
        )


def main() -> int:
    """The exit code: 2 where the settings are wrong."""
    try:
        settings = from_environment(os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    log.configure(settings.log_level, quiet=["kopf"])
    where = ", ".join(settings.watch_namespaces) or "all namespaces"
    logger.info("serving IBGateways in %s", where)
    SSLProtocol.max_size = TLS_BUFFER
    keep_short(time.monotonic)
    asyncio.run(Program(settings).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
