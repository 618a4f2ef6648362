"""`GET /v1/events`: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Annotated, Final

from fastapi import APIRouter, Header, Response
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from ibgateway_executor.intake.body import OrderRoute
from ibgateway_executor.intake.cursors import LARGEST_SEQUENCE
from ibgateway_executor.intake.event_feed import EventFeed
from ibgateway_executor.intake.services import Services

HEADERS: Final = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
"""The second one has nginx hand on each event as it comes."""

router = APIRouter(route_class=OrderRoute)


class EventStream(StreamingResponse):
    """The events beyond a place, for as long as somebody listens."""

    media_type = "text/event-stream"

    def __init__(self, feed: EventFeed, place: int) -> None:
        self._feed = feed
        self._events: AsyncGenerator[bytes] = feed.events(place)
        super().__init__(self._events, headers=HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send them."""
        try:
            async with aclosing(self._events):
                await super().__call__(scope, receive, send)
        finally:
            self._feed.left()


@router.get("/v1/events")
async def stream_events(
    services: Services,
    last: Annotated[int | None, Header(alias="Last-Event-ID", ge=0, le=LARGEST_SEQUENCE)] = None,
) -> Response:
    """Every change of an order, of a rebalance, of the gate and of the pause, as it comes; after Last-Event-ID, or from now on.

    `Last-Event-ID: 0` begins with the first change there is. Gate and pause are told at the beginning, as they are.
    """
    feed = services.feed
    return EventStream(feed, await feed.begin(last))
