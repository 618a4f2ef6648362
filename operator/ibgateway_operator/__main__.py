"""`python -m ibgateway_operator`: reads the settings, connects, and runs until it is told to stop."""

import asyncio
import logging
import os
import sys
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import kopf
from aiohttp import web

import ibgateway_pod
from ibgateway_operator.app import App, Outside, build
from ibgateway_operator.clock import system_clock
from ibgateway_operator.desired.input import Scripts
from ibgateway_operator.handlers import Handlers, IndexedBodies, kopf_settings
from ibgateway_operator.kube.client import KubernetesApi, connect
from ibgateway_operator.observe.http import HttpClient
from ibgateway_operator.settings import OperatorSettings, SettingsError, from_environment

logger = logging.getLogger("ibgateway_operator")


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
        self._stack = AsyncExitStack()

    async def build(self, bodies: IndexedBodies) -> App:
        """Connect to the API server and put the parts together."""
        api = await connect()
        self._stack.push_async_callback(api.close)
        session = await self._stack.enter_async_context(aiohttp.ClientSession())
        outside = Outside(KubernetesApi(api), HttpClient(session), system_clock())
        app = build(self.settings, scripts(), outside, bodies)
        await self._serve_metrics(app)
        return app

    async def _serve_metrics(self, app: App) -> None:
        if not self.settings.metrics_port:
            return

        async def metrics(_: web.Request) -> web.Response:
            return web.Response(body=app.exposition(), content_type="text/plain")

        site = web.Application()
        site.add_routes([web.get("/metrics", metrics)])
        runner = web.AppRunner(site, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, port=self.settings.metrics_port).start()
        self._stack.push_async_callback(runner.cleanup)

    async def close(self) -> None:
        """Close what was opened."""
        await self._stack.aclose()

    async def run(self) -> None:
        """Run until kopf ends: at SIGTERM, or when a watch is lost for good."""
        registry = kopf.OperatorRegistry()
        Handlers(self.build, self.close).register(registry)
        port = self.settings.liveness_port
        # Else kopf asks for the user's name, and a container's user has none.
        identity: Any = self.settings.instance
        await kopf.operator(
            registry=registry,
            settings=kopf_settings(),
            identity=identity,
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
    kopf.configure(log_prefix=False)
    logging.getLogger().setLevel(settings.log_level)
    for chatty in ("kopf", "aiohttp.access"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    where = ", ".join(settings.watch_namespaces) or "all namespaces"
    logger.info("serving IBGateways in %s", where)
    asyncio.run(Program(settings).run())
    return 0


if __name__ == "__main__":
    sys.exit(main())
