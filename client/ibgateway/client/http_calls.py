"""Calls as httpx's requests, and its answers as results: what both clients share."""

from collections.abc import Callable
from typing import Final, TypeVar

import httpx
from pydantic import ValidationError

from ibgateway.client.calls import ApiCall, HttpAnswer
from ibgateway.client.errors import ClientError, UnansweredError, problem_error
from ibgateway.client.retries import RetryLimit

TIMEOUT_SECONDS: Final = 15.0
"""The executor answers a cancel after up to two seconds; its disk may be slow."""
SILENCE_SECONDS: Final = 45.0
"""A stream of events shows every 15 s that it lives."""
FAILURES: Final = (httpx.HTTPError, httpx.StreamError)
_DOUBLINGS: Final = 32
"""More of them would be no number any more after a day without an answer."""

T = TypeVar("T")
AnyClient = httpx.Client | httpx.AsyncClient
Token = str | Callable[[], str]


def request_of(client: AnyClient, call: ApiCall[T], token: Token) -> httpx.Request:
    """The call, as it is sent."""
    headers = {**authorization(token), **call.headers}
    return client.build_request(
        call.method, call.path, params=call.params, json=call.body, headers=headers
    )


def stream_request(client: AnyClient, last: int | None, token: Token) -> httpx.Request:
    """`GET /v1/events` after event `last`."""
    resumed = {} if last is None else {"Last-Event-ID": str(last)}
    headers = {**authorization(token), **resumed, "Accept": "text/event-stream"}
    timeout = httpx.Timeout(TIMEOUT_SECONDS, read=SILENCE_SECONDS)
    return client.build_request("GET", "/v1/events", headers=headers, timeout=timeout)


def result_of(call: ApiCall[T], answer: httpx.Response) -> T:
    """What the call gives; its ClientError where the answer is an error, or none of the executor's."""
    if not answer.is_success:
        raise error_of(answer)
    try:
        return call.read(HttpAnswer(answer.status_code, answer.content))
    except ValidationError as error:
        raise UnansweredError(f"this is no answer of an executor: {error}") from error


def error_of(answer: httpx.Response) -> ClientError:
    """The error of an answer whose body has been read."""
    return problem_error(answer.status_code, answer.content, answer.headers.get("Retry-After"))


def unanswered(error: Exception) -> UnansweredError:
    """No answer, and why. Of a header that can't be sent the text would show the value, and that is the token's."""
    hidden = isinstance(error, httpx.LocalProtocolError)
    return UnansweredError(type(error).__name__ if hidden else str(error) or type(error).__name__)


def reconnect_pause(failures: int, retries: RetryLimit) -> float:
    """Seconds before a stream is opened anew, after so many times in a row without an event."""
    return min(retries.pause * 2.0 ** min(failures, _DOUBLINGS), retries.longest)


def authorization(token: Token) -> dict[str, str]:
    """The header that shows the token as it is now."""
    return {"Authorization": f"Bearer {token if isinstance(token, str) else token()}"}
