"""The routes behind the page's buttons: a key for the password, and what is asked for, handed on to the sentinel.

Only the console's own page gets through: Host and Origin are checked, the body must be JSON, and the key comes in a header
that a page of another origin could not send. Where the spec allows no buttons these routes are not there.
"""

import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Final

from aiohttp import ContentTypeError, hdrs, web
from pydantic import ValidationError

from ibgateway_agent.console.errors import SessionEndedError
from ibgateway_agent.console.guard import RequestGuard
from ibgateway_agent.console.guessing import guesser
from ibgateway_agent.console.metrics import ConsoleMetrics
from ibgateway_agent.console.presses import ButtonKeys
from ibgateway_api.document import Document
from ibgateway_api.requests import ConsoleRequest
from ibgateway_runtime.errors import EndpointRefusedError, EndpointUnavailableError
from ibgateway_runtime.http_client import HttpClient, client_session
from ibgateway_runtime.sentinel_client import ask_at_console

KEY_HEADER: Final = "X-Console-Key"
LONGEST_KEY: Final = 64
NOT_STORED: Final = {hdrs.CACHE_CONTROL: "no-store"}
_NO_JSON: Final = (ValidationError, ContentTypeError, TypeError, ValueError, RecursionError)
"""A body that is not what is asked for; brackets without end are a RecursionError."""

logger = logging.getLogger(__name__)
_Handler = Callable[[web.Request], Awaitable[web.Response]]


class KeyRequest(Document):
    """What a person shows for a key; `protocols` as a viewer offers them, with the token in one."""

    password: str
    protocols: tuple[str, ...] = ()


class Buttons:
    """Two routes, and what they need."""

    def __init__(
        self,
        keys: ButtonKeys,
        guard: RequestGuard,
        metrics: ConsoleMetrics,
        now: Callable[[], datetime],
    ) -> None:
        self._keys = keys
        self._guard = guard
        self._metrics = metrics
        self._now = now

    def withheld(self) -> bool:
        """Whether they are not there now, though the spec allows them."""
        return self._keys.withheld()

    def routes(self) -> list[web.RouteDef]:
        """For the people's application."""
        return [
            web.post("/key", self._guarded(self._open)),
            web.delete("/key", self._guarded(self._close)),
            web.post("/asked", self._guarded(self._ask)),
        ]

    def _guarded(self, handler: _Handler) -> _Handler:
        async def guarded(request: web.Request) -> web.Response:
            problem = self._guard.origin_problem(
                hosts=request.headers.getall(hdrs.HOST, []),
                origins=request.headers.getall(hdrs.ORIGIN, []),
            )
            if problem is not None:
                self._refuse("origin", problem)
            if request.content_type != "application/json":
                raise web.HTTPUnsupportedMediaType(text="the body is JSON\n")
            return await handler(request)

        return guarded

    async def _open(self, request: web.Request) -> web.Response:
        try:
            shown = KeyRequest.model_validate(await request.json())
            key = self._keys.open(
                shown.password, shown.protocols, guesser(request.remote, request.cookies)
            )
        except _NO_JSON:
            raise web.HTTPBadRequest(text="password is missing\n") from None
        except SessionEndedError as ended:
            self._metrics.refused.labels("password").inc()
            logger.warning("refused the buttons: %s", ended.ending.label)
            answer = {"code": ended.ending.code, "text": ended.ending.text}
            return web.json_response(answer, status=403, headers=NOT_STORED)
        logger.info("a person at the console may press buttons")
        return web.json_response({"key": key}, headers=NOT_STORED)

    async def _close(self, request: web.Request) -> web.Response:
        self._keys.close(self._key(request))
        return web.Response(status=204)

    async def _ask(self, request: web.Request) -> web.Response:
        if not self._keys.is_open(self._key(request)):
            self._refuse("key", "the buttons are locked: show the password again")
        if not self._keys.may_press():
            raise web.HTTPTooManyRequests(text="Too many presses: wait a minute.\n")
        try:
            pressed = {
                **await request.json(),
                "id": f"{self._now().astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
            }
            asked = ConsoleRequest.model_validate(pressed)
        except _NO_JSON:
            raise web.HTTPBadRequest(text="what is asked for is not known here\n") from None
        return await self._hand_on(asked)

    async def _hand_on(self, asked: ConsoleRequest) -> web.Response:
        try:
            async with client_session() as session:
                await ask_at_console(HttpClient(session), self._keys.sentinel(), asked)
        except EndpointRefusedError as error:
            self._metrics.pressed.labels(asked.action, "refused").inc()
            return web.Response(status=409, text=str(error))
        except EndpointUnavailableError:
            self._metrics.pressed.labels(asked.action, "failed").inc()
            logger.warning("%s: the sentinel has not said that it took it", asked.action)
            text = (
                "Not known: the gateway's pod has not said that it took it. It is away, or older than this console."
                " Look at what goes on before asking again."
            )
            return web.Response(status=503, text=text)
        self._metrics.pressed.labels(asked.action, "taken").inc()
        logger.info("a person at the console asked for %s at %s", asked.action, asked.id)
        return web.Response(status=202)

    @staticmethod
    def _key(request: web.Request) -> str:
        found = request.headers.getall(KEY_HEADER, [])
        return found[0][:LONGEST_KEY] if len(found) == 1 else ""

    def _refuse(self, check: str, problem: str) -> None:
        self._metrics.refused.labels(check).inc()
        logger.warning("refused a request: %s", problem)
        raise web.HTTPForbidden(text=f"Refused: {problem}.\n")
